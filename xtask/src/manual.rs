//! Checks the manual pages with man(1).

use std::fs;
use std::path::Path;

use crate::command::{Done, command};
use crate::machine::repository;

/// Checks that man(1) shows every manual page without a warning.
pub(crate) fn check() -> Done {
    let folder = repository().join("packaging/man");
    let pages = fs::read_dir(&folder)
        .map_err(|error| format!("{} cannot be read: {error}.", folder.display()))?;
    for page in pages.flatten() {
        shown_without_warning(&page.path())?;
    }
    Ok(())
}

/// Checks that man(1) shows one page without a warning.
pub(crate) fn shown_without_warning(page: &Path) -> Done {
    let words =
        ["--warnings", "--encoding=UTF-8", "--troff-device=utf8", "--ditroff", "--local-file"];
    let output = command("man", &words).arg(page).output();
    let output =
        output.map_err(|error| format!("man (package man-db) does not start: {error}."))?;
    let warnings = String::from_utf8_lossy(&output.stderr);
    if output.status.success() && warnings.trim().is_empty() {
        return Ok(());
    }
    Err(format!("{}: {}", page.display(), warnings.trim()))
}
