//! Messages about files whose path the caller gave: what is wrong with a file, and what to do, never with a line of it.

use twinlock_host::caller_file::CallerFileError;

use crate::{
    exit::{Exit, Failure},
    wording::plain,
};

/// Says why a file cannot be read; `remedy` is for a path that is wrong, and where rights are missing the message says how to
/// give the content another way.
pub fn unreadable(path: &str, error: &CallerFileError, remedy: &str) -> Failure {
    let what = format!("{} cannot be read ({})", plain(path), plain(&error.to_string()));
    match error {
        CallerFileError::InvokingUser(_) => Failure::new(
            Exit::NotAllowed,
            what,
            "Call twinlock by sudo, doas or pkexec itself, which set their variables.",
        ),
        CallerFileError::Denied { .. } => Failure::new(
            Exit::Usage,
            what,
            "Copy it to a file that you may read. With full root rights: sudo env -u SUDO_UID twinlock ...",
        ),
        CallerFileError::Kind | CallerFileError::TooLarge | CallerFileError::Io(_) => {
            Failure::new(Exit::Usage, what, remedy)
        }
    }
}
