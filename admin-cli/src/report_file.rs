//! The file that tickets go into which no mail takes: root's alone, never overwritten, complete up to its last line.

use std::{
    fs::{File, OpenOptions},
    io::Write,
    os::unix::fs::OpenOptionsExt,
};

use crate::{
    exit::{Exit, Failure},
    listing::record,
    wording::plain,
};

/// The columns.
const HEADER: [&str; 3] = ["user", "ticket", "until"];

/// A report under way.
pub struct ReportFile {
    path: String,
    file: File,
}

impl ReportFile {
    /// Makes the file; one that is there stays.
    pub fn create(path: &str) -> Result<Self, Failure> {
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let file = made.map_err(|error| failure(path, &error))?;
        let mut report = Self { path: path.into(), file };
        report.write(&HEADER)?;
        Ok(report)
    }

    /// One more ticket, on the disk before anybody is told of it.
    pub fn add(&mut self, fields: [&str; 3]) -> Result<(), Failure> {
        self.write(&fields)
    }

    fn write(&mut self, fields: &[&str]) -> Result<(), Failure> {
        let line = record(fields);
        let written = self.file.write_all(line.as_bytes()).and_then(|()| self.file.sync_data());
        written.map_err(|error| failure(&self.path, &error))
    }
}

fn failure(path: &str, error: &std::io::Error) -> Failure {
    Failure::new(
        Exit::Refused,
        format!("{} cannot be written ({error})", plain(path)),
        "Name a new file, in a folder of root's with room.",
    )
}
