//! `twinlock import uri USER`: imports the key of an app or token from an `otpauth://` line on standard input.

use twinlock_core::{
    otp::{otpauth, uri_error::UriError},
    record::enrollment,
};
use twinlock_host::create_store;

use crate::{
    authorize::authorizer::Authorizer,
    context::Context,
    enrollment::record_update::place,
    error::exit::{CliError, Exit},
    import::import_text,
    terminal::piped::Piped,
    text::plain,
};

/// Maximum length of the input in bytes. A valid line is shorter.
const INPUT_MAX: u64 = 16 * 1024;

/// Reads an `otpauth://` line and enrolls the user with its key.
pub(crate) fn run(context: &Context, user: &str) -> Result<(), CliError> {
    context.need_root("enroll users")?;
    let authorizer = Authorizer::of(context)?;
    let account = context.account(user)?;
    let piped = Piped::read(INPUT_MAX).map_err(|error| import_text::unreadable(error, user))?;
    let authenticator = otpauth::parse(&piped.data).map_err(|fault| failure(fault, user))?;
    create_store::prepare_store(&context.machine)
        .map_err(|fault| CliError::from(fault).unchanged())?;
    let before = context.machine.records.before_enrollment(&account);
    let before = before.map_err(|fault| CliError::from(fault).unchanged())?;
    let successor = enrollment::enroll(&account, before.as_ref(), authenticator, context.stamp()?)
        .map_err(|_| {
            context.machine.records.finish_first(&account);
            already(&account.name)
        })?;
    let by = authorizer.prove(context, &mut piped.keyboard()?)?;
    by.is_still_first(context)?;
    place(context, &account, successor.after, &successor.record)?;
    let name = successor.record.authenticators.first().map_or("", |first| &first.name);
    by.log(context, "enrolled", &[("user", &account.name), ("authenticator", name)]);
    by.write_set_up(
        context,
        &account.name,
        successor.record.extras.mail.as_deref(),
        successor.record.since,
    );
    context.say(
        &format!("{} is enrolled with the authenticator {}.", plain(&account.name), plain(name)),
        serde_json::json!({ "user": account.name, "authenticator": name }),
    );
    Ok(())
}

/// Returns the error for a user who is enrolled already.
pub(crate) fn already(user: &str) -> CliError {
    CliError::new(
        Exit::NotInState,
        format!("{0} is enrolled already, and keeps the present key", plain(user)),
        format!("To start again: twinlock remove {}, then enroll again.", plain(user)),
    )
}

fn failure(fault: UriError, user: &str) -> CliError {
    CliError::new(Exit::Usage, fault.to_string(), import_text::uri_remedy(fault, user))
}
