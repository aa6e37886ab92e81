//! Messages about text that an import cannot use: what it is, and which command takes it.

use twinlock_core::{
    format::migration::MigrationFault,
    otp::otpauth::{self, UriFault},
};

use crate::{
    commands::key_text,
    exit::{Exit, Failure},
    piped::PipedError,
    wording::plain,
};

/// Remedy for text before a line.
pub const WITHOUT_PREFIX: &str =
    "Delete what stands before otpauth; zbarimg leaves it out with --raw.";
/// Remedy for a byte order mark.
pub const WITHOUT_MARK: &str = "Save the file as UTF-8 without a byte order mark (BOM), or drop its first three bytes: tail -c +4 FILE";
/// Remedy for a line that was copied from a web page.
pub const WITHOUT_HTML: &str = "Write & in place of each &amp; and try again.";

/// Returns a command for a user.
pub fn command(verb: &str, user: &str) -> String {
    format!("Give the same text to: twinlock {verb} {}", plain(user))
}

/// Returns the command that imports a picture.
pub fn of_picture(user: &str) -> String {
    format!("twinlock import qr {} FILE.png", plain(user))
}

/// Describes what is wrong with an export of Google's app.
pub fn of_export(fault: MigrationFault) -> &'static str {
    match fault {
        MigrationFault::Scheme => "has no otpauth-migration://offline?data= in it",
        MigrationFault::SingleKey => "is one key (otpauth://), and no export of Google's app",
        MigrationFault::ByteOrderMark => "begins with a byte order mark",
        MigrationFault::Prefix => "has text before otpauth-migration://, such as QR-Code:",
        MigrationFault::Html => "has &amp; where & belongs, as a web page writes it",
        MigrationFault::TooLong => "is longer than any QR code",
        MigrationFault::Data => "has no data= in base64, or has it twice",
        MigrationFault::Payload => "was cut off, or is no export of Google's app",
        MigrationFault::Accounts => "has no account, or more than 100",
    }
}

/// Describes what is wrong with an `otpauth://` line.
pub fn of_uri(fault: UriFault) -> String {
    let what = match fault {
        UriFault::Scheme => "standard input has no otpauth:// line",
        UriFault::Export => {
            "this is an export of Google's app (otpauth-migration://), and not one key"
        }
        UriFault::ByteOrderMark => "a byte order mark stands before otpauth://",
        UriFault::Prefix => "text stands before otpauth://, such as QR-Code:",
        UriFault::Lines => {
            "standard input has several lines; one otpauth:// line is taken at a time"
        }
        UriFault::Html => "the line has &amp; where & belongs, as a web page writes it",
        UriFault::Nested => {
            "the line has a parameter inside the value of another one: an & is missing, or is written another way"
        }
        UriFault::Unknown => {
            "the line has a parameter that twinlock does not know, so that its codes might not be the app's"
        }
        UriFault::Type => "only otpauth://totp/ and otpauth://hotp/ can be taken over",
        UriFault::TooLong => "the line is longer than any otpauth:// line",
        UriFault::Encoding => "the line has a percent sign without two digits after it",
        UriFault::NoSecret => "the line has no secret=",
        UriFault::Twice => "the line has a parameter twice",
        UriFault::Secret(fault) => return key_text::complaint("secret=", fault),
        UriFault::Digits => "digits= must be 6, 7 or 8",
        UriFault::Period => "period= must be 1 to 3600",
        UriFault::Algorithm => "algorithm= must be SHA1, SHA256 or SHA512",
        UriFault::Counter => "otpauth://hotp/ needs counter=, a number: that of the next code",
    };
    what.into()
}

/// Describes what to do about an `otpauth://` line.
pub fn uri_remedy(fault: UriFault, user: &str) -> String {
    match fault {
        UriFault::Export => command("import migration", user),
        UriFault::ByteOrderMark => WITHOUT_MARK.into(),
        UriFault::Prefix => WITHOUT_PREFIX.into(),
        UriFault::Html => WITHOUT_HTML.into(),
        UriFault::Lines => "Give each line to a call of its own; an account is enrolled with one key.".into(),
        UriFault::Unknown => "Copy the line again. Known are secret, issuer, digits, period, algorithm and counter, and image, which says nothing of codes.".into(),
        UriFault::Nested => "Copy the line again, or take the picture: ".to_owned() + &of_picture(user),
        UriFault::Scheme
        | UriFault::Type
        | UriFault::TooLong
        | UriFault::Encoding
        | UriFault::NoSecret
        | UriFault::Twice
        | UriFault::Secret(_)
        | UriFault::Digits
        | UriFault::Period
        | UriFault::Algorithm
        | UriFault::Counter => {
            "Write a line like otpauth://totp/host:user?secret=BASE32&issuer=host to standard input.".into()
        }
    }
}

/// Explains why standard input could not be used.
pub fn unreadable(error: PipedError, user: &str) -> Failure {
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
pub fn of_other_verb(text: &str, user: &str) -> Option<Failure> {
    if !text.contains("otpauth") && !text.starts_with('\u{feff}') {
        return None;
    }
    let (what, remedy) = match otpauth::parse(text) {
        Err(UriFault::Scheme | UriFault::TooLong) if !text.starts_with('\u{feff}') => return None,
        Err(UriFault::Export) => (of_uri(UriFault::Export), command("import migration", user)),
        Err(UriFault::ByteOrderMark | UriFault::Scheme | UriFault::TooLong) => {
            ("standard input begins with a byte order mark".into(), WITHOUT_MARK.into())
        }
        _ => (
            "standard input is a key (otpauth://), and no export of twinlock".into(),
            command("import uri", user),
        ),
    };
    Some(Failure::new(Exit::Usage, what, remedy))
}
