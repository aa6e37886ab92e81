//! `twinlock import qr USER FILE`: imports a key from a picture of a QR code. The file is opened with the rights of the
//! invoking user.

use std::path::Path;

use twinlock_core::otp::{otpauth, uri_error::UriError};
use twinlock_host::caller_file;
use zeroize::Zeroizing;

use crate::{
    authorize::authorizer::Authorizer,
    cli::FromPicture,
    context::Context,
    error::{
        caller_files,
        exit::{CliError, Exit},
    },
    import::{
        candidates::{self, KeyCandidate},
        import_text,
        migration::AppExport,
        qr_reader::{self, FILE_MAX, PictureError},
    },
    terminal::keyboard::Keyboard,
    text::{count, plain},
};

const PICTURE: &str = "Name a PNG or JPEG file that shows the QR code.";

/// Reads the picture, selects one of its keys, and enrolls the user with it.
pub(crate) fn run(context: &Context, wanted: &FromPicture) -> Result<(), CliError> {
    context.need_root("enroll users")?;
    let authorizer = Authorizer::of(context)?;
    let account = context.account(wanted.user())?;
    let path = wanted.file();
    let texts = caller_file::decode(Path::new(path), FILE_MAX, qr_reader::texts);
    let texts = texts.map_err(|error| caller_files::unreadable(path, &error, PICTURE))?;
    let texts = texts.map_err(|error| unreadable(wanted, error))?;
    let found = candidates(&texts, wanted.user())?;
    let authenticator =
        candidates::choose(found.candidates, wanted.choice(), &found.more)?.authenticator?;
    let by = authorizer.prove(context, &mut Keyboard::open()?)?;
    candidates::enroll(context, &by, &account, authenticator)
}

/// The keys in the QR codes of a picture.
struct PictureKeys {
    candidates: Vec<KeyCandidate>,
    more: String,
}

fn candidates(texts: &[Zeroizing<String>], user: &str) -> Result<PictureKeys, CliError> {
    let mut export = AppExport::default();
    let mut keys = Vec::new();
    let mut others = 0;
    for text in texts {
        match otpauth::parse(text) {
            Ok(authenticator) => keys.push(KeyCandidate {
                label: otpauth::label(text),
                other_labels: Vec::new(),
                authenticator: Ok(authenticator),
            }),
            Err(UriError::Export) => export.add(text).map_err(|fault| {
                let what = format!("the QR code {fault}");
                CliError::new(Exit::Refused, what, "In the app, export the accounts again.")
            })?,
            Err(UriError::Scheme) => others += 1,
            Err(fault) => {
                let what = fault.to_string();
                let remedy = import_text::uri_remedy(fault, user);
                keys.push(KeyCandidate {
                    label: otpauth::label(text),
                    other_labels: Vec::new(),
                    authenticator: Err(CliError::new(Exit::Refused, what, remedy)),
                });
            }
        }
    }
    let (accounts, more) = export.end();
    keys.extend(accounts.into_iter().map(KeyCandidate::from));
    if keys.is_empty() {
        return Err(CliError::new(
            Exit::Refused,
            format!("{} in the picture, and none contains a key", count(others, "QR code")),
            "Use a picture of the QR code of the set-up page; its text begins with otpauth.",
        ));
    }
    Ok(PictureKeys { candidates: keys, more })
}

fn unreadable(wanted: &FromPicture, error: PictureError) -> CliError {
    let user = plain(wanted.user());
    let remedy = match error {
        PictureError::Format => "Save it as PNG or JPEG: a screenshot is one.".into(),
        PictureError::Text => format!(
            "For text, use standard input: twinlock import uri {user} < FILE (an export of Google's app: import migration)"
        ),
        PictureError::Colors => "Save it as PNG.".into(),
        PictureError::Damaged => "Copy it again, or make another screenshot.".into(),
        PictureError::TooSlow => "Crop the picture to the QR code, and save that.".into(),
        PictureError::NoThread => "Try again when the machine is less busy.".into(),
        PictureError::TooLarge => "Crop the picture to the QR code, and save that.".into(),
        PictureError::NoCode | PictureError::Unreadable => format!(
            "Use a screenshot, or a photo from the front, sharp and bright, with the white margin around the code. Or read the code with another program, and give its text: twinlock import uri {user}"
        ),
    };
    CliError::new(Exit::Refused, format!("{}: {error}", plain(wanted.file())), remedy)
}
