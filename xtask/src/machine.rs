//! This machine: its user, its distribution, and the paths of the repository and of the built files.

use std::path::{Path, PathBuf};

use crate::command::{Done, command, exists, output};

/// Returns the root folder of the repository on which this program works. It need not be the copy in which this program
/// was compiled.
pub(crate) fn repository() -> &'static Path {
    twinlock_tests::repository()
}

/// Returns the root folder of the repository on which this program works; `None` if the current folder is not in a
/// repository.
pub(crate) fn checkout() -> Option<PathBuf> {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    twinlock_tests::found(package.as_deref(), &std::env::current_dir().ok()?)
}

/// Returns the path of cargo's target folder.
pub(crate) fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => repository().join(folder),
        None => repository().join("target"),
    }
}

/// Returns the path of this program's file. The path is right even if cargo has replaced the file since the start.
pub(crate) fn this_program() -> Done<PathBuf> {
    let this = std::env::current_exe().map_err(|error| format!("No way back in: {error}."))?;
    let name = this.to_string_lossy();
    Ok(name.strip_suffix(" (deleted)").map_or_else(|| this.clone(), PathBuf::from))
}

/// Returns whether this program runs as root.
pub(crate) fn root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Returns the words to put before a command that must run as root: `sudo`, or none if this program runs as root.
pub(crate) fn becoming_root() -> Done<&'static [&'static str]> {
    if root() {
        Ok(&[])
    } else if exists("sudo") {
        Ok(&["sudo"])
    } else {
        Err("This needs root, and there is no sudo. Run it as root.".into())
    }
}

/// Returns whether this machine has apt and dpkg, so that Debian packages can be installed.
pub(crate) fn debian() -> bool {
    exists("apt-get") && exists("dpkg-query")
}

/// Returns the name of the architecture in Debian's library folders, such as `x86_64-linux-gnu`.
pub(crate) fn multiarch() -> Done<String> {
    let triplet = output(&mut command("gcc", &["-print-multiarch"]))?;
    match triplet.trim() {
        "" => Err("gcc does not say how this machine's library folder is called.".into()),
        triplet => Ok(triplet.to_owned()),
    }
}
