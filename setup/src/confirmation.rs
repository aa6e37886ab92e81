//! Decides whether a login proves that a changed service still lets in the administrator.
//!
//! A login proves it if the module has accepted a code for this service after the change, and the login is not the one
//! that made the change. A new channel of an ssh connection that is older than the change proves nothing, because sshd
//! asks for no factor when a client opens a channel. Such a connection is recognized by the start time of its process.

use core::fmt;

use serde_json::Value;

use crate::saved::InForce;

/// Maximum number of seconds from the time at which the module accepts a code to the start of the session. A session
/// that starts later does not belong to the code.
const SESSION_STARTS: u64 = 60;
/// Number of microseconds in a second.
const SECOND: u64 = 1_000_000;

/// A code that the module has accepted, as the journal records it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JournalAcceptance {
    /// The PAM service for which the code was accepted.
    pub service: String,
    /// Name of the account that gave the code, as the log contains it.
    pub user: String,
    /// Time at which the code was accepted: CLOCK_MONOTONIC in microseconds.
    pub at: u64,
    /// Audit session (the number that the kernel gives to a login) of the process that asked for the code. It is `None`
    /// for sshd and login, which ask before there is a session.
    pub audit_session: Option<u32>,
}

impl JournalAcceptance {
    /// Parses one line of `journalctl --output=json`. Returns `None` if the line is not about an accepted code, or if a
    /// process without root's rights has written it.
    #[must_use]
    pub fn read(line: &str) -> Option<Self> {
        let entry: Value = serde_json::from_str(line).ok()?;
        let field = |name: &str| entry.get(name).and_then(Value::as_str);
        // The journal itself adds the fields that begin with an underscore; the process that writes the message cannot
        // choose them.
        let message = field("MESSAGE")?;
        let value = |key: &str| message.split(' ').find_map(|pair| pair.strip_prefix(key));
        if field("SYSLOG_IDENTIFIER") != Some("twinlock") || value("event=") != Some("accepted") {
            return None;
        }
        let service = value("service=")?;
        // su and sudo run with the rights of root, but keep the user id of their caller.
        let program = service.strip_suffix("-i").or(service.strip_suffix("-l")).unwrap_or(service);
        let is_program = |exe: &str| {
            [format!("/usr/bin/{program}"), format!("/bin/{program}")]
                .iter()
                .any(|path| path == exe)
        };
        let has_rights = field("_CAP_EFFECTIVE").is_some_and(|caps| caps != "0");
        let by_root = field("_UID") == Some("0");
        if !(by_root || has_rights && field("_EXE").is_some_and(is_program)) {
            return None;
        }
        Some(Self {
            service: service.to_owned(),
            user: value("user=")?.to_owned(),
            at: field("__MONOTONIC_TIMESTAMP")?.parse().ok()?,
            audit_session: field("_AUDIT_SESSION").and_then(|id| id.parse().ok()),
        })
    }
}

/// The login session of the process that confirms a change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Session {
    /// The PAM service that opened the session.
    pub service: String,
    /// Name of the account that logged in.
    pub user: String,
    /// Time at which the session was opened: CLOCK_MONOTONIC in microseconds.
    pub opened: u64,
    /// Start time of the process that opened the session: CLOCK_BOOTTIME in microseconds.
    pub leader_started: u64,
}

/// The process that confirms a change, such as `twinlock setup confirm`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Confirming {
    /// Login session of the process; `None` if logind knows none.
    pub session: Option<Session>,
    /// Audit session of the process; `None` if it has none.
    pub audit_session: Option<u32>,
}

/// The change that is to be confirmed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Changed<'a> {
    /// Names of the PAM services whose files were changed.
    pub services: &'a [String],
    /// Time from which the service uses the changed files.
    pub in_force: InForce,
    /// Audit session of the process that made the change; `None` if it had none.
    pub audit_session: Option<u32>,
}

/// Why a login does not prove that the changed service lets in the administrator.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoProof {
    /// The confirming process belongs to no login session.
    NoLogin,
    /// The login that confirms is the one in which the change was made.
    SameLogin,
    /// The connection of the login was opened before the change.
    OldConnection,
    /// The user logged in through another service.
    OtherService,
    /// No code was accepted for this login after the change.
    NoCode,
}

impl fmt::Display for NoProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoLogin => "this process belongs to no login",
            Self::SameLogin => "this is the login that made the change",
            Self::OldConnection => "the connection of this login is older than the change",
            Self::OtherService => "this login came through another service",
            Self::NoCode => "no code was accepted for this login since the change",
        })
    }
}

impl core::error::Error for NoProof {}

/// Checks that the login of the confirming process proves the change. `accepted` contains the codes that the module has
/// accepted since the boot.
///
/// # Errors
/// [`NoProof`] if the login does not prove the change.
pub fn check(
    changed: Changed<'_>,
    confirming: &Confirming,
    accepted: &[JournalAcceptance],
) -> Result<(), NoProof> {
    let own = confirming.audit_session;
    if own.is_some() && own == changed.audit_session {
        return Err(NoProof::SameLogin);
    }
    let since = accepted.iter().filter(|one| {
        one.at >= changed.in_force.monotonic && changed.services.contains(&one.service)
    });
    // Programs such as su and sudo ask for a code inside of a login, and keep the audit session of this login.
    if own.is_some() && since.clone().any(|one| one.audit_session == own) {
        return Ok(());
    }
    let session = confirming.session.as_ref().ok_or(NoProof::NoLogin)?;
    if !changed.services.contains(&session.service) {
        return Err(NoProof::OtherService);
    }
    if session.leader_started < changed.in_force.boot {
        return Err(NoProof::OldConnection);
    }
    let of_session = |one: &&JournalAcceptance| {
        one.user == session.user
            && (one.at..=one.at.saturating_add(SESSION_STARTS * SECOND)).contains(&session.opened)
    };
    if session.opened >= changed.in_force.monotonic && since.clone().any(|one| of_session(&one)) {
        return Ok(());
    }
    Err(NoProof::NoCode)
}

