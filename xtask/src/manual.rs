//! Holds the manual pages to what man(1) can show.

use std::fs;
use std::path::Path;

use crate::command::{Done, command};
use crate::machine::repository;

/// Every page can be shown.
pub(crate) fn check() -> Done {
    let folder = repository().join("packaging/man");
    let pages = fs::read_dir(&folder)
        .map_err(|error| format!("{} cannot be read: {error}.", folder.display()))?;
    for page in pages.flatten() {
        shown_without_warning(&page.path())?;
    }
    Ok(())
}

/// The page can be shown by man(1), which finds nothing odd in it.
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
