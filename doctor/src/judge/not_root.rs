//! Services whose programs do not run as root, such as screen lockers. There the module cannot verify a code, so a
//! twinlock line locks out the user.
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

/// Returns a finding about one of [`SERVICES`] that asks for a code; `None` if the service has no PAM file of its own,
/// because its program is then not installed.
#[must_use]
pub fn judge(name: &str, service: &Service) -> Option<Finding> {
    let own = service.file.as_ref().filter(|file| file.rsplit('/').next() == Some(name))?;
    let asks = |line: &&Handler| match &line.kind {
        StackKind::Module { path, args } => is_twinlock(path) && read(args).stand.judges(),
        StackKind::Substack | StackKind::Broken => false,
    };
    let line = service.lines(Facility::Auth).iter().find(asks)?;
    let by = if line.place.file == *own {
        "its line".to_owned()
    } else {
        format!("{}, which it includes,", line.place.file)
    };
    Some(Finding {
        level: Level::LockOut,
        id: "caller-not-root",
        place: own.clone(),
        what: format!(
            "{name} does not run as root, and {by} asks for a code that only root can check: a locked session cannot be \
             unlocked (reason caller_not_root)."
        ),
        remedy: format!(
            "{} Or exempt the service in twinlock.toml: [[rule]], service = \"{name}\", action = \"exempt\". Or run the \
             program as root, if it can.",
            without(own, &line.place.file)
        ),
    })
}

/// Returns the remedy: how the file `own` can check a password without the twinlock line of `file`.
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
