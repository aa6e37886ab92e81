//! Who acts, by the kernel's word, and the log line that says what was done.

use rustix::{
    fs::{fstat, major, minor},
    process::geteuid,
    termios::isatty,
};
use twinlock_core::format::log_line;
use twinlock_host::journal::Severity;

use crate::desk::Desk;

/// What the kernel shows for a process that nobody's login has started.
const UNSET: u32 = u32::MAX;
/// The character devices of consoles (Documentation/admin-guide/devices.txt of Linux): `/dev/tty1` to `/dev/tty63` and
/// the serial lines are of one driver, `/dev/console` is of another.
const TTYS: u32 = 4;
const CONSOLE: (u32, u32) = (5, 1);

/// Who acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Whoever has logged in: su and sudo do not change that.
    Person(u32),
    /// Root has logged in.
    Root,
    /// Nobody has logged in, and somebody sits at a console of this machine.
    Console,
    /// Nobody has logged in: a service, a container.
    Nobody,
}

impl Who {
    /// Asks the kernel.
    pub fn acts() -> Self {
        let loginuid = std::fs::read_to_string("/proc/self/loginuid");
        Self::of(loginuid.ok().and_then(|text| text.trim().parse().ok()), sits_at_a_console)
    }

    fn of(loginuid: Option<u32>, at_a_console: fn() -> bool) -> Self {
        match loginuid {
            Some(0) => Self::Root,
            None | Some(UNSET) if at_a_console() => Self::Console,
            None | Some(UNSET) => Self::Nobody,
            Some(uid) => Self::Person(uid),
        }
    }

    /// The word in the log.
    pub fn word(self) -> String {
        match self {
            Self::Person(uid) => format!("uid:{uid}"),
            Self::Root => "root".into(),
            Self::Console => "console".into(),
            Self::Nobody => "unset".into(),
        }
    }
}

/// By the device behind standard input: any terminal can be given a console's name.
fn sits_at_a_console() -> bool {
    let stdin = std::io::stdin();
    let device = fstat(&stdin).map(|found| found.st_rdev);
    geteuid().is_root() && isatty(&stdin) && device.is_ok_and(is_console)
}

fn is_console(device: u64) -> bool {
    match (major(device), minor(device)) {
        // Number 0 is whichever console is in front, and so nobody's in particular.
        (TTYS, minor) => minor > 0,
        other => other == CONSOLE,
    }
}

/// Logs a change, with the acting person last.
pub fn log(desk: &Desk, event: &str, pairs: &[(&str, &str)]) {
    log_as(desk, Severity::Notice, (event, pairs), Who::acts());
}

/// As [`log`], for somebody who is known already.
pub fn log_as(desk: &Desk, severity: Severity, said: (&str, &[(&str, &str)]), who: Who) {
    let (event, pairs) = said;
    let actor = who.word();
    let mut pairs = pairs.to_vec();
    pairs.push(("actor", &actor));
    desk.machine.journal.send(severity, &log_line::of_administration(event, &pairs));
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::makedev;

    #[test]
    fn the_kernels_word_becomes_ours() {
        for (loginuid, console, actor) in [
            (Some(1000), true, "uid:1000"),
            (Some(0), true, "root"),
            (Some(UNSET), false, "unset"),
            (Some(UNSET), true, "console"),
            (None, false, "unset"),
            (None, true, "console"),
        ] {
            let at_a_console: fn() -> bool = if console { || true } else { || false };
            assert_eq!(Who::of(loginuid, at_a_console).word(), actor);
        }
    }

    #[test]
    fn a_console_is_known_by_its_device() {
        for (major, minor, console) in [
            (4, 1, true),
            (4, 63, true),
            (4, 64, true),
            (5, 1, true),
            (4, 0, false),
            (5, 0, false),
            (136, 1, false),
            (1, 3, false),
        ] {
            assert_eq!(is_console(makedev(major, minor)), console, "{major}:{minor}");
        }
    }
}
