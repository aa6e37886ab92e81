//! Error messages about input that an import cannot use. They name the kind of input, and the command that accepts it.

use twinlock_core::otp::{otpauth, uri_error::UriError};

use crate::{
    error::exit::{CliError, Exit},
    terminal::piped::PipedError,
    text::plain,
};

/// What to do about text before `otpauth://` on a line.
pub(crate) const WITHOUT_PREFIX: &str =
    "Delete the text before otpauth; zbarimg --raw does not print it.";
/// What to do about a byte order mark.
pub(crate) const WITHOUT_MARK: &str = "Save the file as UTF-8 without a byte order mark (BOM), or remove its first three bytes: tail -c +4 FILE";
/// What to do about a line copied from a web page's source text.
pub(crate) const WITHOUT_HTML: &str = "Write & in place of each &amp; and try again.";

/// Returns a sentence for error messages that names the command which accepts the input: `twinlock VERB USER`.
pub(crate) fn command(verb: &str, user: &str) -> String {
    format!("Give the same text to: twinlock {verb} {}", plain(user))
}

/// Returns the command line that imports a key from a picture, for error messages.
pub(crate) fn of_picture(user: &str) -> String {
    format!("twinlock import qr {} FILE.png", plain(user))
}

/// Returns the remedy for an `otpauth://` line that cannot be used.
pub(crate) fn uri_remedy(fault: UriError, user: &str) -> String {
    match fault {
        UriError::Export => command("import migration", user),
        UriError::ByteOrderMark => WITHOUT_MARK.into(),
        UriError::Prefix => WITHOUT_PREFIX.into(),
        UriError::Html => WITHOUT_HTML.into(),
        UriError::Lines => "Import one line for each account: an account is enrolled with one key.".into(),
        UriError::Unknown => "Copy the line again. Known parameters are secret, issuer, digits, period, algorithm, counter and image.".into(),
        UriError::Nested => "Copy the line again, or import the picture: ".to_owned() + &of_picture(user),
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

/// Returns the error for standard input that cannot be used.
pub(crate) fn unreadable(error: PipedError, user: &str) -> CliError {
    let remedy = match error {
        PipedError::Picture => of_picture(user),
        PipedError::Encoding => "Save it as UTF-8, without a byte order mark (BOM).".into(),
        PipedError::TooLong => "Check what was given as input.".into(),
        PipedError::Io => "Try again with a file: < FILE".into(),
    };
    CliError::new(Exit::Usage, error.to_string(), remedy)
}

/// Returns an error that names the command which accepts the text; `None` if the text may be an output of `twinlock
/// export`, or if no other command accepts it.
pub(crate) fn of_other_verb(text: &str, user: &str) -> Option<CliError> {
    if !text.contains("otpauth") && !text.starts_with('\u{feff}') {
        return None;
    }
    let (what, remedy) = match otpauth::parse(text) {
        Err(UriError::Scheme | UriError::TooLong) if !text.starts_with('\u{feff}') => return None,
        Err(UriError::Export) => (UriError::Export.to_string(), command("import migration", user)),
        Err(UriError::ByteOrderMark | UriError::Scheme | UriError::TooLong) => {
            ("standard input begins with a byte order mark".into(), WITHOUT_MARK.into())
        }
        _ => (
            "standard input is a key (otpauth://), and not an export of twinlock".into(),
            command("import uri", user),
        ),
    };
    Some(CliError::new(Exit::Usage, what, remedy))
}
