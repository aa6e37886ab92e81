//! Shows a key that the user enters into an app: as a QR code on the screen or in files, and as text.

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
    error::exit::{CliError, Exit},
    terminal::{
        qr_image::{self, Pictures},
        qr_text::{Letters, OutputScreen, Shade, Style},
    },
    text::{WIDTH, plain, wrap},
};

/// An authenticator whose key is shown to the caller, its user, and where the key is shown.
pub(crate) struct Owned<'a> {
    /// Account name of the authenticator's user.
    pub(crate) user: &'a str,
    /// The authenticator.
    pub(crate) authenticator: &'a Authenticator,
    /// Whether the key is shown on the screen.
    pub(crate) seen: SeenWhere,
}

/// Where a key is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SeenWhere {
    /// The key is shown on the screen, and in picture files if options name any.
    OnScreen,
    /// The key is shown only in the picture files that options name, because the caller has given the key, or because
    /// the output is no terminal. A key must not get into the output of a script.
    InFiles,
}

/// Shows the key of an authenticator. Returns the picture files, which are deleted unless [`Pictures::keep`] is called.
pub(crate) fn show(
    context: &Context,
    drawing: &QrArgs,
    owned: &Owned<'_>,
) -> Result<Pictures, CliError> {
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

/// Returns the issuer that the app shows: the issuer in the settings, or the host's name if the settings have none.
fn issuer(context: &Context) -> String {
    let host = || rustix::system::uname().nodename().to_string_lossy().replace(':', "-");
    context.policy.issuer.clone().unwrap_or_else(host)
}

/// Returns the name that an app shows for an authenticator, such as `Example:ada (phone)`.
pub(crate) fn entry(context: &Context, user: &str, authenticator: &str) -> String {
    let issuer = issuer(context);
    let account = otpauth::account_label(&issuer, user, authenticator);
    format!("{issuer}:{account}")
}

fn too_long() -> CliError {
    CliError::new(
        Exit::NotInState,
        "the key and its names do not fit into a QR code",
        "Set a shorter `issuer` in the settings.",
    )
}

fn files(wanted: &QrArgs, matrix: &Matrix) -> Result<Pictures, CliError> {
    let mut pictures = Pictures::default();
    if let Some(path) = &wanted.png {
        pictures.add(path, &qr_image::png(matrix)?)?;
    }
    if let Some(path) = &wanted.svg {
        pictures.add(path, qr_image::svg(matrix).as_bytes())?;
    }
    Ok(pictures)
}

/// Returns the text above the QR code. It is short, since it must fit on one screen together with the QR code.
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

/// Returns the QR code drawn with characters; if the screen is too narrow, a sentence that says so.
fn on_screen(wanted: &QrArgs, matrix: &Matrix) -> Zeroizing<String> {
    let style = Style {
        letters: if wanted.ascii { Letters::Ascii } else { Letters::Blocks },
        shade: if wanted.invert { Shade::Swapped } else { Shade::Usual },
    };
    let mut text = Zeroizing::new(String::new());
    match OutputScreen::of_stdout().draw(matrix, style) {
        Ok(drawing) => text.push_str(&drawing),
        Err(narrow) => {
            let other = if wanted.ascii { "leave --ascii out" } else { "use --png or --svg" };
            let said = format!("{narrow}: make it wider, {other}, or type the key.");
            text.push_str(&wrap(&said, narrow.there.clamp(20, WIDTH), 0));
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
