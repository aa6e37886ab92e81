//! `twinlock epoch`: creates what the first login needs, and manages the replay-protection epoch.

use twinlock_core::{
    account::Folder,
    epoch,
    ledger_sweep::{self, Sweep},
    ports::Ledger,
    text::duration,
    time::UnixTime,
};
use twinlock_host::prepare::{self, PrepareFault};

use crate::{
    acting::Acting,
    ahead,
    desk::Desk,
    exit::{Exit, Failure},
    keyboard::Keyboard,
    wording::{instant, time_of_day},
};

/// Creates what is missing.
pub fn ensure(desk: &Desk) -> Result<(), Failure> {
    desk.need_root("prepare records and ledger")?;
    let floor = prepare::prepare(&desk.machine).map_err(|fault| in_part(failure(fault)))?;
    say(desk, "Records and ledger are ready", floor);
    Ok(())
}

/// Starts a new epoch at the current time.
pub fn now(desk: &Desk) -> Result<(), Failure> {
    desk.need_root("begin an epoch")?;
    let by = Acting::of(desk)?.prove(desk, &mut Keyboard::open()?)?;
    let floor = prepare::restart(&desk.machine).map_err(|fault| stands(failure(fault)))?;
    by.log(desk, "epoch_begun", &[]);
    say(desk, "A new epoch has begun", floor);
    Ok(())
}

/// Removes expired entries from the whole ledger.
pub fn sweep(desk: &Desk) -> Result<(), Failure> {
    desk.need_root("sweep the ledger")?;
    let now = desk.now()?;
    let ledger = &desk.machine.ledger;
    let floor = ledger.floor(now)?.floor;
    let (mut removed, mut unread) = (0, 0);
    let of_record = |folder: &Folder| {
        let newest = desk.machine.records.newest_in(folder).ok().flatten()?;
        Some(ledger_sweep::in_force(&newest.record))
    };
    ledger.visit(&mut |folder, shelf| {
        let in_force = folder.and_then(of_record);
        match (Sweep { shelf, floor, now, noted: None, in_force }).drop_all() {
            Ok(count) => removed += count,
            // The user's next login reports what is wrong with it.
            Err(_) => unread += 1,
        }
    })?;
    desk.say(
        &format!("Expired names removed from the ledger: {removed}. Folders that could not be read: {unread}."),
        serde_json::json!({ "removed": removed, "unread": unread }),
    );
    Ok(())
}

/// Prints since when used codes are known.
pub fn show(desk: &Desk) -> Result<(), Failure> {
    desk.need_root("look into the ledger")?;
    let now = desk.now()?;
    let known = desk.machine.ledger.epoch()?;
    let Some(known) = known.filter(|known| desk.machine.ledger.is_of_this_boot(known)) else {
        return Err(none());
    };
    let floor = epoch::floor(&known, &known.boot_id, now).ok_or_else(none)?;
    if let Some(until) = ahead::of_floor(Some(floor), now.unix) {
        desk.say(&ahead::sentence(until), serde_json::json!({ "used_until": floor.0 }));
        return Ok(());
    }
    let away = match now.unix.since(floor) {
        0 => "the clock is known to have come that far before".into(),
        seconds => format!("the ledger began {} ago", duration(seconds)),
    };
    desk.say(
        &format!("Codes from before {} count as used; {away}.", instant(floor)),
        serde_json::json!({ "used_until": floor.0 }),
    );
    Ok(())
}

fn none() -> Failure {
    Failure::new(
        Exit::NotInState,
        "the ledger has no epoch of this boot",
        "The next login begins one; twinlock epoch ensure does so now.",
    )
}

fn say(desk: &Desk, what: &str, floor: UnixTime) {
    let sentence = format!("{what}. Codes from before {} count as used.", time_of_day(floor));
    desk.say(&sentence, serde_json::json!({ "used_until": floor.0 }));
}

/// Adds that each part is created completely or not at all.
fn in_part(failure: Failure) -> Failure {
    failure.but("what is missing is made when this is done again")
}

/// Adds that the old epoch is still in force: it is replaced last and atomically.
fn stands(failure: Failure) -> Failure {
    failure.but("no new epoch has begun")
}

fn failure(fault: PrepareFault) -> Failure {
    match fault {
        PrepareFault::Store(fault) => fault.into(),
        PrepareFault::Ledger(fault) => fault.into(),
        PrepareFault::Machine => twinlock_core::fault::MachineFault.into(),
    }
}
