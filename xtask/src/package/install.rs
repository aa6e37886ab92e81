//! Copies the files that every package has, and dates them.

use std::fs;
use std::path::Path;

use crate::build::Artefacts;
use crate::command::{Done, command, output, run};
use crate::machine::repository;

/// Copies the files of every package to the folder `root`. `security` is the folder of PAM modules, `zsh` that of
/// completions for zsh.
pub(crate) fn to(root: &Path, artefacts: &Artefacts, security: &str, zsh: &str) -> Done {
    let script = repository().join("packaging/install.sh");
    let mut install = command(&script.to_string_lossy(), &[] as &[&str]);
    install.arg(root).current_dir(repository());
    install.env("MODULE", &artefacts.module).env("COMMAND", &artefacts.command);
    run(install.env("SECURITY", security).env("ZSH", zsh))
}

/// Returns the modification time of every file in a package, which is that of the last commit so that the build is
/// reproducible.
pub(crate) fn made_at() -> String {
    if let Ok(given) = std::env::var("SOURCE_DATE_EPOCH") {
        return given;
    }
    let mut log = command("git", &["log", "-1", "--format=%ct"]);
    let committed = output(log.current_dir(repository())).unwrap_or_default();
    let digits = committed.trim();
    if digits.is_empty() { changelog_changed_at() } else { digits.to_owned() }
}

/// Returns the modification time of the changelog as Unix time, for a build without git.
fn changelog_changed_at() -> String {
    let changed = fs::metadata(repository().join("CHANGELOG.md"))
        .and_then(|found| found.modified())
        .ok()
        .and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    changed.map_or_else(|| "0".into(), |since| since.as_secs().to_string())
}
