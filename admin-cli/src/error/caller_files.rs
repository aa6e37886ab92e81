//! Error messages about files whose path the caller gave. They never quote the content of a file.

use twinlock_host::{caller_file::CallerFileError, new_file::NewFileError};

use crate::{
    error::exit::{CliError, Exit},
    text::plain,
};

/// Returns the error for a file that cannot be read. `remedy` says what to do if the path is wrong. If the invoking
/// user may not read the file, the error says how to give its content in another way.
pub(crate) fn unreadable(path: &str, error: &CallerFileError, remedy: &str) -> CliError {
    let what = format!("{} cannot be read ({})", plain(path), plain(&error.to_string()));
    match error {
        CallerFileError::InvokingUser(_) => CliError::new(
            Exit::NotAllowed,
            what,
            "Run twinlock directly with sudo, doas or pkexec, which set their variables.",
        ),
        CallerFileError::Denied { .. } => CliError::new(
            Exit::Usage,
            what,
            "Copy it to a file that you may read. With full root rights: sudo env -u SUDO_UID twinlock ...",
        ),
        CallerFileError::Kind
        | CallerFileError::Silent
        | CallerFileError::TooLarge
        | CallerFileError::Io(_) => CliError::new(Exit::Usage, what, remedy),
    }
}

/// Returns the error for a file that cannot be created.
pub(crate) fn unwritable(path: &str, error: &NewFileError) -> CliError {
    let path = plain(path);
    let what = format!("{path} cannot be written ({})", plain(&error.to_string()));
    match error {
        NewFileError::Taken => CliError::new(
            Exit::NotInState,
            format!("{path} exists already, and is not overwritten"),
            "Name another file, or delete this one first.",
        ),
        NewFileError::InvokingUser(_) => CliError::new(
            Exit::NotAllowed,
            what,
            "Run twinlock directly with sudo, doas or pkexec, which set their variables.",
        ),
        NewFileError::ForeignFolder(_)
        | NewFileError::OpenFolder(_)
        | NewFileError::SystemFolder => CliError::new(
            Exit::Usage,
            what,
            "Name a file in your home folder, such as ~/twinlock-file.",
        ),
        NewFileError::Io(fault) if fault.kind() == std::io::ErrorKind::PermissionDenied => {
            CliError::new(
                Exit::Usage,
                what,
                "Files are made as the user who called sudo. Name one in your home folder, such as ~/twinlock-file.",
            )
        }
        NewFileError::NoName | NewFileError::Io(_) => CliError::new(
            Exit::Usage,
            what,
            "Name a file in a folder that exists and has room, such as your home folder.",
        ),
    }
}
