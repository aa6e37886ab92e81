//! Why a text is not a usable `otpauth://` line.

use core::fmt::{Display, Formatter, Result};

use crate::base::base32::KeyTextError;

/// Why a text is not a usable `otpauth://` URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UriError {
    /// It does not begin with `otpauth://`.
    Scheme,
    /// An export of Google Authenticator, `otpauth-migration://`.
    Export,
    /// It begins with a byte order mark.
    ByteOrderMark,
    /// It begins with other text, such as `QR-Code:`.
    Prefix,
    /// More than one line.
    Lines,
    /// It contains HTML-encoded ampersands.
    Html,
    /// A parameter value contains another parameter.
    Nested,
    /// An unknown parameter that may change codes.
    Unknown,
    /// A type other than `totp` and `hotp`.
    Type,
    /// Longer than any plausible URI.
    TooLong,
    /// Invalid percent encoding, or not UTF-8.
    Encoding,
    /// `secret=` is missing.
    NoSecret,
    /// A duplicate parameter.
    Twice,
    /// The secret is not a valid key.
    Secret(KeyTextError),
    /// `digits=` other than 6, 7, 8.
    Digits,
    /// `period=` other than 1 to 3600.
    Period,
    /// `algorithm=` other than SHA1, SHA256, SHA512.
    Algorithm,
    /// `hotp` without `counter=`.
    Counter,
}

impl Display for UriError {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(match self {
            Self::Scheme => "standard input has no otpauth:// line",
            Self::Export => {
                "this is an export of Google's app (otpauth-migration://), and not one key"
            }
            Self::ByteOrderMark => "there is a byte order mark before otpauth://",
            Self::Prefix => "there is text before otpauth://, such as QR-Code:",
            Self::Lines => {
                "standard input has several lines; only one otpauth:// line can be imported at a time"
            }
            Self::Html => "the line has &amp; in place of &, as in the source of a web page",
            Self::Nested => {
                "the line has a parameter inside the value of another one: an & is missing or encoded"
            }
            Self::Unknown => {
                "the line has a parameter that twinlock does not know, so that its codes might not be the app's"
            }
            Self::Type => "only otpauth://totp/ and otpauth://hotp/ can be imported",
            Self::TooLong => "the line is longer than any otpauth:// line",
            Self::Encoding => "the line has a percent sign without two digits after it",
            Self::NoSecret => "the line has no secret=",
            Self::Twice => "the line has a parameter twice",
            Self::Secret(error) => return error.fmt(f),
            Self::Digits => "digits= must be 6, 7 or 8",
            Self::Period => "period= must be 1 to 3600",
            Self::Algorithm => "algorithm= must be SHA1, SHA256 or SHA512",
            Self::Counter => "otpauth://hotp/ needs counter=, a number: that of the next code",
        })
    }
}

impl core::error::Error for UriError {}
