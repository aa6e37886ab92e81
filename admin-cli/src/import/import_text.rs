//! Messages about text that an import cannot use: what it is, and which command takes it.

use twinlock_core::otp::otpauth::{self, UriError};
use twinlock_migrate::otpauth_migration::MigrationError;

use crate::{
    enrollment::key_text,
    error::exit::{Exit, Failure},
    terminal::piped::PipedError,
    text::plain,
};

/// Remedy for text before a line.
pub(crate) const WITHOUT_PREFIX: &str =
    "Delete what stands before otpauth; zbarimg leaves it out with --raw.";
/// Remedy for a byte order mark.
pub(crate) const WITHOUT_MARK: &str = "Save the file as UTF-8 without a byte order mark (BOM), or drop its first three bytes: tail -c +4 FILE";
/// Remedy for a line that was copied from a web page.
pub(crate) const WITHOUT_HTML: &str = "Write & in place of each &amp; and try again.";

/// Returns a command for a user.
pub(crate) fn command(verb: &str, user: &str) -> String {
    format!("Give the same text to: twinlock {verb} {}", plain(user))
}

/// Returns the command that imports a picture.
pub(crate) fn of_picture(user: &str) -> String {
    format!("twinlock import qr {} FILE.png", plain(user))
}

/// Describes what is wrong with an export of Google's app.
pub(crate) fn of_export(fault: MigrationError) -> &'static str {
    match fault {
        MigrationError::Scheme => "has no otpauth-migration://offline?data= in it",
        MigrationError::SingleKey => "is one key (otpauth://), and no export of Google's app",
        MigrationError::ByteOrderMark => "begins with a byte order mark",
        MigrationError::Prefix => "has text before otpauth-migration://, such as QR-Code:",
        MigrationError::Html => "has &amp; where & belongs, as a web page writes it",
        MigrationError::TooLong => "is longer than any QR code",
        MigrationError::Data => "has no data= in base64, or has it twice",
        MigrationError::Payload => "was cut off, or is no export of Google's app",
        MigrationError::Accounts => "has no account, or more than 100",
    }
}

/// Describes what is wrong with an `otpauth://` line.
pub(crate) fn of_uri(fault: UriError) -> String {
    let what = match fault {
        UriError::Scheme => "standard input has no otpauth:// line",
        UriError::Export => {
            "this is an export of Google's app (otpauth-migration://), and not one key"
        }
        UriError::ByteOrderMark => "a byte order mark stands before otpauth://",
        UriError::Prefix => "text stands before otpauth://, such as QR-Code:",
        UriError::Lines => {
            "standard input has several lines; one otpauth:// line is taken at a time"
        }
        UriError::Html => "the line has &amp; where & belongs, as a web page writes it",
        UriError::Nested => {
            "the line has a parameter inside the value of another one: an & is missing, or is written another way"
        }
        UriError::Unknown => {
            "the line has a parameter that twinlock does not know, so that its codes might not be the app's"
        }
        UriError::Type => "only otpauth://totp/ and otpauth://hotp/ can be taken over",
        UriError::TooLong => "the line is longer than any otpauth:// line",
        UriError::Encoding => "the line has a percent sign without two digits after it",
        UriError::NoSecret => "the line has no secret=",
        UriError::Twice => "the line has a parameter twice",
        UriError::Secret(fault) => return key_text::complaint("secret=", fault),
        UriError::Digits => "digits= must be 6, 7 or 8",
        UriError::Period => "period= must be 1 to 3600",
        UriError::Algorithm => "algorithm= must be SHA1, SHA256 or SHA512",
        UriError::Counter => "otpauth://hotp/ needs counter=, a number: that of the next code",
    };
    what.into()
}

/// Describes what to do about an `otpauth://` line.
pub(crate) fn uri_remedy(fault: UriError, user: &str) -> String {
    match fault {
        UriError::Export => command("import migration", user),
        UriError::ByteOrderMark => WITHOUT_MARK.into(),
        UriError::Prefix => WITHOUT_PREFIX.into(),
        UriError::Html => WITHOUT_HTML.into(),
        UriError::Lines => "Give each line to a call of its own; an account is enrolled with one key.".into(),
        UriError::Unknown => "Copy the line again. Known are secret, issuer, digits, period, algorithm and counter, and image, which says nothing of codes.".into(),
        UriError::Nested => "Copy the line again, or take the picture: ".to_owned() + &of_picture(user),
        UriError::Scheme
        | UriError::Type
        | UriError::TooLong
        | UriError::Encoding
        | UriError::NoSecret
        | UriError::Twice
        | UriError::Secret(_)
        | UriError::Digits
        | UriError::Period
        | UriError::Algorithm
        | UriError::Counter => {
            "Write a line like otpauth://totp/host:user?secret=BASE32&issuer=host to standard input.".into()
        }
    }
}

/// Explains why standard input could not be used.
pub(crate) fn unreadable(error: PipedError, user: &str) -> Failure {
    let (what, remedy) = match error {
        PipedError::Picture => ("standard input is a picture, and no text", of_picture(user)),
        PipedError::Encoding => (
            "standard input is no text in UTF-8",
            "Save it as UTF-8, without a byte order mark (BOM).".into(),
        ),
        PipedError::TooLong => {
            ("standard input is longer than anything that is taken here", "Look what it is.".into())
        }
        PipedError::Io => ("standard input cannot be read", "Try again with a file: < FILE".into()),
    };
    Failure::new(Exit::Usage, what, remedy)
}

/// Names the verb for a text that is no export of `twinlock export`; returns `None` if there is none.
pub(crate) fn of_other_verb(text: &str, user: &str) -> Option<Failure> {
    if !text.contains("otpauth") && !text.starts_with('\u{feff}') {
        return None;
    }
    let (what, remedy) = match otpauth::parse(text) {
        Err(UriError::Scheme | UriError::TooLong) if !text.starts_with('\u{feff}') => return None,
        Err(UriError::Export) => (of_uri(UriError::Export), command("import migration", user)),
        Err(UriError::ByteOrderMark | UriError::Scheme | UriError::TooLong) => {
            ("standard input begins with a byte order mark".into(), WITHOUT_MARK.into())
        }
        _ => (
            "standard input is a key (otpauth://), and no export of twinlock".into(),
            command("import uri", user),
        ),
    };
    Some(Failure::new(Exit::Usage, what, remedy))
}
