//! Holds the manual pages to what they describe, and to what man(1) can show.

use std::fs;
use std::path::Path;

use crate::command::{Done, command};
use crate::machine::repository;

/// Every page can be shown, and every setting is in its page.
pub(crate) fn check() -> Done {
    let folder = repository().join("packaging/man");
    let pages = fs::read_dir(&folder)
        .map_err(|error| format!("{} cannot be read: {error}.", folder.display()))?;
    for page in pages.flatten() {
        shown_without_warning(&page.path())?;
    }
    every_setting(&read("config/twinlock.toml.reference")?, &read("packaging/man/twinlock.toml.5")?)
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

/// A line `key = value` of the reference, also one in a comment, must be `.BR key` in the page.
fn every_setting(reference: &str, page: &str) -> Done {
    for line in reference.lines() {
        let Some((key, _)) = line.trim_start_matches("# ").split_once(" = ") else { continue };
        let is_key = key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        if is_key && !page.contains(&format!("\n.BR {key} ")) {
            return Err(format!(
                "{key} is in twinlock.toml.reference, and not in twinlock.toml(5)."
            ));
        }
    }
    Ok(())
}

fn read(path: &str) -> Done<String> {
    fs::read_to_string(repository().join(path))
        .map_err(|error| format!("{path} cannot be read: {error}."))
}

#[cfg(test)]
mod tests {
    use super::every_setting;

    #[test]
    fn a_setting_that_the_page_leaves_out_is_found() {
        let page = ".TP\n.BR window \" = 0..10\"\n";
        assert_eq!(every_setting("# A text with = in it\nwindow = 1\n", page), Ok(()));
        let missing = every_setting("window = 1\n# prompt = \"Code: \"\n", page);
        assert!(missing.is_err_and(|error| error.starts_with("prompt ")));
    }
}
