//! `twinlock show-key USER`: marks a user's key as disclosed, then shows it to the acting user.

use std::io::IsTerminal;

use twinlock_core::{
    base::account::Account,
    notify::notification::NotificationKind,
    ports::{Records, Snapshot},
    record::{Authenticator, Record, enrollment::ChangeStamp, extras::KeyDisclosure},
};

use crate::{
    authorize::authorizer::{Authorized, Authorizer},
    cli::ShowKey,
    context::Context,
    enrollment::{
        key_display::{self, Owned, SeenWhere},
        record_update::{active, put},
    },
    error::exit::{CliError, Exit},
    terminal::{confirm::confirm, keyboard::Keyboard, qr_image},
    text::plain,
};

/// Asks for confirmation, then shows a user's key.
pub(crate) fn run(context: &Context, wanted: &ShowKey) -> Result<(), CliError> {
    context.need_root("show keys")?;
    check_arguments(context, wanted)?;
    let authorizer = Authorizer::of(context)?;
    let account = context.account(&wanted.user)?;
    let found = context.machine.records.newest(&account)?;
    let Some(found) = active(found) else { return Err(not_set_up(&account.name)) };
    let name = choose(&found.record, wanted.authenticator.as_deref())?.name.clone();
    let mut keyboard = Keyboard::open()?;
    let user = plain(&account.name);
    let said = format!(
        "This shows the secret key of {user} (authenticator {}). Anyone who has seen it can produce codes of {user}, so {user} is asked to change it at the next logins.",
        plain(&name)
    );
    confirm(&mut keyboard, &wanted.privileged, &account.name, &said, "shown")?;
    let by = authorizer.prove(context, &mut keyboard)?;
    mark(context, &account, &name, &by)?;
    // Reads the record again, so that the key that is shown is the one that was marked.
    let found = context.machine.records.newest(&account).map_err(|fault| marked(fault.into()))?;
    let Some(found) = active(found) else { return Err(not_set_up(&account.name)) };
    let authenticator = choose(&found.record, Some(&name))?;
    let seen =
        if std::io::stdout().is_terminal() { SeenWhere::OnScreen } else { SeenWhere::InFiles };
    let owned = Owned { user: &account.name, authenticator, seen };
    key_display::show(context, &wanted.drawing, &owned).map_err(marked)?.keep();
    finish(context, &account, &name, wanted);
    Ok(())
}

fn check_arguments(context: &Context, wanted: &ShowKey) -> Result<(), CliError> {
    let files = [&wanted.drawing.png, &wanted.drawing.svg];
    for path in files.into_iter().flatten() {
        qr_image::must_be_free(path)?;
    }
    let to_a_file = files.into_iter().any(Option::is_some);
    if !to_a_file && (context.json || !std::io::stdout().is_terminal()) {
        return Err(CliError::new(
            Exit::Usage,
            "standard output is not a terminal, and a key must not be left in a file or a log",
            "Run it at a terminal, or write an image: --png FILE or --svg FILE.",
        ));
    }
    Ok(())
}

fn choose<'a>(record: &'a Record, name: Option<&str>) -> Result<&'a Authenticator, CliError> {
    let all = &record.authenticators;
    let found = match name {
        Some(name) => all.iter().find(|one| one.name == name),
        None if all.len() == 1 => all.first(),
        None => None,
    };
    found.ok_or_else(|| {
        let names: Vec<String> = all.iter().map(|one| plain(&one.name)).collect();
        let what = match name {
            Some(name) => format!("{} has no authenticator {}", plain(&record.user), plain(name)),
            None => format!("{} has several authenticators", plain(&record.user)),
        };
        let remedy = format!("Name one with --authenticator: {}.", names.join(", "));
        CliError::new(if name.is_some() { Exit::NotInState } else { Exit::Usage }, what, remedy)
    })
}

/// Marks the key of the authenticator `name` as seen by the acting user, unless it is the acting user's own. This is
/// done durably before the key is shown, because a command that is killed may have shown the key already.
fn mark(context: &Context, account: &Account, name: &str, by: &Authorized) -> Result<(), CliError> {
    let ChangeStamp { generation, at: now } = context.stamp()?;
    let mut decide = |found: Option<Snapshot>| {
        let mut found = active(found).ok_or_else(|| not_set_up(&account.name))?;
        choose(&found.record, Some(name))?;
        for one in found.record.authenticators.iter_mut().filter(|one| one.name == name) {
            if !by.is(&account.name) {
                one.seen = Some(KeyDisclosure { audit: by.audit(now), postponed: 0 });
            }
        }
        found.record.generation = generation;
        Ok(found.record)
    };
    put(context, account, &mut decide, &|record| record.generation == generation)?;
    by.log(context, "key_shown", &[("user", &account.name), ("authenticator", name)]);
    by.write_to(context, &account.name, NotificationKind::KeyShown, now);
    Ok(())
}

fn finish(context: &Context, account: &Account, name: &str, wanted: &ShowKey) {
    let files: Vec<&str> = [&wanted.drawing.png, &wanted.drawing.svg]
        .into_iter()
        .filter_map(|path| path.as_deref())
        .collect();
    context.say(
        &format!("{} is asked to change this key at the next logins.", plain(&account.name)),
        serde_json::json!({ "user": account.name, "authenticator": name, "files": files }),
    );
}

fn marked(failure: CliError) -> CliError {
    failure.but("the key is marked as seen")
}

fn not_set_up(user: &str) -> CliError {
    let user = plain(user);
    CliError::new(
        Exit::NotInState,
        format!("{user} is not enrolled, so there is no key to show"),
        format!("To invite {user}: twinlock invite {user}"),
    )
}
