//! Reads data from standard input. The first line may be a code of the acting user.

use std::{
    io::{IsTerminal, Read},
    os::fd::AsFd,
};

use twinlock_core::{
    answer::{self, Answer},
    base::secret::Typed,
};
use zeroize::Zeroizing;

use crate::{error::exit::CliError, terminal::keyboard::Keyboard};

/// Maximum length in bytes of a line with a code.
const CODE_MAX: u64 = 64;

/// The content of standard input.
pub(crate) struct Piped {
    /// The data, without the line with the code.
    pub(crate) data: Zeroizing<String>,
    code: Option<Zeroizing<String>>,
}

/// Why standard input cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PipedError {
    /// Standard input contains a PNG or JPEG picture.
    Picture,
    /// Standard input is not UTF-8.
    Encoding,
    /// Standard input is longer than any text that the subcommand accepts.
    TooLong,
    /// Standard input cannot be read.
    Io,
}

impl core::fmt::Display for PipedError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Picture => "standard input is a picture, not text",
            Self::Encoding => "standard input is not UTF-8 text",
            Self::TooLong => "standard input is too long",
            Self::Io => "standard input cannot be read",
        })
    }
}

impl core::error::Error for PipedError {}

impl Piped {
    /// Reads standard input to its end. The first line is taken as a code if it has the form of a code, since no
    /// accepted data begins with such a line. `most` is the maximum number of bytes of data.
    pub(crate) fn read(most: u64) -> Result<Self, PipedError> {
        let most = most.saturating_add(CODE_MAX);
        // The whole buffer is reserved now, because a growing buffer leaves unwiped copies behind.
        let room = usize::try_from(most).unwrap_or(0).saturating_add(1);
        let mut bytes = Zeroizing::new(Vec::with_capacity(room));
        // Bypasses the buffer of the standard library, which cannot be wiped.
        let input = std::io::stdin().as_fd().try_clone_to_owned().map_err(|_| PipedError::Io)?;
        let read = std::fs::File::from(input).take(most.saturating_add(1)).read_to_end(&mut bytes);
        read.map_err(|_| PipedError::Io)?;
        if u64::try_from(bytes.len()).map_or(true, |length| length > most) {
            return Err(PipedError::TooLong);
        }
        let is_picture = bytes.starts_with(b"\x89PNG") || bytes.starts_with(b"\xff\xd8\xff");
        let text = std::str::from_utf8(&bytes).map_err(|_| match is_picture {
            true => PipedError::Picture,
            false => PipedError::Encoding,
        })?;
        Ok(Self::split(Zeroizing::new(text.to_owned())))
    }

    fn split(text: Zeroizing<String>) -> Self {
        let first = text.split_once('\n').filter(|(line, _)| is_code(line));
        match first {
            Some((line, rest)) => Self {
                data: Zeroizing::new(rest.to_owned()),
                code: Some(Zeroizing::new(format!("{line}\n"))),
            },
            None => Self { data: text, code: None },
        }
    }

    /// Returns a keyboard for the acting user's code. It returns the code in the first line of standard input. If there
    /// is no code in that line, it reads the terminal.
    pub(crate) fn keyboard(&self) -> Result<Keyboard, CliError> {
        match &self.code {
            Some(line) => Keyboard::of_text(line),
            None if std::io::stdin().is_terminal() => Keyboard::open(),
            None => Keyboard::at_terminal(),
        }
    }
}

fn is_code(line: &str) -> bool {
    let fits = u64::try_from(line.len()).is_ok_and(|length| length < CODE_MAX);
    fits && matches!(answer::read(&Typed::new(line.trim().to_owned())), Answer::Code(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> (String, Option<String>) {
        let piped = Piped::split(Zeroizing::new(text.to_owned()));
        (piped.data.to_string(), piped.code.map(|code| code.trim().to_owned()))
    }

    #[test]
    fn code_stands_before_the_data() {
        let uri = "otpauth://totp/a:b?secret=JBSWY3DPEHPK3PXP\n";
        assert_eq!(split(&format!("123456\n{uri}")), (uri.into(), Some("123456".into())));
        assert_eq!(split(&format!("123 456\r\n{uri}")), (uri.into(), Some("123 456".into())));
        let backup = "FEJT-QYCH-WGPV-SARM-XOKB";
        assert_eq!(split(&format!("{backup}\n{uri}")), (uri.into(), Some(backup.into())));
        for data in [uri, "twinlock export 1\n123456\n", "", "\n123456\n", "123456"] {
            assert_eq!(split(data), (data.into(), None));
        }
    }
}
