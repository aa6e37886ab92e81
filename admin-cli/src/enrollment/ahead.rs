//! Detects that the host's clock was ahead. The codes that were used at that time belong to times in the future, and
//! current codes are refused because they are older.

use twinlock_core::{
    base::time::UnixTime,
    ledger::{clock_mark::was_ahead_until, epoch},
    ports::{Clock, Snapshot},
};
use twinlock_doctor::finding::{Finding, Level};
use twinlock_host::{
    clock_mark,
    far_ahead::{self, FarAhead},
    machine::Machine,
};

use crate::{
    context::Context,
    text::{instant, plain},
};

/// What to do after the clock was ahead.
const REMEDY: &str = "If the clock is right now (date), run: twinlock epoch now";

/// Returns `floor`, the time from which codes are accepted, if it is in the future because the clock was ahead;
/// otherwise `None`.
pub(crate) fn of_floor(floor: Option<UnixTime>, now: UnixTime) -> Option<UnixTime> {
    floor.and_then(|floor| was_ahead_until(floor, now))
}

/// Returns the latest time that the clock showed while it was ahead, which follows from steps that the user used then.
/// `None` if no used step is far in the future. `found` is the user's record.
pub(crate) fn of_person(
    context: &Context,
    found: Option<&Snapshot>,
    now: UnixTime,
) -> Option<UnixTime> {
    let record = &found?.record;
    let far = far_ahead::of_person(&context.machine, &record.user, &record.authenticators, now);
    latest(&far)
}

/// Returns sentences that say until which time the clock was ahead, and what to do.
pub(crate) fn sentence(until: UnixTime) -> String {
    format!(
        "The clock was ahead until {}, so current codes count as used. {REMEDY}",
        instant(until)
    )
}

/// Returns doctor's findings about a clock that was ahead. `records` is the path of the records folder.
pub(crate) fn examine(machine: &Machine, records: &str) -> Vec<Finding> {
    let Ok(now) = machine.clock.now() else { return Vec::new() };
    let known = machine.ledger.epoch().ok().flatten();
    let known = known.filter(|known| machine.ledger.is_of_this_boot(known));
    let floor = known.and_then(|known| epoch::floor(&known, &known.boot_id, now));
    let finding = |level: Level, what: String| Finding {
        level,
        id: "clock-was-ahead",
        place: records.to_owned(),
        what,
        remedy: REMEDY.to_owned(),
    };
    let mut found = Vec::new();
    let mark = clock_mark::read(records).ok().flatten().map(|known| known.mark.at);
    if let Some(until) = of_floor(floor, now.unix) {
        let until = instant(until);
        let what = format!("Every app code is refused: the clock was ahead until {until}.");
        found.push(finding(Level::LockOut, what));
    } else if let Some(until) = of_floor(mark, now.unix) {
        let until = instant(until);
        let what = format!(
            "After the next restart every app code would be refused: the clock was ahead until {until}."
        );
        found.push(finding(Level::Warning, what));
    }
    let far = far_ahead::all(machine, now.unix);
    if let (Some(until), Some(first)) = (latest(&far), far.first()) {
        let (user, until) = (plain(&first.user), instant(until));
        let others = if far.iter().all(|one| one.user == first.user) { "" } else { " and others" };
        let what = format!(
            "The app codes of {user}{others} are refused: they logged in while the clock was ahead, until {until}."
        );
        found.push(finding(Level::LockOut, what));
    }
    found
}

fn latest(far: &[FarAhead]) -> Option<UnixTime> {
    far.iter().map(|one| one.time.until).max()
}
