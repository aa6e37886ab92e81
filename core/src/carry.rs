//! Carrying one person from host to host: which of two records counts, and what may come along with it.

use alloc::{boxed::Box, vec::Vec};

use crate::{
    beside::Trace,
    record::{Authenticator, Generation, Moving, Record, Snapshot, State},
    time::{HOUR, UnixTime},
};

/// How far the other host's clock may be ahead, in seconds, before its instants are not believed.
pub(crate) const AHEAD_MAX: u64 = HOUR;

/// What is done with a record that came from another host.
#[derive(Debug, PartialEq, Eq)]
pub enum Carried {
    /// The record here says the same already.
    Nothing,
    /// The same record, but counters have moved on over there: where each authenticator stands then.
    MovedOn(Vec<Moving>),
    /// It takes the place of the record here, or is the first.
    Replaces(Box<Record>),
}

/// Why the record here stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conflict {
    /// It was changed later than the one that came.
    ChangedLater {
        /// When the one here was.
        here: UnixTime,
        /// When the one that came was.
        there: UnixTime,
    },
    /// Both were changed in the same second, and differ.
    SameInstant,
    /// They have one generation and differ: one of them was edited by hand.
    Edited,
    /// The one that came was changed at a time that is still to come.
    Ahead {
        /// When.
        there: UnixTime,
    },
    /// It is of somebody who has never had an authenticator.
    NotSetUp,
    /// It ends what is in force or under way here: a removal or a reset is for an administrator of this host to decide.
    EndsHere {
        /// The state of the one that came.
        state: State,
    },
}

/// What else is known of a record that came.
#[derive(Debug, Clone, Copy)]
pub struct Arrival {
    /// When its set of codes was made, where it has one.
    pub codes_since: Option<UnixTime>,
    /// Now.
    pub now: UnixTime,
    /// A generation for a record that is not taken as it came.
    pub fresh: Generation,
    /// Whether a record that is older than the one here is wanted all the same.
    pub wanted: Wanted,
}

/// Which records are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Those that were changed after the one here.
    Newer,
    /// Any: an administrator says so.
    Any,
}

/// When a record was last changed by somebody, and not by a login.
#[must_use]
pub fn changed(record: &Record) -> UnixTime {
    record.beside.changed.map_or(record.since, |changed| changed.max(record.since))
}

/// Decides between the record here and one that came, which has this host's user id already.
///
/// Generations are random and have no order, so the order is that of the instants of the last change. A set of codes
/// comes along only where this host cannot have had and forgotten it: its spent places would be forgotten with it.
///
/// # Errors
/// [`Conflict`]; the record here then stays as it is.
pub fn onto(
    here: Option<&Snapshot>,
    mut came: Record,
    arrival: Arrival,
) -> Result<Carried, Conflict> {
    came.authenticators.iter_mut().for_each(forget_odd_drift);
    let there = changed(&came);
    if there > arrival.now.plus(AHEAD_MAX) {
        return Err(Conflict::Ahead { there });
    }
    if came.state == State::Pending && came.beside.reset.is_none() {
        return Err(Conflict::NotSetUp);
    }
    let Some(here) = here.map(|found| &found.record) else {
        return Ok(Carried::Replaces(Box::new(came)));
    };
    if here.generation == came.generation {
        return merged(here, &came);
    }
    if came.state != State::Active && here.state != State::Removed {
        return Err(Conflict::EndsHere { state: came.state });
    }
    let stood = changed(here);
    if arrival.wanted == Wanted::Newer && there < stood {
        return Err(Conflict::ChangedLater { here: stood, there });
    }
    if arrival.wanted == Wanted::Newer && there == stood {
        return Err(Conflict::SameInstant);
    }
    let unknown = came.codes == here.codes || arrival.codes_since.is_some_and(|made| made > stood);
    let mut record = with_counters(came, &here.authenticators);
    if here.beside.mail.is_some() {
        // Another host moves no mail: the address here hears of what is done here.
        record.beside.mail.clone_from(&here.beside.mail);
    }
    if !unknown && record.codes.is_some() {
        record.codes = None;
        record.beside.owed_codes = Some(Trace { by: record.user.clone(), at: arrival.now });
        // No longer what the other host has, so that it is not taken for that.
        record.beside.changed = Some(arrival.now);
        record.generation = arrival.fresh;
    }
    Ok(Carried::Replaces(Box::new(record)))
}

