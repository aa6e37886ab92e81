//! `twinlock epoch`: creates the folders that a login needs, and manages the replay-protection epoch, the time from
//! which this host knows all used codes.

use twinlock_core::{
    base::{account::Folder, time::UnixTime},
    ledger::epoch,
    ports::Ledger,
    text::duration,
    verify::ledger_sweep::{self, Sweep},
};
use twinlock_host::create_store::{self, CreateStoreError};

use crate::{
    authorize::authorizer::Authorizer,
    context::Context,
    enrollment::ahead,
    error::exit::{CliError, Exit},
    terminal::keyboard::Keyboard,
    text::{instant, time_of_day},
};

/// Creates what is missing of the records folder and the ledger.
pub(crate) fn ensure(context: &Context) -> Result<(), CliError> {
    context.need_root("prepare records and ledger")?;
    let floor = create_store::prepare(&context.machine).map_err(|fault| in_part(failure(fault)))?;
    say(context, "Records and ledger are ready", floor);
    Ok(())
}

/// Makes all codes of earlier times count as used, by beginning a new epoch now.
pub(crate) fn now(context: &Context) -> Result<(), CliError> {
    context.need_root("begin an epoch")?;
    let by = Authorizer::of(context)?.prove(context, &mut Keyboard::open()?)?;
    let floor = create_store::restart(&context.machine).map_err(|fault| stands(failure(fault)))?;
    by.log(context, "epoch_begun", &[]);
    by.tell_root_of_change(context);
    say(context, "A new epoch has begun", floor);
    Ok(())
}

/// Removes expired entries from the ledger of every user.
pub(crate) fn sweep(context: &Context) -> Result<(), CliError> {
    context.need_root("sweep the ledger")?;
    let now = context.now()?;
    let ledger = &context.machine.ledger;
    let floor = ledger.floor(now)?.floor;
    let (mut removed, mut unread) = (0, 0);
    let of_record = |folder: &Folder| {
        let newest = context.machine.records.newest_in(folder).ok().flatten()?;
        Some(ledger_sweep::in_force(&newest.record))
    };
    ledger.visit(&mut |folder, user_ledger| {
        let in_force = folder.and_then(of_record);
        match (Sweep { user_ledger, floor, now, noted: None, in_force }).drop_all() {
            Ok(count) => removed += count,
            // The user's next login reports why this part of the ledger cannot be read.
            Err(_) => unread += 1,
        }
    })?;
    context.say(
        &format!("Expired names removed from the ledger: {removed}. Folders that could not be read: {unread}."),
        serde_json::json!({ "removed": removed, "unread": unread }),
    );
    Ok(())
}

/// Prints the time before which codes count as used (the beginning of the epoch).
pub(crate) fn show(context: &Context) -> Result<(), CliError> {
    context.need_root("read the ledger")?;
    let now = context.now()?;
    let known = context.machine.ledger.epoch()?;
    let Some(known) = known.filter(|known| context.machine.ledger.is_of_this_boot(known)) else {
        return Err(none());
    };
    let floor = epoch::floor(&known, &known.boot_id, now).ok_or_else(none)?;
    if let Some(until) = ahead::of_floor(Some(floor), now.unix) {
        context.say(&ahead::sentence(until), serde_json::json!({ "used_until": floor.0 }));
        return Ok(());
    }
    let away = match now.unix.since(floor) {
        0 => "the clock has already shown that time".into(),
        seconds => format!("the ledger began {} ago", duration(seconds)),
    };
    context.say(
        &format!("Codes from before {} count as used; {away}.", instant(floor)),
        serde_json::json!({ "used_until": floor.0 }),
    );
    Ok(())
}

fn none() -> CliError {
    CliError::new(
        Exit::NotInState,
        "the ledger has no epoch for this boot",
        "The next login begins one. To begin it now: twinlock epoch ensure",
    )
}

fn say(context: &Context, what: &str, floor: UnixTime) {
    let sentence = format!("{what}. Codes from before {} count as used.", time_of_day(floor));
    context.say(&sentence, serde_json::json!({ "used_until": floor.0 }));
}

/// Adds a note to an error: if the command is run again, it creates what is missing. Each part is created completely or
/// not at all.
fn in_part(failure: CliError) -> CliError {
    failure.but("run it again to create what is missing")
}

/// Adds to an error the note that the epoch, the time before which codes count as used, is unchanged. The last step
/// replaces the epoch atomically. So if any step fails, the old epoch is still in force.
fn stands(failure: CliError) -> CliError {
    failure.but("no new epoch has begun")
}

fn failure(fault: CreateStoreError) -> CliError {
    match fault {
        CreateStoreError::Store(fault) => fault.into(),
        CreateStoreError::Ledger(fault) => fault.into(),
        CreateStoreError::Machine => twinlock_core::base::error::MachineError.into(),
    }
}
