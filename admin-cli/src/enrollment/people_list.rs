//! Reads a CSV list of users row by row from a file or standard input. Buffers are wiped, because the list may contain
//! keys.

use std::{
    fs::File,
    io::{self, Read},
    os::{fd::AsFd, unix::fs::MetadataExt},
    path::Path,
};

use twinlock_host::caller_file::{self, CallerFileError};
use twinlock_migrate::user_list::{ParserStop, UserListParser, UserRow};
use zeroize::Zeroizing;

use crate::{
    error::{
        caller_files,
        exit::{CliError, Exit},
    },
    text::plain,
};

/// Size of the read buffer in bytes.
const PIECE: usize = 8192;

/// A list of users that is being read.
pub(crate) struct PeopleList {
    input: File,
    people: UserListParser,
    piece: Zeroizing<Vec<u8>>,
    read: usize,
    used: usize,
}

impl PeopleList {
    /// Opens a list and reads its first row, the column names. A file is opened with the rights of the invoking user;
    /// `-` is standard input.
    pub(crate) fn open(path: &str) -> Result<Self, CliError> {
        let input = match path {
            // Bypasses the buffer of the standard library, which cannot be wiped.
            "-" => {
                let stdin = std::io::stdin().as_fd().try_clone_to_owned();
                stdin.map(File::from).map_err(CallerFileError::Io)
            }
            path => caller_file::open(Path::new(path)),
        };
        let mut list = Self {
            input: input.map_err(|error| unreadable(path, error))?,
            people: UserListParser::default(),
            piece: Zeroizing::new(vec![0; PIECE]),
            read: 0,
            used: 0,
        };
        let ParserStop::Head(head) =
            list.found().map_err(|error| unreadable(path, error.into()))?
        else {
            return Err(no_head(path));
        };
        if head.has_keys() && path != "-" {
            list.trusted(path)?;
        }
        Ok(list)
    }

    /// Counts the rows after the first one, for a progress bar. Returns 0 for standard input and pipes, which counting
    /// would consume.
    pub(crate) fn rows(path: &str) -> Result<usize, CliError> {
        if path == "-" {
            return Ok(0);
        }
        let is_pipe = caller_file::is_pipe(Path::new(path));
        if is_pipe.map_err(|error| unreadable(path, error))? {
            return Ok(0);
        }
        let mut list = Self::open(path)?;
        let mut rows = 0;
        while list.next().is_ok_and(|found| found == ListStop::Row) {
            rows += 1;
        }
        Ok(rows)
    }

    /// Reads to the end of the next row, or to the end of the list, and returns which of them it has reached.
    ///
    /// # Errors
    /// [`CliError`] if reading fails.
    pub(crate) fn next(&mut self) -> Result<ListStop, CliError> {
        match self.found() {
            Ok(ParserStop::Row) => Ok(ListStop::Row),
            Ok(_) => Ok(ListStop::End),
            Err(error) => Err(odd(
                format!("the rest of the list cannot be read ({error})"),
                "Check the file.",
            )),
        }
    }

    /// Returns the number, from 1, of the line in which the current row begins.
    pub(crate) fn line(&self) -> u64 {
        self.people.line()
    }

    /// Returns the row that was read last.
    ///
    /// # Errors
    /// [`CliError`] if the row is not valid. The message does not quote the row, which may contain a key.
    pub(crate) fn row(&self) -> Result<UserRow<'_>, CliError> {
        self.people.row().map_err(|fault| {
            odd(
                fault.to_string(),
                "Correct the line, and run it again: users who are done are skipped.",
            )
        })
    }

    #[expect(clippy::indexing_slicing, reason = "within the length that was just read")]
    fn found(&mut self) -> io::Result<ParserStop> {
        loop {
            if self.used == self.read {
                (self.used, self.read) = (0, self.input.read(&mut self.piece)?);
            }
            let (used, found) = self.people.read(&self.piece[self.used..self.read]);
            self.used += used;
            if found != ParserStop::More {
                return Ok(found);
            }
        }
    }

    /// Checks that only the owner has access to a list with keys. Keys that other users may know are not secret.
    ///
    /// # Errors
    /// [`CliError`] if the mode of the file gives others access.
    fn trusted(&self, path: &str) -> Result<(), CliError> {
        let found = self.input.metadata().map_err(|error| unreadable(path, error.into()))?;
        if found.mode() & 0o077 == 0 {
            return Ok(());
        }
        Err(CliError::new(
            Exit::Refused,
            format!("{} contains keys, and other users can access it", plain(path)),
            "Run chmod 600 on the file. Users who could read it may know the keys, so tickets are safer.",
        ))
    }
}

/// Where the reader of a list has stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ListStop {
    /// The reader has read a row and stopped after it.
    Row,
    /// The reader has reached the end of the list.
    End,
}

fn unreadable(path: &str, error: CallerFileError) -> CliError {
    let remedy =
        "Name a CSV file with the columns user, mail and perhaps key; or - for standard input.";
    caller_files::unreadable(path, &error, remedy)
}

fn no_head(path: &str) -> CliError {
    CliError::new(
        Exit::Usage,
        format!("{}: the first line does not name the columns", plain(path)),
        "Write `user,mail` or `user,mail,key` there; no other column is known.",
    )
}

fn odd(what: String, remedy: &str) -> CliError {
    CliError::new(Exit::Refused, what, remedy)
}
