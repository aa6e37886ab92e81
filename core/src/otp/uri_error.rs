//! Why a text is not a usable `otpauth://` line.

use core::fmt::{Display, Formatter, Result};

use crate::base::base32::KeyTextError;

/// Why a text is not a usable `otpauth://` URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UriError {
    /// The text does not begin with `otpauth://`.
    Scheme,
    /// The text is an export of Google Authenticator (`otpauth-migration://`).
    Export,
    /// The text begins with a byte order mark.
    ByteOrderMark,
    /// Other text precedes the URI, such as `QR-Code:`.
    Prefix,
    /// The text has more than one line.
    Lines,
    /// The text contains HTML-encoded ampersands.
    Html,
    /// The value of a parameter contains another parameter.
    Nested,
    /// The URI has an unknown parameter that may change codes.
    Unknown,
    /// The type of the URI is neither `totp` nor `hotp`.
    Type,
    /// The URI is longer than 8192 bytes.
    TooLong,
    /// The URI is not valid percent-encoded UTF-8.
    Encoding,
    /// The parameter `secret=` is missing.
    NoSecret,
    /// A parameter occurs twice.
    Twice,
    /// The value of `secret=` is not a valid key.
    Secret(KeyTextError),
    /// The value of `digits=` is not 6, 7 or 8.
    Digits,
    /// The value of `period=` is not a number from 1 to 3600.
    Period,
    /// The value of `algorithm=` is not SHA1, SHA256 or SHA512.
    Algorithm,
    /// The type is `hotp`, but `counter=` is missing or not a number.
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