/// The same state on both hosts, but for what logins move.
fn merged(here: &Record, came: &Record) -> Result<Carried, Conflict> {
    let same_keys = |(one, other): (&Authenticator, &Authenticator)| {
        one.key == other.key && one.parameters == other.parameters
    };
    let alike = here.state == came.state
        && here.codes == came.codes
        && here.authenticators.len() == came.authenticators.len()
        && here.authenticators.iter().zip(&came.authenticators).all(same_keys);
    if !alike {
        return Err(Conflict::Edited);
    }
    let pairs = here.authenticators.iter().zip(&came.authenticators);
    let moving: Vec<Moving> =
        pairs.map(|(one, other)| furthest(one.moving, other.moving)).collect();
    let stays = here.authenticators.iter().zip(&moving).all(|(one, moving)| one.moving == *moving);
    Ok(if stays { Carried::Nothing } else { Carried::MovedOn(moving) })
}

/// Sets a drift to 0 that no login of any host would have learned: the window would lie where its sender likes.
fn forget_odd_drift(one: &mut Authenticator) {
    if !one.parameters.period.believes(one.drift()) {
        one.moving = Moving::Clock { drift: 0 };
    }
}

/// Counters of keys that are here, too, never go back.
fn with_counters(mut came: Record, here: &[Authenticator]) -> Record {
    for one in &mut came.authenticators {
        if let Some(known) = here.iter().find(|known| known.key == one.key) {
            one.moving = furthest(known.moving, one.moving);
        }
    }
    came
}

