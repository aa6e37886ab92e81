//! What this machine is: its user, its distribution, where the repository and its artefacts lie.

use std::path::{Path, PathBuf};

use crate::command::{Done, command, exists, output};

/// The folder of the repository that this works on, which may be a copy of the one it was compiled in.
pub(crate) fn repository() -> &'static Path {
    twinlock_tests::repository()
}

/// As [`repository`], or nothing where this is run outside.
pub(crate) fn checkout() -> Option<PathBuf> {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    twinlock_tests::found(package.as_deref(), &std::env::current_dir().ok()?)
}

/// Where cargo puts what it builds.
pub(crate) fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => repository().join(folder),
        None => repository().join("target"),
    }
}

/// This program's file; where cargo has built it anew meanwhile, the kernel still names the one that is gone.
pub(crate) fn this_program() -> Done<PathBuf> {
    let this = std::env::current_exe().map_err(|error| format!("No way back in: {error}."))?;
    let name = this.to_string_lossy();
    Ok(name.strip_suffix(" (deleted)").map_or_else(|| this.clone(), PathBuf::from))
}

/// Whether this runs as root.
pub(crate) fn root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The words to put before a command that root must run: none, or `sudo`.
pub(crate) fn becoming_root() -> Done<&'static [&'static str]> {
    if root() {
        Ok(&[])
    } else if exists("sudo") {
        Ok(&["sudo"])
    } else {
        Err("This needs root, and there is no sudo. Run it as root.".into())
    }
}

/// Whether packages are installed by apt here.
pub(crate) fn debian() -> bool {
    exists("apt-get") && exists("dpkg-query")
}

/// The architecture in the names of Debian's library folders, `x86_64-linux-gnu`.
pub(crate) fn multiarch() -> Done<String> {
    let triplet = output(&mut command("gcc", &["-print-multiarch"]))?;
    match triplet.trim() {
        "" => Err("gcc does not say how this machine's library folder is called.".into()),
        triplet => Ok(triplet.to_owned()),
    }
}
