//! Reads and writes the files of a package.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::command::Done;

/// Creates an empty folder. If the folder exists, removes it first.
pub(crate) fn emptied(folder: &Path) -> Done {
    removed(folder)?;
    fs::create_dir_all(folder)
        .map_err(|error| format!("{} cannot be made: {error}.", folder.display()))
}

/// Removes a folder if it exists.
pub(crate) fn removed(folder: &Path) -> Done {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(format!("{} cannot be emptied: {error}.", folder.display()))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Writes a file. Creates the folders above it if they are missing.
pub(crate) fn put(to: &Path, content: &[u8]) -> Done {
    let folder = to.parent().unwrap_or(to);
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(to, content));
    written.map_err(|error| format!("{} cannot be written: {error}.", to.display()))
}

/// Returns the content of a text file.
pub(crate) fn text(file: &Path) -> Done<String> {
    fs::read_to_string(file).map_err(|error| format!("{} cannot be read: {error}.", file.display()))
}

/// Returns the sorted paths of the regular files in a folder, without those in its subfolders.
pub(crate) fn files(folder: &Path) -> Done<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)
        .map_err(|error| format!("{} cannot be read: {error}.", folder.display()))?;
    let mut files: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    files.sort();
    Ok(files)
}

/// Returns the last part of a path.
pub(crate) fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
