//! What this machine is: its user, its distribution, where the repository and its artefacts lie.

use std::path::{Path, PathBuf};

use crate::command::{Done, command, exists, output};

/// The folder of the repository.
pub(crate) fn repository() -> &'static Path {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask)
}

/// Where cargo puts what it builds.
pub(crate) fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => repository().join(folder),
        None => repository().join("target"),
    }
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
