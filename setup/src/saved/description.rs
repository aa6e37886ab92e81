//! Writes and reads a saved change: the copies of its files, and a JSON file that describes them.

use std::{fs, io, path::Path};

use serde_json::{Value, json};

use crate::{
    replace::{self, Attributes, FileContent},
    saved::{InForce, Saved, SavedFile, WaitingChange},
};

/// Name of the JSON file that describes the change.
pub(super) const STATE: &str = "state.json";
/// Name of a file in the folder of a saved change. It contains the time from which the service uses all new files of
/// the change. As long as this file is missing, some of the new files may not be in place.
pub(super) const IN_FORCE: &str = "in-force";
/// Version of the JSON file. A file with another version is not read.
const VERSION: u64 = 1;

/// Writes the copies of the files, then the JSON file, both durably.
pub(super) fn fill(folder: &Path, saved: &Saved) -> io::Result<()> {
    for (number, file) in saved.files.iter().enumerate() {
        for (side, content) in [("before", &file.before), ("after", &file.after)] {
            let path = folder.join(format!("{number}.{side}"));
            if let Some(content) = content {
                let attributes = own_attributes(folder)?;
                let copy = FileContent { bytes: content.bytes.clone(), attributes };
                replace::replace(&path.display().to_string(), Some(&copy))?;
            }
        }
    }
    let attributes = own_attributes(folder)?;
    let bytes = format!("{:#}\n", described(saved)).into_bytes();
    replace::replace(
        &folder.join(STATE).display().to_string(),
        Some(&FileContent { bytes, attributes }),
    )
}

/// Returns the attributes for a private file in this folder: the folder's owner and group, and mode 0600.
pub(super) fn own_attributes(folder: &Path) -> io::Result<Attributes> {
    use std::os::unix::fs::MetadataExt;
    let found = fs::metadata(folder)?;
    Ok(Attributes { mode: 0o600, uid: found.uid(), gid: found.gid() })
}

fn described(saved: &Saved) -> Value {
    let attributes = |content: &Option<FileContent>| {
        content.as_ref().map(|one| {
            let Attributes { mode, uid, gid } = one.attributes;
            json!([mode, uid, gid])
        })
    };
    let files: Vec<Value> = (saved.files.iter())
        .map(|file| {
            json!({ "path": file.path, "before": attributes(&file.before), "after": attributes(&file.after) })
        })
        .collect();
    let WaitingChange { word, session, begun, boot, until } = &saved.waiting;
    json!({
        "version": VERSION, "word": word, "session": session, "begun": begun, "boot": boot,
        "until": until, "files": files,
    })
}

/// Returns the change that the JSON text describes. The contents of its files are read from the copies in the folder.
pub(super) fn read(folder: &Path, text: &str) -> io::Result<Saved> {
    let odd = || not_understood(folder);
    let state: Value = serde_json::from_str(text).map_err(|_| odd())?;
    let number = |key: &str| state.get(key).and_then(Value::as_u64);
    if number("version") != Some(VERSION) {
        return Err(odd());
    }
    let string = |key: &str| state.get(key).and_then(Value::as_str).map(str::to_owned);
    let session = number("session").map(u32::try_from).transpose().map_err(|_| odd())?;
    let waiting = WaitingChange {
        word: string("word").ok_or_else(odd)?,
        session,
        begun: number("begun").ok_or_else(odd)?,
        boot: string("boot").ok_or_else(odd)?,
        until: number("until").ok_or_else(odd)?,
    };
    let listed = state.get("files").and_then(Value::as_array).ok_or_else(odd)?;
    let files = listed.iter().enumerate().map(|(number, file)| saved_file(folder, number, file));
    let files = files.collect::<io::Result<Vec<_>>>()?;
    let in_force = match fs::read_to_string(folder.join(IN_FORCE)) {
        Ok(text) => Some(in_force(&text).ok_or_else(odd)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    Ok(Saved { waiting, in_force, files })
}

/// Returns one file of the saved change, with the copies of its old and new content. `file` is the entry about it in
/// the description of the change, and `number` the index of that entry, from 0.
fn saved_file(folder: &Path, number: usize, file: &Value) -> io::Result<SavedFile> {
    let odd = || not_understood(folder);
    let path = file.get("path").and_then(Value::as_str).ok_or_else(odd)?;
    let side = |name: &str| -> io::Result<Option<FileContent>> {
        let Some(values) = file.get(name).and_then(Value::as_array) else { return Ok(None) };
        let value = |at: usize| {
            values.get(at).and_then(Value::as_u64).and_then(|one| u32::try_from(one).ok())
        };
        let attributes = value(0).zip(value(1)).zip(value(2));
        let ((mode, uid), gid) = attributes.ok_or_else(odd)?;
        let bytes = fs::read(folder.join(format!("{number}.{name}")))?;
        Ok(Some(FileContent { bytes, attributes: Attributes { mode, uid, gid } }))
    };
    Ok(SavedFile { path: path.to_owned(), before: side("before")?, after: side("after")? })
}

fn not_understood(folder: &Path) -> io::Error {
    io::Error::other(format!("{} cannot be understood", folder.join(STATE).display()))
}

fn in_force(text: &str) -> Option<InForce> {
    let (monotonic, boot) = text.trim().split_once(' ')?;
    Some(InForce { monotonic: monotonic.parse().ok()?, boot: boot.parse().ok()? })
}
