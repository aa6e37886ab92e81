//! Installs programs from crates.io, only in the target folder.

use std::path::PathBuf;

use crate::command::{Done, cargo, run};
use crate::machine::target;

/// Installs the version `version` of the program `name` from crates.io, unless the program is already there. Returns
/// the folder of the program.
pub(crate) fn folder_of(name: &str, version: &str) -> Done<PathBuf> {
    let root = target().join("tools");
    let folder = root.join("bin");
    if !folder.join(name).is_file() {
        let mut install = cargo(&["install", "--quiet", "--locked", "--version", version]);
        run(install.arg("--root").arg(&root).arg(name))?;
    }
    Ok(folder)
}
