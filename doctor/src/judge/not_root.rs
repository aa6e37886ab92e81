//! Services whose programs do not run as root, such as screen lockers. The module cannot verify a code in such a
//! program. A twinlock line therefore locks out the user, unless twinlock's agent verifies the code.
use twinlock_core::policy::pam_line::{FirstPass, Forward, PamLine};

use crate::finding::{Finding, Level};
use crate::pam::stack::{Facility, Handler, Service, StackKind};
use crate::pam::twinlock::{MODULE, is_twinlock, read};

/// PAM services of programs that run as the calling user or as a service user.
pub const SERVICES: [&str; 12] = [
    "i3lock",
    "swaylock",
    "gtklock",
    "hyprlock",
    "waylock",
    "xsecurelock",
    "kde",
    "kscreensaver",
    "cinnamon-screensaver",
    "mate-screensaver",
    "xfce4-screensaver",
    "postgresql",
];

/// The services of [`SERVICES`] whose programs ask the user once, and give this one answer to every prompt of PAM.
const ONE_ANSWER: [&str; 6] =
    ["i3lock", "swaylock", "gtklock", "hyprlock", "waylock", "xsecurelock"];

/// The service of [`SERVICES`] whose program runs as a service user, and not as the user who logs in.
const OF_ANOTHER_USER: &str = "postgresql";

/// Whether a program that does not run as root, such as a screen locker, may have a code verified through the agent.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Lockers {
    /// The module refuses every login of such a program.
    #[default]
    Off,
    /// The agent verifies a code of the user who runs the program.
    On,
}

/// Returns a finding if the service `name`, one of [`SERVICES`], asks for a code and its program cannot have the code
/// verified; otherwise `None`. Also `None` if the service has no PAM file of its own, because its program is then not
/// installed.
#[must_use]
pub fn judge(name: &str, service: &Service, lockers: Lockers) -> Option<Finding> {
    let own = service.file.as_ref().filter(|file| file.rsplit('/').next() == Some(name))?;
    let by_agent = lockers == Lockers::On && name != OF_ANOTHER_USER;
    let fits = |line: Option<PamLine>| {
        !ONE_ANSWER.contains(&name) || line.is_some_and(|line| is_one_field(&line))
    };
    let asks = |line: &&Handler| match &line.kind {
        StackKind::Module { path, args } => {
            let arguments = read(args);
            let is_open = by_agent && fits(arguments.line);
            is_twinlock(path) && arguments.stand.judges() && !is_open
        }
        StackKind::Substack | StackKind::Broken => false,
    };
    let line = service.lines(Facility::Auth).iter().find(asks)?;
    let by = if line.place.file == *own {
        "its line".to_owned()
    } else {
        format!("{}, which it includes,", line.place.file)
    };
    Some(if by_agent { asks_twice(name, own, &by) } else { not_root(name, own, line, &by) })
}

/// Returns whether the line `line` of twinlock takes the password and the code from one answer of the user.
fn is_one_field(line: &PamLine) -> bool {
    line.forward == Forward::Password || line.first_pass != FirstPass::Ignored
}

fn not_root(name: &str, own: &str, line: &Handler, by: &str) -> Finding {
    Finding {
        level: Level::LockOut,
        id: "caller-not-root",
        place: own.to_owned(),
        what: format!(
            "{name} does not run as root, and {by} asks for a code that only root can check: a locked session cannot be \
             unlocked (reason caller_not_root)."
        ),
        remedy: format!(
            "{} Or exempt the service in twinlock.toml: [[rule]], service = \"{name}\", action = \"exempt\". Or run the \
             program as root, if it can.",
            without(own, &line.place.file)
        ),
    }
}

fn asks_twice(name: &str, own: &str, by: &str) -> Finding {
    Finding {
        level: Level::LockOut,
        id: "locker-asks-twice",
        place: own.to_owned(),
        what: format!(
            "{name} gives one answer to every question, and {by} asks for the code separately: a locked session cannot be \
             unlocked."
        ),
        remedy: format!(
            "Write into {own}, as its only auth lines: auth required {MODULE} first_factor=follows forward_pass - and: \
             auth required pam_unix.so use_first_pass - see pam_twinlock(8), SCREEN LOCKERS. Or, without a code: \
             @include common-auth"
        ),
    }
}

/// Returns the remedy: how the file `own` can check a password without the twinlock line of the file `file`.
fn without(own: &str, file: &str) -> String {
    let password_alone = ["common-auth", "password-auth", "system-auth"];
    let is_own = file == own || password_alone.iter().any(|name| file.ends_with(name));
    match is_own {
        true => {
            format!("Write the lines that check the password into {own} itself, without {MODULE}.")
        }
        false => format!(
            "In {own}, write `@include common-auth` (Red Hat: `auth include password-auth`) in place of the line that \
             leads to {file}."
        ),
    }
}
