//! Files of the repository, and files built from it, which tests copy into private machines (see [`crate::Machine`]).

use std::path::PathBuf;

use crate::repository::repository;

/// Debian's own PAM files, each with its name. The host's files, which may have been changed, are not used.
pub(crate) const STOCK_PAM: [(&str, &str); 12] = [
    ("common-account", include_str!("../stock/pam.d/common-account")),
    ("common-auth", include_str!("../stock/pam.d/common-auth")),
    ("common-password", include_str!("../stock/pam.d/common-password")),
    ("common-session", include_str!("../stock/pam.d/common-session")),
    ("common-session-noninteractive", include_str!("../stock/pam.d/common-session-noninteractive")),
    ("login", include_str!("../stock/pam.d/login")),
    ("other", include_str!("../stock/pam.d/other")),
    ("sshd", include_str!("../stock/pam.d/sshd")),
    ("su", include_str!("../stock/pam.d/su")),
    ("su-l", include_str!("../stock/pam.d/su-l")),
    ("sudo", include_str!("../stock/pam.d/sudo")),
    ("sudo-i", include_str!("../stock/pam.d/sudo-i")),
];

/// Debian's login.defs without comments, which login and su read.
pub(crate) const LOGIN_DEFS: &str = include_str!("../stock/login.defs");

/// Debian's /etc/profile, which a login shell reads.
pub(crate) const PROFILE: &str = include_str!("../stock/profile");

/// Returns the text of a file in the repository's folder `config`, such as `pam.d/sshd-both`.
pub fn shipped(path: &str) -> String {
    let file = repository().join("config").join(path);
    std::fs::read_to_string(&file)
        .unwrap_or_else(|e| panic!("config/{path} of this repository cannot be read: {e}"))
}

/// Returns the text of Debian's own PAM file of a service.
pub fn stock(service: &str) -> &'static str {
    let found = STOCK_PAM.iter().find(|(name, _)| *name == service);
    found.map_or_else(|| panic!("no stock stack is kept for {service}"), |(_, text)| text)
}

/// Returns the bytes of a file of the release build, such as `twinlock`. `cargo xtask test` builds it before the tests.
pub fn built(name: &str) -> Vec<u8> {
    let file = target().join("release").join(name);
    std::fs::read(&file)
        .unwrap_or_else(|e| panic!("{} is missing ({e}): run `cargo xtask test`", file.display()))
}

/// Returns the bytes of the program xtask, which a test run builds before the tests.
pub fn chores() -> Vec<u8> {
    let file = target().join("debug/xtask");
    std::fs::read(&file)
        .unwrap_or_else(|e| panic!("{} is missing ({e}): run `cargo xtask test`", file.display()))
}

/// Returns the path of cargo's target folder.
pub(crate) fn target() -> PathBuf {
    // A relative folder is relative to cargo's start folder, which is the repository.
    let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    repository().join(target)
}
