//! Installs programs from crates.io in the target folder, and nowhere else.

use std::path::PathBuf;

use crate::command::{Done, cargo, run};
use crate::machine::target;

/// Installs this version of a program from crates.io, unless it is there. Returns the folder of the program.
pub(crate) fn folder_of(name: &str, version: &str) -> Done<PathBuf> {
    let root = target().join("tools");
    let folder = root.join("bin");
    if !folder.join(name).is_file() {
        let mut install = cargo(&["install", "--quiet", "--locked", "--version", version]);
        run(install.arg("--root").arg(&root).arg(name))?;
    }
    Ok(folder)
}
