//! Why a mail was not sent: what went wrong, and what to do.

use twinlock_core::base::address::AddressError;

use crate::{
    error::exit::{CliError, Exit},
    text::plain,
};

/// Why a mail was not sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MailError {
    /// No mail address of the user is known.
    NoAddress,
    /// The address in the user's record is not valid. The field is this address.
    OddAddress(String),
    /// The setting `mail_from` is not a valid address. The field is its value.
    OddSender(String),
    /// The mail program cannot be started.
    NotStarted {
        /// Path of the mail program.
        program: String,
        /// The error of the operating system.
        error: String,
    },
    /// The mail program took too long and was killed.
    Slow {
        /// Path of the mail program.
        program: String,
        /// Time after which the mail program was killed, in seconds.
        seconds: u64,
    },
    /// The mail program failed: it ended with another status than 0, or by a signal.
    Refused {
        /// Path of the mail program.
        program: String,
        /// How the mail program ended, such as `status 75` or `signal 9`.
        ended: String,
        /// Last line that the mail program wrote to standard error; empty if it wrote none.
        said: String,
    },
}

impl std::fmt::Display for MailError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoAddress => f.write_str("no mail address is known"),
            Self::OddAddress(address) => {
                write!(f, "{} is not a mail address that can be used", plain(address))
            }
            Self::OddSender(address) => {
                write!(f, "mail_from = {} is not a mail address", plain(address))
            }
            Self::NotStarted { program, error } => {
                write!(f, "{} cannot be started ({error})", plain(program))
            }
            Self::Slow { program, seconds } => {
                write!(f, "{} did not end within {seconds} s, and was killed", plain(program))
            }
            Self::Refused { program, ended, said } if said.is_empty() => {
                write!(f, "{} did not accept the mail ({ended})", plain(program))
            }
            Self::Refused { program, ended, said } => {
                write!(f, "{} did not accept the mail ({ended}: {})", plain(program), plain(said))
            }
        }
    }
}

impl std::error::Error for MailError {}

impl MailError {
    /// Returns what to do about the error.
    pub(crate) fn remedy(&self) -> &'static str {
        match self {
            Self::NoAddress => "Set mail_domain in the settings, or give the user an address.",
            Self::OddAddress(_) => "Give the user a plain address, such as ada@example.org.",
            Self::OddSender(_) => "Set mail_from in the settings to a plain address.",
            Self::NotStarted { .. } => {
                "Install a mail server or a relay client (postfix, exim, msmtp-mta, nullmailer), or set sendmail in the settings to a program that accepts mail."
            }
            Self::Slow { .. } | Self::Refused { .. } => {
                "Check the log of the mail server. To test: echo test | sendmail -i root"
            }
        }
    }
}

impl From<AddressError> for MailError {
    fn from(error: AddressError) -> Self {
        match error {
            AddressError::Unknown => Self::NoAddress,
            AddressError::Odd(address) => Self::OddAddress(address),
        }
    }
}

impl From<MailError> for CliError {
    fn from(fault: MailError) -> Self {
        let exit = match fault {
            MailError::Slow { .. } | MailError::Refused { .. } => Exit::Refused,
            MailError::NoAddress
            | MailError::OddAddress(_)
            | MailError::OddSender(_)
            | MailError::NotStarted { .. } => Exit::NotInState,
        };
        Self::new(exit, format!("no mail was sent: {fault}"), fault.remedy())
    }
}
