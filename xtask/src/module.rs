//! Checks the built module: its symbols, its size, the crates in it, how it treats panics, and that it contains no
//! paths of the builder.

use std::path::Path;

use crate::command::{Done, cargo, command, output};
use crate::machine::repository;

/// The functions of a PAM module that libpam calls. The module must export only these symbols.
const ENTRY_POINTS: [&str; 6] = [
    "pam_sm_acct_mgmt",
    "pam_sm_authenticate",
    "pam_sm_chauthtok",
    "pam_sm_close_session",
    "pam_sm_open_session",
    "pam_sm_setcred",
];
const MOST_CRATES: usize = 39;
/// Maximum size of the module in bytes. It is lowered when the module becomes smaller.
const MOST_BYTES: u64 = 1024 * 1024;

/// Checks that the module exports the symbols [`ENTRY_POINTS`] and no others.
pub(crate) fn symbols(module: &Path) -> Done {
    let listing = ["--dynamic", "--defined-only", "--format=posix"];
    let table = output(command("nm", &listing).arg(module))?;
    let mut found: Vec<&str> = table.lines().filter_map(|line| line.split(' ').next()).collect();
    found.sort_unstable();
    if found == ENTRY_POINTS {
        return Ok(());
    }
    Err(format!("Exported are {}, and not exactly {}.", found.join(" "), ENTRY_POINTS.join(" ")))
}

/// Checks that the module is smaller than [`MOST_BYTES`], because sshd loads it.
pub(crate) fn size(module: &Path) -> Done {
    let bytes = std::fs::metadata(module).map_err(|error| format!("No module: {error}."))?.len();
    eprintln!("{bytes} bytes");
    if bytes < MOST_BYTES {
        Ok(())
    } else {
        Err(format!("The module has {bytes} bytes, {MOST_BYTES} are the limit."))
    }
}

/// Checks that the module is not built from more crates than [`MOST_CRATES`], because all their code runs in sshd.
pub(crate) fn crates() -> Done {
    let listing = [
        "tree",
        "--package",
        "pam_twinlock",
        "--edges",
        "normal,no-proc-macro",
        "--prefix",
        "none",
    ];
    let tree = output(&mut cargo(&listing))?;
    let mut names: Vec<&str> =
        tree.lines().skip(1).map(|line| line.trim_end_matches(" (*)")).collect();
    names.retain(|line| !line.is_empty());
    names.sort_unstable();
    names.dedup();
    eprintln!("{} crates are linked in", names.len());
    if names.len() <= MOST_CRATES {
        return Ok(());
    }
    Err(format!(
        "{} crates are linked in, {MOST_CRATES} are the limit:\n{}",
        names.len(),
        names.join("\n")
    ))
}

/// Checks that a panic in the module unwinds the stack, so that the functions that libpam calls can catch it.
pub(crate) fn unwinds() -> Done {
    let manifest = std::fs::read_to_string(repository().join("Cargo.toml"))
        .map_err(|error| format!("Cargo.toml cannot be read: {error}."))?;
    let release = manifest.split("[profile.release]").nth(1).unwrap_or_default();
    let release = release.split("\n[").next().unwrap_or_default();
    if release.lines().any(|line| line.trim() == "panic = \"unwind\"") {
        return Ok(());
    }
    Err("Cargo.toml must say `panic = \"unwind\"` under [profile.release]: with \"abort\" a panic would end sshd.".into())
}

/// Checks that a built file contains no path of the machine on which it was built.
pub(crate) fn anonymous(artefact: &Path) -> Done {
    let bytes = std::fs::read(artefact)
        .map_err(|error| format!("{} cannot be read: {error}.", artefact.display()))?;
    let folder = repository().display().to_string();
    if bytes.windows(folder.len()).any(|window| window == folder.as_bytes()) {
        return Err(format!("{} names the folder that it was built in.", artefact.display()));
    }
    Ok(())
}
