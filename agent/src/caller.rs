//! Finds the account of a caller, by the user id that the kernel reports for the connection.

use std::{fs, os::fd::AsFd};

use rustix::net::sockopt;
use twinlock_core::base::account::Account;
use twinlock_host::accounts::Nss;

/// The user id that the kernel reports for a user id that this user namespace does not map (`nobody`).
const OVERFLOW: u32 = 65_534;

/// Why the agent does not serve a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallerError {
    /// The kernel does not report the user id of the caller, or reports a mapped one.
    Unknown,
    /// The user id has no account, or more than one.
    NoAccount,
    /// NSS does not answer.
    LookupFailed,
}

impl core::fmt::Display for CallerError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Unknown => "it is unknown who calls",
            Self::NoAccount => "the caller does not have exactly one account",
            Self::LookupFailed => "the accounts of this host cannot be read",
        })
    }
}

impl core::error::Error for CallerError {}

/// Returns whether this process sees the real user ids of callers. It does not if it runs in a user namespace that maps
/// user ids to others.
pub(crate) fn sees_real_uids() -> bool {
    fs::read_to_string("/proc/self/uid_map").is_ok_and(|map| is_whole(&map))
}

/// Returns whether the uid_map `map` maps every user id to itself.
fn is_whole(map: &str) -> bool {
    map.split_whitespace().eq(["0", "0", "4294967295"])
}

/// Returns the account of the user who made the connection.
///
/// # Errors
/// [`CallerError`] if the user id is not known, does not have exactly one account, or cannot be looked up.
pub(crate) fn of(connection: impl AsFd) -> Result<Account, CallerError> {
    let found = sockopt::socket_peercred(connection).map_err(|_| CallerError::Unknown)?;
    let uid = found.uid.as_raw();
    if uid == OVERFLOW || !sees_real_uids() {
        return Err(CallerError::Unknown);
    }
    account_of(uid)
}

/// Returns the account of a user id.
///
/// # Errors
/// [`CallerError`] if the user id has no account or more than one, or cannot be looked up.
pub(crate) fn account_of(uid: u32) -> Result<Account, CallerError> {
    let nss = Nss::default();
    let account = nss.by_uid(uid).map_err(|_| CallerError::LookupFailed)?;
    let account = account.ok_or(CallerError::NoAccount)?;
    let is_one = nss.has_one_name(&account).map_err(|_| CallerError::LookupFailed)?;
    if !is_one {
        return Err(CallerError::NoAccount);
    }
    Ok(account)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mapped_user_ids_are_noticed() {
        assert!(is_whole("         0          0 4294967295\n"));
        for map in ["0 100000 65536\n", "0 0 1\n", "0 0 65536\n65536 65536 1\n", ""] {
            assert!(!is_whole(map), "{map}");
        }
    }

    #[test]
    fn only_a_user_id_with_an_account_is_one() {
        assert!(account_of(0).is_ok_and(|root| root.name == "root"));
        assert_eq!(account_of(4_000_000), Err(CallerError::NoAccount));
    }
}
