//! A new key on its way to an app: as a QR code on the screen and in files, and as text.

use twinlock_core::{
    otp::{
        base32,
        otpauth::{self, Label},
    },
    qr::Matrix,
    record::{Authenticator, Record},
};
use zeroize::Zeroizing;

use crate::{
    commands::import_uri,
    desk::Desk,
    exit::{Exit, Failure},
    picture::{self, Pictures},
    screen::{Letters, Screen, Shade, Style, TooNarrow},
    verbs::Enroll,
    wording::{WIDTH, plain, wrap},
};

/// Shows the key of a record that is not in force yet. Nothing is shown of a key that was brought along, but in files.
pub fn show(desk: &Desk, wanted: &Enroll, record: &Record) -> Result<Pictures, Failure> {
    let Some(authenticator) = record.authenticators.first() else {
        return Err(import_uri::already(&record.user));
    };
    let issuer = issuer(desk);
    let label = Label { issuer: &issuer, account: &record.user };
    let uri = otpauth::write(&label, &authenticator.key, authenticator.parameters);
    let matrix = Matrix::of(&uri).map_err(|_| too_long())?;
    let pictures = files(wanted, &matrix)?;
    if !desk.json && !wanted.secret_stdin {
        desk.print(&on_screen(wanted, &matrix))?;
        desk.print(&as_text(authenticator, &label))?;
    }
    Ok(pictures)
}

/// What the app shows above the code: the settings' name, or the host's.
fn issuer(desk: &Desk) -> String {
    let host = || rustix::system::uname().nodename().to_string_lossy().replace(':', "-");
    desk.policy.issuer.clone().unwrap_or_else(host)
}

fn too_long() -> Failure {
    Failure::new(
        Exit::NotInState,
        "the key and its names are longer than any QR code holds",
        "Set a shorter `issuer` in the settings.",
    )
}

fn files(wanted: &Enroll, matrix: &Matrix) -> Result<Pictures, Failure> {
    let mut pictures = Pictures::default();
    if let Some(path) = &wanted.png {
        pictures.add(path, &picture::png(matrix)?)?;
    }
    if let Some(path) = &wanted.svg {
        pictures.add(path, picture::svg(matrix).as_bytes())?;
    }
    Ok(pictures)
}

/// The code begins on a line of its own, and lines of its own.
fn on_screen(wanted: &Enroll, matrix: &Matrix) -> Zeroizing<String> {
    let style = Style {
        letters: if wanted.ascii { Letters::Ascii } else { Letters::Blocks },
        shade: if wanted.invert { Shade::Swapped } else { Shade::Usual },
    };
    let mut text = Zeroizing::new(String::from("\n"));
    match Screen::of_stdout().draw(matrix, style) {
        Ok(drawing) => text.push_str(&drawing),
        Err(TooNarrow { needed, there }) => {
            let other = if wanted.ascii { "leave --ascii out" } else { "take --png or --svg" };
            let said = format!(
                "The QR code takes {needed} columns and this terminal has {there}: \
                 make it wider, {other}, or type the key."
            );
            text.push_str(&wrap(&said, there.clamp(20, WIDTH), 0));
            text.push('\n');
        }
    }
    text
}

fn as_text(authenticator: &Authenticator, label: &Label<'_>) -> Zeroizing<String> {
    let parameters = authenticator.parameters;
    let mut text = Zeroizing::new(String::with_capacity(1024));
    text.push_str("\nScan it with an authenticator app, or type this key there:\n\n    ");
    text.push_str(&base32::in_groups(&authenticator.key));
    text.push_str(&format!(
        "\n\nName in the app: {}, account {}\nTime-based, {} digits, {} seconds, {}\n\n",
        plain(label.issuer),
        plain(label.account),
        parameters.digits.get(),
        parameters.period.seconds(),
        parameters.algorithm.name(),
    ));
    text
}