#[cfg(test)]
mod tests {
    use core::slice::from_ref;

    use super::*;

    const AT: InForce = InForce { monotonic: 100 * SECOND, boot: 200 * SECOND };

    fn sshd() -> Vec<String> {
        vec!["sshd".to_owned()]
    }

    fn session() -> Session {
        Session {
            service: "sshd".to_owned(),
            user: "ada".to_owned(),
            opened: 112 * SECOND,
            leader_started: 205 * SECOND,
        }
    }

    fn accepted() -> JournalAcceptance {
        JournalAcceptance {
            service: "sshd".to_owned(),
            user: "ada".to_owned(),
            at: 111 * SECOND,
            audit_session: None,
        }
    }

    fn said(
        session: Option<Session>,
        own: Option<u32>,
        accepted: &[JournalAcceptance],
    ) -> Option<NoProof> {
        let services = sshd();
        let changed = Changed { services: &services, in_force: AT, audit_session: Some(1) };
        check(changed, &Confirming { session, audit_session: own }, accepted).err()
    }

    #[test]
    fn a_new_login_with_a_code_proves_the_change() {
        assert_eq!(said(Some(session()), Some(3), &[accepted()]), None);
        assert_eq!(said(Some(session()), None, &[accepted()]), None);
    }

    /// Applies `change` to `value`, and returns the changed value.
    fn with<T>(mut value: T, change: impl FnOnce(&mut T)) -> T {
        change(&mut value);
        value
    }

    #[test]
    fn other_logins_prove_nothing() {
        let good = [accepted()];
        for (session, own, expected) in [
            (Some(session()), Some(1), NoProof::SameLogin),
            (None, Some(3), NoProof::NoLogin),
            (None, None, NoProof::NoLogin),
        ] {
            assert_eq!(said(session.clone(), own, &good), Some(expected), "{session:?} {own:?}");
        }
        for (session, expected) in [
            (with(session(), |one| one.leader_started = 199 * SECOND), NoProof::OldConnection),
            (with(session(), |one| one.service = "login".to_owned()), NoProof::OtherService),
            (with(session(), |one| one.user = "eve".to_owned()), NoProof::NoCode),
            (with(session(), |one| one.opened = 110 * SECOND), NoProof::NoCode),
            (with(session(), |one| one.opened = 400 * SECOND), NoProof::NoCode),
        ] {
            assert_eq!(said(Some(session.clone()), Some(3), &good), Some(expected), "{session:?}");
        }
    }

    #[test]
    fn other_codes_prove_nothing() {
        assert_eq!(said(Some(session()), Some(3), &[]), Some(NoProof::NoCode));
        for code in [
            with(accepted(), |one| one.at = 99 * SECOND),
            with(accepted(), |one| one.service = "sudo".to_owned()),
            with(accepted(), |one| one.user = "eve".to_owned()),
        ] {
            assert_eq!(
                said(Some(session()), Some(3), from_ref(&code)),
                Some(NoProof::NoCode),
                "{code:?}"
            );
        }
    }

    #[test]
    fn a_service_inside_of_a_login_is_known_by_its_audit_session() {
        let services = vec!["sudo".to_owned(), "sudo-i".to_owned()];
        let changed = Changed { services: &services, in_force: AT, audit_session: Some(1) };
        let sudo =
            JournalAcceptance { service: "sudo".to_owned(), audit_session: Some(3), ..accepted() };
        let by = |own: u32| Confirming { session: Some(session()), audit_session: Some(own) };
        assert_eq!(check(changed, &by(3), from_ref(&sudo)), Ok(()));
        assert_eq!(check(changed, &by(4), from_ref(&sudo)), Err(NoProof::OtherService));
        assert_eq!(check(changed, &by(1), from_ref(&sudo)), Err(NoProof::SameLogin));
        let old = JournalAcceptance { at: 99 * SECOND, ..sudo };
        assert_eq!(check(changed, &by(3), &[old]), Err(NoProof::OtherService));
    }

    #[test]
    fn only_lines_of_the_module_count() {
        let line = r#"{"_UID":"0","SYSLOG_IDENTIFIER":"twinlock","__MONOTONIC_TIMESTAMP":"111000000","MESSAGE":"event=accepted user=ada service=sshd rhost=127.0.0.1 first_factor=publickey"}"#;
        assert_eq!(JournalAcceptance::read(line), Some(accepted()));
        let uid =
            r#""_UID":"1000","_CAP_EFFECTIVE":"1ff","_AUDIT_SESSION":"3","_EXE":"/usr/bin/sudo""#;
        let by_sudo = line.replace(r#""_UID":"0""#, uid).replace("sshd", "sudo-i");
        assert_eq!(JournalAcceptance::read(&by_sudo).unwrap().audit_session, Some(3));
        for (from, to) in [("/usr/bin/sudo", "/usr/bin/logger"), ("1ff", "0"), ("_EXE", "EXE")] {
            assert_eq!(
                JournalAcceptance::read(&by_sudo.replacen(from, to, 1)),
                None,
                "{from} {to}"
            );
        }
        for (from, to) in [
            (r#""_UID":"0""#, r#""_UID":"1000""#),
            ("twinlock", "logger"),
            ("event=accepted", "event=refused"),
            ("event=accepted", "event=exempt"),
            ("service=", "x="),
            ("111000000", "soon"),
            ("{", ""),
        ] {
            assert_eq!(JournalAcceptance::read(&line.replacen(from, to, 1)), None, "{from} {to}");
        }
    }
}