/// Of two counters the further one; a clock's drift is of the host whose clock it was held against.
fn furthest(here: Moving, there: Moving) -> Moving {
    match (here, there) {
        (Moving::Counter { next: one }, Moving::Counter { next: other }) => {
            Moving::Counter { next: one.max(other) }
        }
        (Moving::Clock { .. }, Moving::Clock { .. }) => here,
        (_, there) => there,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        beside::Beside,
        record::{Identity, Parameters, Period, SetId},
        secret::Key,
    };
    use alloc::vec;

    const NOW: UnixTime = UnixTime(10_000);

    fn record(generation: u64, changed: u64) -> Record {
        Record {
            user: "ada".into(),
            uid: 1000,
            state: State::Active,
            generation: Generation(generation),
            since: UnixTime(100),
            authenticators: vec![Authenticator {
                name: "token".into(),
                key: Key::new(vec![1; 20]).unwrap(),
                parameters: Parameters::default(),
                moving: Moving::Counter { next: 5 },
                seen: None,
            }],
            codes: Some(SetId(1)),
            beside: Beside { changed: Some(UnixTime(changed)), ..Beside::default() },
        }
    }

    fn at(mut record: Record, next: u64) -> Record {
        record.authenticators[0].moving = Moving::Counter { next };
        record
    }

    fn snapshot(record: Record) -> Snapshot {
        Snapshot { sequence: 1, identity: Identity::default(), record, known: vec![], failures: 0 }
    }

    fn decided(here: Record, came: Record, codes_since: u64) -> Result<Carried, Conflict> {
        let codes_since = Some(UnixTime(codes_since));
        onto(
            Some(&snapshot(here)),
            came,
            Arrival { codes_since, now: NOW, fresh: Generation(99), wanted: Wanted::Newer },
        )
    }

    fn replaced(decided: Result<Carried, Conflict>) -> Record {
        match decided {
            Ok(Carried::Replaces(record)) => *record,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_later_change_counts_and_twice_is_once() {
        let first =
            Arrival { codes_since: None, now: NOW, fresh: Generation(99), wanted: Wanted::Newer };
        assert_eq!(replaced(onto(None, record(1, 200), first)), record(1, 200));
        assert_eq!(decided(record(1, 200), record(1, 200), 150), Ok(Carried::Nothing));
        assert_eq!(replaced(decided(record(1, 200), record(2, 300), 150)), record(2, 300));
        let later = Conflict::ChangedLater { here: UnixTime(300), there: UnixTime(200) };
        assert_eq!(decided(record(2, 300), record(1, 200), 150), Err(later));
        assert_eq!(decided(record(2, 300), record(1, 300), 150), Err(Conflict::SameInstant));
        let ahead = Conflict::Ahead { there: UnixTime(13_601) };
        assert_eq!(decided(record(2, 300), record(1, 13_601), 150), Err(ahead));
    }

    #[test]
    fn drift_of_more_than_a_day_is_not_imported() {
        let first =
            Arrival { codes_since: None, now: NOW, fresh: Generation(99), wanted: Wanted::Newer };
        for (period, drift, kept) in
            [(30, 2880, 2880), (60, 1440, 1440), (60, -1441, 0), (3600, 25, 0), (3600, -24, -24)]
        {
            let mut came = record(1, 200);
            came.authenticators[0].parameters.period = Period::new(period).unwrap();
            came.authenticators[0].moving = Moving::Clock { drift };
            let record = replaced(onto(None, came, first));
            assert_eq!(record.authenticators[0].drift(), kept, "{period} {drift}");
        }
    }

    #[test]
    fn counters_never_go_back() {
        let moved = Ok(Carried::MovedOn(vec![Moving::Counter { next: 9 }]));
        assert_eq!(decided(record(1, 200), at(record(1, 200), 9), 150), moved);
        assert_eq!(decided(at(record(1, 200), 9), record(1, 200), 150), Ok(Carried::Nothing));
        let kept = replaced(decided(at(record(1, 200), 9), record(2, 300), 150));
        assert_eq!(kept, at(record(2, 300), 9));
    }

    #[test]
    fn a_set_that_may_have_been_here_before_is_not_taken_back() {
        let other = || Record { codes: Some(SetId(2)), ..record(1, 200) };
        let owed = replaced(decided(other(), record(2, 300), 200));
        assert!(owed.codes.is_none() && owed.beside.owed_codes.is_some());
        let fresh = replaced(decided(other(), record(2, 300), 201));
        assert_eq!(fresh, record(2, 300));
        let any = Arrival {
            codes_since: Some(UnixTime(150)),
            now: NOW,
            fresh: Generation(99),
            wanted: Wanted::Any,
        };
        let here = snapshot(Record { codes: Some(SetId(2)), ..record(2, 300) });
        let older = replaced(onto(Some(&here), record(1, 200), any));
        assert!(older.codes.is_none() && older.generation == Generation(99));
    }

    #[test]
    fn another_host_ends_nothing_here() {
        let removed = |changed| Record { state: State::Removed, ..record(2, changed) };
        for wanted in [Wanted::Newer, Wanted::Any] {
            let arrival = Arrival { codes_since: None, now: NOW, fresh: Generation(99), wanted };
            let ends = Conflict::EndsHere { state: State::Removed };
            let here = |state| snapshot(Record { state, ..record(1, 200) });
            for state in [State::Active, State::Pending] {
                assert_eq!(onto(Some(&here(state)), removed(300), arrival), Err(ends));
            }
            let gone = replaced(onto(Some(&here(State::Removed)), removed(300), arrival));
            assert_eq!(gone.state, State::Removed);
        }
    }

    #[test]
    fn the_address_here_stays() {
        let with = |mail: &str, generation, changed| {
            let mut record = record(generation, changed);
            record.beside.mail = Some(mail.into());
            record
        };
        let kept = decided(with("ada@here", 1, 200), with("eve@there", 2, 300), 150);
        assert_eq!(replaced(kept).beside.mail.as_deref(), Some("ada@here"));
        let first = decided(record(1, 200), with("ada@there", 2, 300), 150);
        assert_eq!(replaced(first).beside.mail.as_deref(), Some("ada@there"));
    }

    #[test]
    fn what_was_edited_or_never_finished_is_refused() {
        let edited = || Record { codes: None, ..record(1, 200) };
        assert_eq!(decided(record(1, 200), edited(), 150), Err(Conflict::Edited));
        let begun = Record { state: State::Pending, authenticators: vec![], ..edited() };
        assert_eq!(decided(record(2, 100), begun, 150), Err(Conflict::NotSetUp));
        let mut reset = Record { state: State::Pending, authenticators: vec![], ..record(2, 300) };
        reset.codes = None;
        reset.beside.reset = Some(Trace { by: "kim".into(), at: UnixTime(300) });
        let ends = Conflict::EndsHere { state: State::Pending };
        assert_eq!(decided(record(1, 200), reset, 150), Err(ends));
    }
}
