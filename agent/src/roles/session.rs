//! The login session of a caller, read from the caller's process. That process may have ended, and another process may
//! now have its process id. A session is therefore only used to refuse an approval. The proofs of the caller are the
//! user id of the connection, the password and the code.

use std::fs;

use rustix::net::sockopt;
use twinlock_core::base::account::Account;

use crate::connection::Connection;

/// The value that the kernel reports for a process that no login has started.
const UNSET: u32 = u32::MAX;

/// The login session of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LoginSession {
    /// The user id that logged in at the start of the session; `None` if the kernel does not record it.
    pub(crate) login: Option<u32>,
    /// Number of the audit session; `None` if the kernel does not record it.
    pub(crate) id: Option<u32>,
}

impl LoginSession {
    /// Returns the login session of the process that made the connection; `None` if that process is gone or cannot be
    /// seen.
    pub(crate) fn of(connection: &Connection) -> Option<Self> {
        let pid = sockopt::socket_peercred(connection.socket()).ok()?.pid.as_raw_nonzero();
        let folder = format!("/proc/{pid}");
        let read = |name: &str| {
            let text = fs::read_to_string(format!("{folder}/{name}")).ok()?;
            text.trim().parse().ok().filter(|number| *number != UNSET)
        };
        let session = Self { login: read("loginuid"), id: read("sessionid") };
        fs::symlink_metadata(&folder).is_ok().then_some(session)
    }

    /// Returns whether `approver` may approve a request in this session. `request` is the number of the audit session
    /// in which the request was made. The approval needs another session, which `approver` has begun by a login. Values
    /// that the kernel does not report are not compared.
    pub(crate) fn may_approve(self, approver: &Account, request: Option<u32>) -> bool {
        let is_own = self.login.is_none_or(|login| login == approver.uid);
        let is_another = self.id.is_none() || self.id != request;
        is_own && is_another
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_own_and_other_session_approves() {
        let lee = Account { name: "lee".into(), uid: 1003, gid: 1003, full_name: "".into() };
        let may = |login, id, request| LoginSession { login, id }.may_approve(&lee, request);
        assert!(may(Some(1003), Some(7), Some(6)));
        assert!(may(None, None, Some(6)) && may(None, None, None));
        assert!(may(Some(1003), Some(7), None));
        assert!(!may(Some(1002), Some(7), Some(6)), "su and sudo keep the login uid");
        assert!(!may(Some(1003), Some(6), Some(6)));
        assert!(!may(Some(0), None, None));
    }
}
