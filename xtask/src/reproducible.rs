//! Checks that two builds of the same commit in different folders give the same packages.

use std::fs;
use std::path::Path;

use crate::command::{Done, command, output, run};
use crate::machine::{repository, target, this_program};
use crate::package;

/// Builds the packages of the last commit in two folders, and compares the checksums.
pub(crate) fn check() -> Done {
    let folder = target().join("reproducible");
    let outcome = compared(&folder);
    if outcome.is_ok() {
        let _ = fs::remove_dir_all(&folder);
    }
    outcome
}

fn compared(folder: &Path) -> Done {
    let _ = fs::remove_dir_all(folder);
    let (one, other) = (folder.join("a"), folder.join("another/folder"));
    let first = built(repository(), &one)?;
    // The second clone is made from the first one. Otherwise a commit that is made in between would be part of it.
    let second = built(&one, &other)?;
    eprint!("{first}");
    if first == second {
        return Ok(());
    }
    let same: Vec<&str> = first.lines().collect();
    let others: Vec<&str> = second.lines().filter(|line| !same.contains(line)).collect();
    Err(format!(
        "The second build differs:\n{}\nBoth are in {}.",
        others.join("\n"),
        folder.display()
    ))
}

/// Clones the repository `from` into the folder `clone` and builds the packages there. Returns the text of SHA256SUMS.
fn built(from: &Path, clone: &Path) -> Done<String> {
    let failed = |error: std::io::Error| format!("{}: {error}.", clone.display());
    run(command("git", &["clone", "--quiet"]).arg(from).arg(clone))?;
    let maintainer = "MAINTAINER=Two Builds <two@twinlock-tests.org>\n";
    fs::write(clone.join("packaging/debian/maintainer"), maintainer).map_err(failed)?;
    // The program is installed once, and the builds share it.
    let tool = package::sbom_tool()?;
    let tools = clone.join("target/tools");
    fs::create_dir_all(&tools).map_err(failed)?;
    std::os::unix::fs::symlink(tool, tools.join("bin")).map_err(failed)?;
    let mut build = command(&this_program()?.to_string_lossy(), &["package"]);
    build.current_dir(clone).env_remove("CARGO_MANIFEST_DIR").env_remove("CARGO_TARGET_DIR");
    output(&mut build)?;
    fs::read_to_string(clone.join("target/package/SHA256SUMS")).map_err(failed)
}
