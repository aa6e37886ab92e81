//! Finds the repository when the program runs. It may be another copy than the one in which the program was compiled.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Returns the root folder of the repository that this process works on.
///
/// # Panics
/// If it is found neither by cargo's variables nor from the current folder.
pub fn repository() -> &'static Path {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| {
        here().expect("this is run by cargo, or in a folder of twinlock's source tree")
    })
}

/// Finds the repository by the variables that cargo sets or, without them, from the current folder; `None` if it is
/// found by neither.
fn here() -> Option<PathBuf> {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    found(package.as_deref(), &std::env::current_dir().ok()?)
}

/// Finds the repository that contains the folder `package`, which cargo names; otherwise the one that contains the
/// folder `current`.
///
/// If `package` belongs to another workspace, it is ignored: cargo may have started a program that has started this
/// one.
#[must_use]
pub fn found(package: Option<&Path>, current: &Path) -> Option<PathBuf> {
    let around =
        |folder: &Path| folder.ancestors().find(|folder| is_checkout(folder)).map(Path::to_owned);
    package.and_then(around).or_else(|| around(current))
}

/// Returns whether the folder is the root of this repository. The root contains files that no other workspace has all
/// together.
fn is_checkout(folder: &Path) -> bool {
    ["Cargo.toml", "xtask/Cargo.toml", "pam-module/Cargo.toml", "tests/packages.txt"]
        .iter()
        .all(|file| folder.join(file).is_file())
}
