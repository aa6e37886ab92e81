//! Identifies the acting user by the kernel's login uid, sudo and logind, and adds that user to log lines.

use std::path::Path;

use nix::unistd::User;
use rustix::fs::{major, minor};
use twinlock_core::{
    authorization::{Actor, Doubt, LoginTraces},
    event::log_line,
};
use twinlock_host::journal::Severity;

use crate::{authorize::logind, context::Context};

/// Login uid that the kernel gives to processes that no login has started.
const UNSET: u32 = u32::MAX;
/// Major device number of consoles and serial lines, `/dev/tty1` to `/dev/tty63` and `/dev/ttyS*`
/// (Documentation/admin-guide/devices.txt of Linux). `/dev/console` has another major number.
const TTYS: u32 = 4;
const CONSOLE: (u32, u32) = (5, 1);
/// Minor device number of the first serial line, `/dev/ttyS0`.
const SERIAL: u32 = 64;
/// Index, from 0, of `tty_nr` among the fields of `/proc/self/stat` after the program's name (proc_pid_stat(5)).
const TTY_NR: usize = 4;

/// What is known about the login that started this process, and the acting user that follows from it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ActingLogin {
    traces: LoginTraces,
    /// The acting user, or why the user is not proven.
    pub(crate) actor: Actor,
}

impl ActingLogin {
    /// Reads what the kernel, sudo (or doas, pkexec) and logind say about the login of this process.
    pub(crate) fn read() -> Self {
        let login = number("/proc/self/loginuid").filter(|uid| *uid != UNSET);
        let session = logind::session();
        let console = login.is_none()
            && console_name(terminal()).is_some_and(|name| {
                // If logind runs, every login on a console has a session. If logind does not run, the terminal is
                // enough.
                let by_logind = session.as_ref().is_some_and(|one| one.is_roots_on(&name));
                (by_logind || !logind::is_there()) && std::fs::File::open("/dev/tty").is_ok()
            });
        let owners = logind::owners(session.as_ref(), number("/proc/self/sessionid"));
        let traces = LoginTraces {
            login,
            invoker: contradicting(invokers(), login),
            session: contradicting(owners, login),
            console,
        };
        Self { traces, actor: traces.actor() }
    }

    /// Returns the uid of the user who called the command: the login uid; if it is unset, the uid that sudo, doas or
    /// pkexec names. Returns `None` if these are unknown or contradict each other.
    pub(crate) fn caller(&self) -> Option<u32> {
        let named = self.traces.login.or_else(|| invokers().first().copied())?;
        self.is_called_by(named).then_some(named)
    }

    /// Returns whether `uid` is the user who called the command. The login uid decides; if sudo or logind contradicts
    /// it, returns `false`. If the login uid is unset, at least one of sudo, doas and pkexec must name a user, and
    /// every one that does must name `uid`.
    pub(crate) fn is_called_by(&self, uid: u32) -> bool {
        match self.traces.login {
            Some(login) => login == uid && self.actor.uid() == Some(uid),
            None => {
                let invokers = invokers();
                !invokers.is_empty() && invokers.iter().all(|invoker| *invoker == uid)
            }
        }
    }

    /// Returns the value of `actor=` in the log: `console` for a login on the console; otherwise `root` or `uid:N` by
    /// the login uid, or `unset` if there is no login uid.
    pub(crate) fn word(&self) -> String {
        match (self.actor, self.traces.login) {
            (Actor::Console, _) => "console".into(),
            (_, Some(0)) => "root".into(),
            (_, Some(uid)) => format!("uid:{uid}"),
            (_, None) => "unset".into(),
        }
    }

    /// Returns a log key and value for the uid that contradicts the login uid: `invoker` if sudo, doas or pkexec names
    /// it, `session` if logind does. `None` if there is no contradiction.
    #[expect(clippy::wildcard_enum_match_arm, reason = "every other case is treated the same")]
    fn doubt(&self) -> Option<(&'static str, String)> {
        match self.actor {
            Actor::Unproven(Doubt::Invoker(uid)) => Some(("invoker", named(uid))),
            Actor::Unproven(Doubt::Session(uid)) => Some(("session", named(uid))),
            _ => None,
        }
    }
}

fn named(uid: u32) -> String {
    if uid == UNSET { "unknown".into() } else { format!("uid:{uid}") }
}

/// Returns the first of `uids` that differs from the login uid. If none differs, returns the first of `uids`. Returns
/// `None` if `uids` is empty.
fn contradicting(uids: Vec<u32>, login: Option<u32>) -> Option<u32> {
    uids.iter().copied().find(|uid| Some(*uid) != login).or_else(|| uids.first().copied())
}

