//! Data on standard input, and the acting user's own code where it stands on the line before.

use std::io::{IsTerminal, Read};

use twinlock_core::{
    answer::{self, Answer},
    secret::Typed,
};
use zeroize::Zeroizing;

use crate::{exit::Failure, keyboard::Keyboard};

/// More than a code of any kind.
const CODE_MAX: u64 = 64;

/// All of standard input.
pub struct Piped {
    /// The data.
    pub data: Zeroizing<String>,
    code: Option<Zeroizing<String>>,
}

impl Piped {
    /// Reads standard input to its end, or one code and `most` bytes of it. A first line that has the shape of a code is
    /// no data: none of the formats that are read here begins with one.
    pub fn read(most: u64) -> std::io::Result<Self> {
        let mut text = Zeroizing::new(String::with_capacity(64 * 1024));
        std::io::stdin().lock().take(most + CODE_MAX).read_to_string(&mut text)?;
        Ok(Self::split(text))
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

    /// Returns where the acting user's code comes from: the first line, else the terminal.
    pub fn keyboard(&self) -> Result<Keyboard, Failure> {
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
