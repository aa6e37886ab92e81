//! Lists the crates from which command and module are built. Such a list is called an SBOM; it has the CycloneDX
//! format.

use std::fs;
use std::path::Path;

use crate::command::{Done, command, run};
use crate::machine::repository;
use crate::package::files::{name, put, text};
use crate::package::install;
use crate::tools;

const TOOL: &str = "cargo-cyclonedx";
/// The workspace members for which a list is published: the command and the module.
const PUBLISHED: [&str; 2] = ["admin-cli", "pam-module"];

/// Installs the program that lists the crates, unless it is already there. Returns the folder of the program.
pub(crate) fn tool() -> Done<std::path::PathBuf> {
    tools::folder_of(TOOL, "0.5.9")
}

/// Writes the lists of [`PUBLISHED`] into `folder`.
pub(crate) fn write(folder: &Path) -> Done {
    let program = tool()?.join(TOOL);
    let manifest = repository().join("admin-cli/Cargo.toml");
    let words = ["cyclonedx", "--quiet", "--format", "json", "--spec-version", "1.5"];
    let mut list = command(&program.to_string_lossy(), &words);
    list.args(["--no-build-deps", "--manifest-path"]).arg(manifest);
    run(list.current_dir(repository()).env("SOURCE_DATE_EPOCH", install::made_at()))?;
    // The program writes one list into the folder of each crate.
    let crates = fs::read_dir(repository());
    let crates = crates.map_err(|error| format!("The checkout cannot be read: {error}."))?;
    for member in crates.flatten().map(|entry| entry.path()) {
        for list in fs::read_dir(&member).into_iter().flatten().flatten().map(|entry| entry.path())
        {
            if !name(&list).ends_with(".cdx.json") {
                continue;
            }
            if PUBLISHED.contains(&name(&member).as_str()) {
                put(&folder.join(name(&list)), anonymous(&text(&list)?).as_bytes())?;
            }
            fs::remove_file(&list)
                .map_err(|error| format!("{} is left: {error}.", list.display()))?;
        }
    }
    Ok(())
}

/// Returns the list without paths in the builder's folder, because they would differ between builds.
fn anonymous(list: &str) -> String {
    list.replace(&format!("file://{}", repository().display()), "file:///twinlock")
}
