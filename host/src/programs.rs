//! Absolute paths of system programs, because root never runs a program by searching PATH.

use std::{
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// Program folders of the distributions; the last one belongs to NixOS.
const FOLDERS: [&str; 5] = ["/usr/sbin", "/usr/bin", "/sbin", "/bin", "/run/current-system/sw/bin"];
/// The value of PATH for the programs that root runs.
pub const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// Returns the absolute path of a program; `/usr/bin/NAME` if it is missing.
#[must_use]
pub fn whole_path(name: &str) -> PathBuf {
    let places = FOLDERS.map(|folder| Path::new(folder).join(name));
    let found = places.into_iter().find(|path| path.is_file());
    found.unwrap_or_else(|| Path::new("/usr/bin").join(name))
}

/// Returns the path of sshd. This is `/usr/local/sbin/sshd` if only root can replace that file, otherwise the path at
/// which the distribution installs sshd. `None` if no such file exists.
#[must_use]
pub fn sshd() -> Option<PathBuf> {
    let roots = |path: &Path| {
        path.metadata().is_ok_and(|found| found.uid() == 0 && found.mode() & 0o022 == 0)
    };
    let built = Path::new("/usr/local/sbin/sshd");
    let trusted = built.is_file() && built.ancestors().all(roots);
    let path = if trusted { built.to_owned() } else { whole_path("sshd") };
    path.is_file().then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_have_whole_paths() {
        assert!(whole_path("getent").is_file());
        assert_eq!(whole_path("no-such-program"), Path::new("/usr/bin/no-such-program"));
    }
}
