//! A settings file, read once, so that all steps of a command use the same content.

use std::{
    fs::File,
    io::Read,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
};

use rustix::fs::OFlags;
use twinlock_core::policy::{Policy, settings as form, settings::SETTINGS_MAX};
use twinlock_host::caller_file;

use crate::{
    authorize::actor::ActingLogin,
    error::{
        caller_files::unreadable,
        exit::{CliError, Exit},
        settings_errors,
    },
    text::plain,
};

const REMEDY: &str = "Name a settings file: twinlock settings check FILE";
/// Permission bits that let the group or others write.
const OTHERS_WRITE: u32 = 0o022;

/// A settings file with its content and mode.
pub(crate) struct SettingsDraft {
    /// Path of the file, as the caller gave it.
    pub(crate) path: String,
    /// Text of the file.
    pub(crate) text: String,
    /// The settings that the text contains.
    pub(crate) policy: Policy,
    /// Permission bits of the file.
    pub(crate) mode: u32,
    owner: u32,
    is_file: bool,
}

impl SettingsDraft {
    /// Reads the file `path`, which the caller names, with the rights of the invoking user.
    pub(crate) fn named(path: &str) -> Result<Self, CliError> {
        let opened = caller_file::open(Path::new(path));
        Self::read(path, opened.map_err(|error| unreadable(path, &error, REMEDY))?)
    }

    /// Reads the settings file in use, which is `path`, with the rights of this process.
    pub(crate) fn in_use(path: &str) -> Result<Self, CliError> {
        // With this flag, opening a FIFO does not block. A login does not trust a FIFO either.
        let flags = OFlags::NONBLOCK.bits().cast_signed();
        let opened = File::options().read(true).custom_flags(flags).open(path);
        Self::read(path, opened.map_err(|error| said(path, &error))?)
    }

    /// Reads and parses an open file. The error for invalid settings names the line of the fault.
    fn read(path: &str, file: File) -> Result<Self, CliError> {
        let found = file.metadata().map_err(|error| said(path, &error))?;
        let text = text(path, &bytes(path, file)?)?;
        let policy = form::read(&text).map_err(|found| {
            let (what, remedy) = settings_errors::explain(path, &found);
            CliError::new(Exit::Usage, what, remedy)
        })?;
        Ok(Self {
            path: path.to_owned(),
            text,
            policy,
            mode: found.mode() & 0o7777,
            owner: found.uid(),
            is_file: found.is_file(),
        })
    }

    /// Returns a draft with this text, for tests. The text must be valid.
    #[cfg(test)]
    pub(crate) fn of(text: &str) -> Self {
        let policy = form::read(text).unwrap();
        let (path, text) = ("t".into(), text.into());
        Self { path, text, policy, mode: 0o644, owner: 0, is_file: true }
    }

    /// Checks that the draft is a regular file to which only root and the acting user can write.
    ///
    /// # Errors
    /// [`CliError`] if another user can write to the file, or if it is no regular file.
    pub(crate) fn must_be_ones_own(&self) -> Result<(), CliError> {
        let path = plain(&self.path);
        let by_actor = ActingLogin::read().actor.uid() == Some(self.owner);
        let (what, remedy) = if !self.is_file {
            ("is not a regular file", "Save it as a file first.".to_owned())
        } else if self.owner != 0 && !by_actor {
            ("belongs to neither root nor you", format!("Read it, then: chown root {path}"))
        } else if self.mode & OTHERS_WRITE != 0 {
            ("can be written to by others", format!("Read it, then: chmod go-w {path}"))
        } else {
            return Ok(());
        };
        Err(CliError::new(Exit::Refused, format!("{path} {what}, and is not installed"), remedy))
    }
}

fn said(path: &str, error: &std::io::Error) -> CliError {
    CliError::new(Exit::Usage, format!("{} cannot be read ({error})", plain(path)), REMEDY)
}

/// Returns the bytes of a file. A file larger than 64 KiB is an error.
fn bytes(path: &str, file: File) -> Result<Vec<u8>, CliError> {
    let mut bytes = Vec::new();
    let most = u64::try_from(SETTINGS_MAX).unwrap_or(u64::MAX);
    file.take(most + 1).read_to_end(&mut bytes).map_err(|error| said(path, &error))?;
    if bytes.len() > SETTINGS_MAX {
        return Err(CliError::new(
            Exit::Usage,
            format!("{} is over 64 KiB, the limit for a settings file", plain(path)),
            "Remove comments, or replace rules for single users by one rule for a group.",
        ));
    }
    Ok(bytes)
}

fn text(path: &str, bytes: &[u8]) -> Result<String, CliError> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let what = format!("{}:{line}: not UTF-8", plain(path));
        CliError::new(Exit::Usage, what, "Save the file as UTF-8.")
    })?;
    Ok(text.to_owned())
}
