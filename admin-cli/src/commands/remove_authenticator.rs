//! `twinlock remove USER --authenticator NAME`: removes one of a user's several authenticators.

use twinlock_core::{
    notify::notification::NotificationKind,
    ports::{Records, Snapshot},
    record::{Record, enrollment},
};

use crate::{
    authorize::authorizer::Authorizer,
    cli::Remove,
    context::Context,
    enrollment::{
        key_display,
        record_update::{active, put},
    },
    error::exit::{CliError, Exit},
    terminal::{confirm::confirm, keyboard::Keyboard},
    text::plain,
};

/// Asks for confirmation, then removes the authenticator `name`.
pub(crate) fn run(context: &Context, wanted: &Remove, name: &str) -> Result<(), CliError> {
    context.need_root("remove users")?;
    let authorizer = Authorizer::of(context)?;
    let account = context.account(&wanted.user)?;
    let user = account.name.as_str();
    let found =
        active(context.machine.records.newest(&account)?).ok_or_else(|| not_enrolled(user))?;
    let judged = found.record;
    let key = judged.authenticators.get(place_of(&judged, name)?).map(|one| &one.key);
    let mut keyboard = Keyboard::open()?;
    let shown = plain(name);
    let consequence = format!(
        "Codes of {shown} will be refused; the other authenticators of {} keep working.",
        plain(user)
    );
    confirm(&mut keyboard, &wanted.privileged, user, &consequence, "removed")?;
    let by = authorizer.prove(context, &mut keyboard)?;
    let stamp = context.stamp()?;
    let mut decide = |found: Option<Snapshot>| {
        let record = active(found).ok_or_else(|| not_enrolled(user))?.record;
        let place = place_of(&record, name)?;
        if record.authenticators.get(place).map(|one| &one.key) != key {
            return Err(overtaken(user));
        }
        enrollment::without(record, place, stamp).ok_or_else(|| overtaken(user))
    };
    put(context, &account, &mut decide, &|record| record.generation == stamp.generation)?;
    by.log(context, "authenticator_removed", &[("user", user), ("authenticator", name)]);
    by.write_to(context, user, NotificationKind::KeyChanged, stamp.at);
    let entry = key_display::entry(context, user, name);
    context.say(
        &format!(
            "{shown} is removed; the other authenticators of {} keep working. Delete this entry in the app: {}",
            plain(user),
            plain(&entry)
        ),
        serde_json::json!({
            "user": user, "state": "authenticator_removed", "authenticator": name, "entry": entry,
        }),
    );
    Ok(())
}

/// Returns the index of the authenticator `name` among those of the record.
///
/// # Errors
/// [`CliError`] if there is no such authenticator, or if the user has no other one.
fn place_of(record: &Record, name: &str) -> Result<usize, CliError> {
    let names: Vec<String> = record.authenticators.iter().map(|one| plain(&one.name)).collect();
    let user = plain(&record.user);
    let place = record.authenticators.iter().position(|one| one.name == name);
    match place {
        None => Err(CliError::new(
            Exit::NotInState,
            format!("{user} has no authenticator {}", plain(name)),
            format!("There are: {}.", names.join(", ")),
        )),
        Some(_) if names.len() == 1 => Err(CliError::new(
            Exit::NotInState,
            format!("{} is the only authenticator of {user}; nothing was changed", plain(name)),
            format!(
                "For another app: twinlock change {user}, or log in, type ?, then 4. For a lost phone: twinlock reset {user}. To end the enrollment: twinlock remove {user}"
            ),
        )),
        Some(place) => Ok(place),
    }
}

fn not_enrolled(user: &str) -> CliError {
    CliError::new(
        Exit::NotInState,
        format!("{} is not enrolled", plain(user)),
        "Check the spelling: twinlock list shows all users.",
    )
}

fn overtaken(user: &str) -> CliError {
    CliError::new(
        Exit::NotInState,
        format!(
            "the authenticators of {} changed in the meantime; nothing was changed here",
            plain(user)
        ),
        "Check `twinlock status`, then try again.",
    )
}
