//! Shows a key for an app: as QR code on the screen and in files, and as text.

use twinlock_core::{
    base::{base32, secret::Key},
    otp::{
        otpauth::{self, Label},
        qr::Matrix,
    },
    record::{Authenticator, MovingFactor},
};
use zeroize::Zeroizing;

use crate::{
    cli::QrArgs,
    context::Context,
    error::exit::{Exit, Failure},
    terminal::{
        qr_image::{self, Pictures},
        qr_text::{Letters, Screen, Shade, Style, TooNarrowError},
    },
    text::{WIDTH, plain, wrap},
};

/// An authenticator with its owner, and where to show its key.
pub(crate) struct Owned<'a> {
    /// Account name.
    pub(crate) user: &'a str,
    /// The authenticator.
    pub(crate) authenticator: &'a Authenticator,
    /// Where to show its key.
    pub(crate) seen: SeenWhere,
}

/// Where a key is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SeenWhere {
    /// On the screen and in the requested files.
    OnScreen,
    /// In files only: the user who gave the key has it, and a script's output must not contain one.
    InFiles,
}

/// Shows a key; the files are removed again unless the key comes into force.
pub(crate) fn show(
    context: &Context,
    drawing: &QrArgs,
    owned: &Owned<'_>,
) -> Result<Pictures, Failure> {
    let issuer = issuer(context);
    let authenticator = owned.authenticator;
    let account = otpauth::account_label(&issuer, owned.user, &authenticator.name);
    let label = Label { issuer: &issuer, account: &account };
    let uri = otpauth::write_next(&label, authenticator);
    let matrix = Matrix::of(&uri).map_err(|_| too_long())?;
    let pictures = files(drawing, &matrix)?;
    if !context.json && owned.seen == SeenWhere::OnScreen {
        context.print(&introduction(authenticator, &label))?;
        context.print_exactly(&on_screen(drawing, &matrix))?;
        context.print(&in_letters(&authenticator.key))?;
    }
    Ok(pictures)
}

/// Returns the issuer that the app shows: the name from the settings, or the host's.
fn issuer(context: &Context) -> String {
    let host = || rustix::system::uname().nodename().to_string_lossy().replace(':', "-");
    context.policy.issuer.clone().unwrap_or_else(host)
}

/// Returns the label in the app for an authenticator of that name, such as `Example:ada (phone)`.
pub(crate) fn entry(context: &Context, user: &str, authenticator: &str) -> String {
    let issuer = issuer(context);
    let account = otpauth::account_label(&issuer, user, authenticator);
    format!("{issuer}:{account}")
}

fn too_long() -> Failure {
    Failure::new(
        Exit::NotInState,
        "the key and its names do not fit into a QR code",
        "Set a shorter `issuer` in the settings.",
    )
}

fn files(wanted: &QrArgs, matrix: &Matrix) -> Result<Pictures, Failure> {
    let mut pictures = Pictures::default();
    if let Some(path) = &wanted.png {
        pictures.add(path, &qr_image::png(matrix)?)?;
    }
    if let Some(path) = &wanted.svg {
        pictures.add(path, qr_image::svg(matrix).as_bytes())?;
    }
    Ok(pictures)
}

/// Returns the text above the QR code; both must fit on one screen together with the text below.
fn introduction(authenticator: &Authenticator, label: &Label<'_>) -> String {
    let parameters = authenticator.parameters;
    let said = format!(
        "Scan this with an authenticator app, or type the key below it there \
         ({}, account {}; {}, {}):",
        plain(label.issuer),
        plain(label.account),
        moving(authenticator),
        parameters.algorithm.name(),
    );
    format!("{}\n\n", wrap(&said, WIDTH, 0))
}

fn moving(authenticator: &Authenticator) -> String {
    let digits = authenticator.parameters.digits.get();
    match authenticator.moving {
        MovingFactor::Clock { .. } => {
            let seconds = authenticator.parameters.period.seconds();
            format!("time-based, {digits} digits, {seconds} seconds")
        }
        MovingFactor::Counter { next } => {
            format!("counter-based, {digits} digits, next code number {next}")
        }
    }
}

/// Returns the QR code on lines of its own.
fn on_screen(wanted: &QrArgs, matrix: &Matrix) -> Zeroizing<String> {
    let style = Style {
        letters: if wanted.ascii { Letters::Ascii } else { Letters::Blocks },
        shade: if wanted.invert { Shade::Swapped } else { Shade::Usual },
    };
    let mut text = Zeroizing::new(String::new());
    match Screen::of_stdout().draw(matrix, style) {
        Ok(drawing) => text.push_str(&drawing),
        Err(TooNarrowError { needed, there }) => {
            let other = if wanted.ascii { "leave --ascii out" } else { "use --png or --svg" };
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

fn in_letters(key: &Key) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(512));
    text.push_str("    ");
    text.push_str(&base32::in_groups(key));
    text.push('\n');
    text
}
