//! This machine: the user, the distribution, and the paths of the repository and its artefacts.

use std::path::{Path, PathBuf};

use crate::command::{Done, command, exists, output};

/// Returns the folder of the repository on which this program works. It may be a copy of the repository in which this
/// program was compiled.
pub(crate) fn repository() -> &'static Path {
    twinlock_tests::repository()
}

/// Returns the folder of the repository as [`repository`] does; `None` if the current folder is not in one.
pub(crate) fn checkout() -> Option<PathBuf> {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    twinlock_tests::found(package.as_deref(), &std::env::current_dir().ok()?)
}

/// Returns cargo's target folder.
pub(crate) fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => repository().join(folder),
        None => repository().join("target"),
    }
}

/// Returns the path of this program's file, also if cargo has replaced the file meanwhile.
pub(crate) fn this_program() -> Done<PathBuf> {
    let this = std::env::current_exe().map_err(|error| format!("No way back in: {error}."))?;
    let name = this.to_string_lossy();
    Ok(name.strip_suffix(" (deleted)").map_or_else(|| this.clone(), PathBuf::from))
}

/// Returns whether this program runs as root.
pub(crate) fn root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Returns the words that precede a command that root must run: none, or `sudo`.
pub(crate) fn becoming_root() -> Done<&'static [&'static str]> {
    if root() {
        Ok(&[])
    } else if exists("sudo") {
        Ok(&["sudo"])
    } else {
        Err("This needs root, and there is no sudo. Run it as root.".into())
    }
}

/// Returns whether this machine installs packages with apt.
pub(crate) fn debian() -> bool {
    exists("apt-get") && exists("dpkg-query")
}

/// Returns the architecture in the names of Debian's library folders, such as `x86_64-linux-gnu`.
pub(crate) fn multiarch() -> Done<String> {
    let triplet = output(&mut command("gcc", &["-print-multiarch"]))?;
    match triplet.trim() {
        "" => Err("gcc does not say how this machine's library folder is called.".into()),
        triplet => Ok(triplet.to_owned()),
    }
}
