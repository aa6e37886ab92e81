//! Copies the files that every package contains to the paths at which they will be installed, and determines the time
//! of these files.

use std::fs;
use std::path::Path;

use crate::build::Artefacts;
use crate::command::{Done, command, output, run};
use crate::machine::repository;

/// Copies the files that every package contains into the folder `root`. `security` is the folder for PAM modules, and
/// `zsh` the folder for completions of zsh, both as paths on the installed system.
///
/// `password` is the name of the file in `/etc/pam.d` with which the agent checks passwords; if it is empty, Debian's
/// is used.
pub(crate) fn to(
    root: &Path,
    artefacts: &Artefacts,
    security: &str,
    zsh: &str,
    password: &str,
) -> Done {
    let script = repository().join("packaging/install.sh");
    let mut install = command(&script.to_string_lossy(), &[] as &[&str]);
    install.arg(root).current_dir(repository());
    install.env("MODULE", &artefacts.module).env("COMMAND", &artefacts.command);
    install.env("PROGRAMS", &artefacts.programs).env("PASSWORD", password);
    run(install.env("SECURITY", security).env("ZSH", zsh))
}

/// Returns the time (Unix time in seconds) that every file of a package gets. It is the time of the last commit, so
/// that each build of this commit gives the same package.
pub(crate) fn made_at() -> String {
    if let Ok(given) = std::env::var("SOURCE_DATE_EPOCH") {
        return given;
    }
    let mut log = command("git", &["log", "-1", "--format=%ct"]);
    let committed = output(log.current_dir(repository())).unwrap_or_default();
    let digits = committed.trim();
    if digits.is_empty() { changelog_changed_at() } else { digits.to_owned() }
}

/// Returns the modification time of CHANGELOG.md (Unix time in seconds). It is used for a build without git.
fn changelog_changed_at() -> String {
    let changed = fs::metadata(repository().join("CHANGELOG.md"))
        .and_then(|found| found.modified())
        .ok()
        .and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    changed.map_or_else(|| "0".into(), |since| since.as_secs().to_string())
}
