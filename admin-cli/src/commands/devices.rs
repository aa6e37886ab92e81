//! `twinlock devices USER` and `twinlock forget USER`: lists and forgets remembered devices.

use serde_json::{Value, json};
use twinlock_core::{
    base::account::Account,
    ledger::{
        device::{self, Device},
        device_text,
    },
    ports::{Ledger, LedgerKey, Records},
    record::{Generation, State},
};

use crate::{
    authorize::authorizer::Authorizer,
    cli::Forget,
    context::Context,
    error::exit::{CliError, Exit},
    terminal::{keyboard::Keyboard, table::Columns},
    text::{WIDTH, count, minute, plain, wrap, zone},
};

/// A file of the ledger about a remembered device: the name of the file, and the device. The device is `None` if the
/// file cannot be read, or if the device is no longer valid.
struct RememberedEntry {
    name: String,
    device: Option<Device>,
}

/// Prints a user's remembered devices.
pub(crate) fn list(context: &Context, user: &str) -> Result<(), CliError> {
    context.need_root("list devices")?;
    let account = context.account(user)?;
    let found = remembered(context, &account)?;
    let live: Vec<&Device> = found.iter().filter_map(|one| one.device.as_ref()).collect();
    if context.json {
        let all: Vec<Value> = (1..).zip(&live).map(|(number, one)| object(number, one)).collect();
        return context.print(&format!("{}\n", Value::from(all)));
    }
    if live.is_empty() {
        let said = format!("No device of {} is remembered.", plain(&account.name));
        return context.print(&format!("{}\n", wrap(&said, WIDTH, 0)));
    }
    let mut rows = vec![["NUMBER", "SINCE", "UNTIL", "FROM", "KEY"].map(String::from)];
    rows.extend((1..).zip(live).map(|(number, one): (usize, &Device)| {
        let from = one.address.to_string();
        [number.to_string(), minute(one.since), minute(one.until), from, plain(&one.key)]
    }));
    context.print(&format!("{}Times are {}.\n", Columns::default().align(&rows), zone()))
}

/// Forgets one of a user's remembered devices, or all.
pub(crate) fn forget(context: &Context, wanted: &Forget) -> Result<(), CliError> {
    context.need_root("forget devices")?;
    let authorizer = Authorizer::of(context)?;
    let account = context.account(&wanted.user)?;
    let user = plain(&account.name);
    let mut found = remembered(context, &account)?;
    let number = found.iter().filter(|one| one.device.is_some()).count();
    if number == 0 {
        let what = format!("no device of {user} is remembered");
        return Err(CliError::new(Exit::NotInState, what, "Every login asks for a code."));
    }
    if let Some(chosen) = wanted.chosen() {
        found.retain(|one| one.device.is_some());
        let place = chosen.checked_sub(1).filter(|place| *place < found.len());
        let Some(place) = place else { return Err(no_such(&user, number)) };
        found = vec![found.swap_remove(place)];
    }
    let user_ledger = context.machine.ledger.open(&LedgerKey::of(Some(&account), &account.name))?;
    let by = authorizer.prove(context, &mut Keyboard::open()?)?;
    found.iter().for_each(|one| user_ledger.erase(&one.name));
    let forgotten = found.iter().filter(|one| one.device.is_some()).count();
    let unseen = "it is unknown which devices remain";
    let names = user_ledger.names().map_err(|fault| CliError::from(fault).but(unseen))?;
    let stay = found.iter().filter(|one| names.contains(&one.name)).count();
    if stay > 0 {
        let others =
            if stay == found.len() { "nothing was changed" } else { "the others were forgotten" };
        let devices = count(stay, "device");
        let what = format!("{devices} of {user} cannot be erased from the ledger; {others}");
        let remedy = "Check the ledger folder. A reset forgets every device without writing to it.";
        return Err(CliError::new(Exit::StoreUnreachable, what, remedy));
    }
    let text = forgotten.to_string();
    by.log(context, "devices_forgotten", &[("user", &account.name), ("devices", &text)]);
    context.say(
        &format!("{} of {user} forgotten.", count(forgotten, "device")),
        json!({ "user": account.name, "forgotten": forgotten }),
    );
    Ok(())
}

/// Returns the ledger's files about devices of the account: first those without a valid device, in the order of their
/// names, then the others, oldest first.
fn remembered(context: &Context, account: &Account) -> Result<Vec<RememberedEntry>, CliError> {
    let user_ledger = context.machine.ledger.open(&LedgerKey::of(Some(account), &account.name))?;
    let generation = generation(context, account)?;
    let now = context.now()?;
    let mut found = Vec::new();
    for name in
        user_ledger.names()?.into_iter().filter(|name| name.starts_with(device_text::DEVICE))
    {
        let text = user_ledger.content(&name)?.unwrap_or_default();
        let device = device_text::read(&text)
            .filter(|one| device::is_remembered(one, now) && Some(one.generation) == generation);
        found.push(RememberedEntry { name, device });
    }
    found.sort_by_key(|one| (one.device.as_ref().map(|one| one.since), one.name.clone()));
    Ok(found)
}

fn generation(context: &Context, account: &Account) -> Result<Option<Generation>, CliError> {
    let found = context.machine.records.newest(account)?;
    Ok(found
        .map(|found| found.record)
        .filter(|found| found.state == State::Active)
        .map(|found| found.generation))
}

fn object(number: usize, one: &Device) -> Value {
    json!({
        "number": number,
        "since": one.since.0,
        "until": one.until.0,
        "address": one.address.to_string(),
        "key": one.key,
    })
}

fn no_such(user: &str, number: usize) -> CliError {
    CliError::new(
        Exit::NotInState,
        format!("{user} has {} remembered", count(number, "device")),
        format!("See their numbers: twinlock devices {user}"),
    )
}
