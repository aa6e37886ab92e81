//! Files that the repository ships or builds, and that private machines use.

use std::path::PathBuf;

use crate::repository::repository;

/// Debian's own PAM stacks, so that tests do not depend on local changes of this host.
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

/// Debian's login.defs without comments. login and su read it for every account.
pub(crate) const LOGIN_DEFS: &str = include_str!("../stock/login.defs");

/// Debian's /etc/profile, which login shells read.
pub(crate) const PROFILE: &str = include_str!("../stock/profile");

/// Returns a file of the repository's `config` folder, such as `pam.d/sshd-both`.
pub fn shipped(path: &str) -> String {
    let file = repository().join("config").join(path);
    std::fs::read_to_string(&file)
        .unwrap_or_else(|e| panic!("config/{path} of this repository cannot be read: {e}"))
}

/// Returns Debian's own PAM stack of a service.
pub fn stock(service: &str) -> &'static str {
    let found = STOCK_PAM.iter().find(|(name, _)| *name == service);
    found.map_or_else(|| panic!("no stock stack is kept for {service}"), |(_, text)| text)
}

/// Returns a release artefact, which `cargo xtask test` builds before the tests run.
pub fn built(name: &str) -> Vec<u8> {
    let file = target().join("release").join(name);
    std::fs::read(&file)
        .unwrap_or_else(|e| panic!("{} is missing ({e}): run `cargo xtask test`", file.display()))
}

/// Returns the xtask program, which a test run builds before the tests.
pub fn chores() -> Vec<u8> {
    let file = target().join("debug/xtask");
    std::fs::read(&file)
        .unwrap_or_else(|e| panic!("{} is missing ({e}): run `cargo xtask test`", file.display()))
}

/// Returns cargo's target folder.
pub(crate) fn target() -> PathBuf {
    // A relative folder is relative to cargo's start folder, which is the repository.
    let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    repository().join(target)
}