fn number(path: impl AsRef<Path>) -> Option<u32> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// Returns the uids that the environment variables of sudo, pkexec and doas name. A value that cannot be read becomes
/// [`UNSET`], which no user has.
fn invokers() -> Vec<u32> {
    let uid = |name| {
        let value = std::env::var_os(name)?;
        Some(value.to_str().and_then(|text| text.parse().ok()).unwrap_or(UNSET))
    };
    let doas = std::env::var_os("DOAS_USER").map(|name| {
        let user = name.to_str().and_then(|name| User::from_name(name).ok().flatten());
        user.map_or(UNSET, |user| user.uid.as_raw())
    });
    [uid("SUDO_UID"), uid("PKEXEC_UID"), doas].into_iter().flatten().collect()
}

/// Returns the device number of the controlling terminal, as the kernel encodes it; 0 if there is none.
fn terminal() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let rest = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
    let number = rest.split(' ').nth(TTY_NR).and_then(|text| text.parse::<i32>().ok());
    // The number is a bit field that the kernel prints with a sign.
    number.map_or(0, |number| u64::from(number.cast_unsigned()))
}

/// Returns the name below `/dev` of a console or serial line, such as `tty1`; `None` for other devices.
fn console_name(device: u64) -> Option<String> {
    match (major(device), minor(device)) {
        // `/dev/tty0` is the console that is in the foreground at the moment, so it identifies no terminal.
        (TTYS, 0) => None,
        (TTYS, number) if number < SERIAL => Some(format!("tty{number}")),
        (TTYS, number) => Some(format!("ttyS{}", number - SERIAL)),
        CONSOLE => Some("console".into()),
        _ => None,
    }
}

/// Writes a log line about a change. The last key of the line names the acting user.
pub(crate) fn log(context: &Context, event: &str, pairs: &[(&str, &str)]) {
    log_as(context, Severity::Notice, &LogStart { event, pairs }, &ActingLogin::read());
}

/// The part of a log line before the acting user.
pub(crate) struct LogStart<'a> {
    /// Value of `event=` in the log line.
    pub(crate) event: &'a str,
    /// The keys of the log line after `event=`, each with its value.
    pub(crate) pairs: &'a [(&'a str, &'a str)],
}

/// Writes a log line that begins with `said` and ends with the acting user, with the given severity. `login` is the
/// login of this process, which the caller has read already.
pub(crate) fn log_as(
    context: &Context,
    severity: Severity,
    said: &LogStart<'_>,
    login: &ActingLogin,
) {
    let LogStart { event, pairs } = *said;
    let (actor, doubt) = (login.word(), login.doubt());
    let mut pairs = pairs.to_vec();
    pairs.extend(doubt.as_ref().map(|(key, uid)| (*key, uid.as_str())));
    pairs.push(("actor", &actor));
    context.machine.journal.send(severity, &log_line::of_administration(event, &pairs));
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::makedev;

    #[test]
    fn log_names_the_login() {
        for (login, console, word) in [
            (Some(1000), true, "uid:1000"),
            (Some(0), true, "root"),
            (None, false, "unset"),
            (None, true, "console"),
        ] {
            let traces = LoginTraces { login, console, ..LoginTraces::default() };
            assert_eq!(ActingLogin { traces, actor: traces.actor() }.word(), word);
        }
        let traces = LoginTraces { login: Some(0), invoker: Some(1000), ..LoginTraces::default() };
        let login = ActingLogin { traces, actor: traces.actor() };
        assert_eq!(
            (login.word(), login.doubt()),
            ("root".into(), Some(("invoker", "uid:1000".into())))
        );
    }

    #[test]
    fn console_is_known_by_its_device() {
        for (major, minor, console) in [
            (4, 1, Some("tty1")),
            (4, 63, Some("tty63")),
            (4, 64, Some("ttyS0")),
            (5, 1, Some("console")),
            (4, 0, None),
            (5, 0, None),
            (136, 1, None),
            (1, 3, None),
            (0, 0, None),
        ] {
            let found = console_name(makedev(major, minor));
            assert_eq!(found.as_deref(), console, "{major}:{minor}");
        }
    }

    #[test]
    fn contradiction_is_found_among_several() {
        assert_eq!(contradicting(vec![1000, 0], Some(1000)), Some(0));
        assert_eq!(contradicting(vec![1000, 1000], Some(1000)), Some(1000));
        assert_eq!(contradicting(Vec::new(), Some(1000)), None);
    }
}
