//! Releases of distributions for which a .deb is built.

use std::path::Path;

/// A release of a distribution.
pub(crate) struct Release {
    /// Name of the release in the package archive, such as `bookworm`.
    pub(crate) suite: &'static str,
    /// Name and number of the distribution, such as `Debian 12`.
    pub(crate) name: &'static str,
    /// Suffix of the version of the package. Later releases of the distribution sort after earlier ones, so an upgrade
    /// of the distribution also upgrades the package.
    pub(crate) suffix: &'static str,
    /// Version of libc in the release. A program that was linked with a newer libc does not start in this release.
    pub(crate) libc: &'static str,
    /// What debootstrap needs if the distribution is not Debian; `None` for Debian.
    pub(crate) foreign: Option<Foreign>,
}

/// What Debian's debootstrap needs to create a system of a distribution other than Debian.
pub(crate) struct Foreign {
    pub(crate) mirror: &'static str,
    /// Path of a file with the keys that sign the archive of the release. No package of Debian contains these keys.
    pub(crate) keyring: &'static str,
    /// Name of the debootstrap script to use. debootstrap may not know the name of the release itself.
    pub(crate) script: &'static str,
}

impl Release {
    /// Returns whether a fresh system of this release can be created on this machine.
    pub(crate) fn can_be_tried(&self) -> bool {
        self.foreign.as_ref().is_none_or(|foreign| Path::new(foreign.keyring).exists())
    }
}

/// All releases for which a .deb is built, oldest first.
pub(crate) static RELEASES: [Release; 3] = [
    Release {
        suite: "bookworm",
        name: "Debian 12",
        suffix: "~deb12u1",
        libc: "2.36",
        foreign: None,
    },
    Release { suite: "trixie", name: "Debian 13", suffix: "~deb13u1", libc: "2.41", foreign: None },
    Release {
        suite: "noble",
        name: "Ubuntu 24.04",
        suffix: "~ubuntu24.04.1",
        libc: "2.39",
        foreign: Some(Foreign {
            mirror: "http://archive.ubuntu.com/ubuntu",
            keyring: "/usr/share/keyrings/ubuntu-archive-keyring.gpg",
            script: "/usr/share/debootstrap/scripts/gutsy",
        }),
    },
];

#[cfg(test)]
mod tests {
    use super::RELEASES;
    use crate::command::command;

    #[test]
    fn newer_debian_has_the_newer_package() {
        let debian = RELEASES.iter().filter(|release| release.name.starts_with("Debian"));
        let versions: Vec<String> =
            debian.map(|release| format!("1{}", release.suffix)).chain(["1".into()]).collect();
        for pair in versions.windows(2) {
            let [older, newer] = pair else { continue };
            let compared = command("dpkg", &["--compare-versions", older, "lt", newer]).status();
            assert!(compared.expect("dpkg").success(), "{older} {newer}");
        }
    }
}
