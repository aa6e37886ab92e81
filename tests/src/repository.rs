//! Finds the checkout at run time, because it may be a copy of the one that the program was compiled in.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Returns the folder of the checkout that this process works on.
///
/// # Panics
/// If neither cargo nor the current folder leads to a checkout.
pub fn repository() -> &'static Path {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| {
        here().expect("this is run by cargo, or in a folder of twinlock's source tree")
    })
}

/// Finds the checkout by the environment that cargo sets, otherwise by the current folder.
fn here() -> Option<PathBuf> {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    found(package.as_deref(), &std::env::current_dir().ok()?)
}

/// Finds the checkout around the folder `package`, whose package cargo runs, otherwise around the current folder.
///
/// Ignores a package of another workspace, because cargo may run a program that runs this one.
#[must_use]
pub fn found(package: Option<&Path>, current: &Path) -> Option<PathBuf> {
    let around =
        |folder: &Path| folder.ancestors().find(|folder| is_checkout(folder)).map(Path::to_owned);
    package.and_then(around).or_else(|| around(current))
}

/// Returns whether a folder has the files that only the workspace of twinlock has together.
fn is_checkout(folder: &Path) -> bool {
    ["Cargo.toml", "xtask/Cargo.toml", "pam-module/Cargo.toml", "tests/packages.txt"]
        .iter()
        .all(|file| folder.join(file).is_file())
}
