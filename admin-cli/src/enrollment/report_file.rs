//! The report file for tickets that cannot be mailed: mode 0600, never overwritten, synced after each line.

use std::{io::Write, path::Path};

use twinlock_host::new_file::{NewFile, NewFileError, Vacancy};

use crate::{
    enrollment::listing::record,
    error::{
        caller_files::unwritable,
        exit::{CliError, Exit},
    },
};

const HEADER: [&str; 3] = ["user", "ticket", "until"];

/// The place of a report file that does not exist yet. The file is created after the acting user has typed a code, so
/// that a run that is refused leaves no file behind.
pub(crate) struct ReportPlace {
    path: String,
    vacancy: Vacancy,
}

impl ReportPlace {
    /// Opens the folder of a report file. An existing file is an error.
    pub(crate) fn find(path: &str) -> Result<Self, CliError> {
        let vacancy = Vacancy::find(Path::new(path)).map_err(|error| failure(path, &error))?;
        Ok(Self { path: path.into(), vacancy })
    }

    /// Creates the report file.
    pub(crate) fn create(self) -> Result<ReportFile, CliError> {
        let Self { path, vacancy } = self;
        let made = vacancy.create().map_err(|error| failure(&path, &error))?;
        let mut report = ReportFile { path, made };
        report.write(&HEADER)?;
        Ok(report)
    }
}

/// A report file to which tickets are written.
pub(crate) struct ReportFile {
    path: String,
    made: NewFile,
}

impl ReportFile {
    /// Appends a line about one ticket (user, ticket, end of its validity) and syncs the file, so that a power failure
    /// loses no ticket.
    pub(crate) fn add(&mut self, fields: [&str; 3]) -> Result<(), CliError> {
        self.write(&fields)
    }

    fn write(&mut self, fields: &[&str]) -> Result<(), CliError> {
        let line = record(fields);
        let mut file = &self.made.file;
        let written = file.write_all(line.as_bytes()).and_then(|()| file.sync_data());
        written.map_err(|error| failure(&self.path, &error.into()))
    }
}

fn failure(path: &str, error: &NewFileError) -> CliError {
    let failure = unwritable(path, error);
    CliError::new(Exit::Refused, failure.what, failure.remedy)
}
