//! Merges a record that another host has exported with the record of this host. Decides which of the two is newer, and
//! which parts of the older one are kept.

use alloc::{boxed::Box, vec::Vec};

use twinlock_core::{
    base::time::{HOUR, UnixTime},
    record::{
        Authenticator, Generation, MovingFactor, Record, Snapshot, State, extras::AuditStamp,
    },
};

/// Maximum number of seconds by which a time in an export may be later than this host's clock.
pub(crate) const AHEAD_MAX: u64 = HOUR;

/// What an import does to the local record.
#[derive(Debug, PartialEq, Eq)]
pub enum Carried {
    /// Leaves the record unchanged, because the imported record has nothing newer.
    Nothing,
    /// Stores newer counters in the local record. Holds the new moving factor of each authenticator.
    MovedOn(Vec<MovingFactor>),
    /// Stores the imported record, in place of the local record if there is one.
    Replaces(Box<Record>),
}

/// Why an imported record is refused. The local record is then unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MergeError {
    /// The local record was changed later than the imported one.
    ChangedLater {
        /// Time at which the local record was changed.
        here: UnixTime,
        /// Time at which the imported record was changed.
        there: UnixTime,
    },
    /// The two records were changed in the same second and differ.
    SameInstant,
    /// The two records have the same generation (an id that each change by twinlock renews) and different keys or
    /// codes. So one of them was edited by hand.
    Edited,
    /// The time of the imported record's last change is in the future by this host's clock.
    Ahead {
        /// Time at which the imported record was changed, by the other host's clock.
        there: UnixTime,
    },
    /// The imported user has never had an authenticator.
    NotSetUp,
    /// The imported record would end an enrollment or set-up on this host. Only an administrator of this host may
    /// remove or reset a user.
    EndsHere {
        /// The state of the imported record.
        state: State,
    },
}

impl core::fmt::Display for MergeError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::ChangedLater { .. } => {
                "the record here was changed later than the imported record"
            }
            Self::SameInstant => {
                "the record here and the imported record differ, and were changed in the same second"
            }
            Self::Edited => {
                "the record here and the imported record differ, and have the same generation: one of them was edited"
            }
            Self::Ahead { .. } => "the imported record was changed in the future",
            Self::NotSetUp => "the imported record is for a user who has not set up an app",
            Self::EndsHere { state: State::Removed } => {
                "the user was removed on the other host, and an import does not do that here"
            }
            Self::EndsHere { .. } => {
                "the user was reset on the other host, and an import does not do that here"
            }
        })
    }
}

impl core::error::Error for MergeError {}

/// What the import knows about an imported record in addition to the record itself, to decide what to do with it.
#[derive(Debug, Clone, Copy)]
pub struct Arrival {
    /// Time at which the set of backup codes was created; `None` if the record names no set.
    pub codes_since: Option<UnixTime>,
    /// The current time.
    pub now: UnixTime,
    /// The new generation (id of a state of the record) for a record that is changed during the import.
    pub fresh: Generation,
    /// Whether only a newer record is accepted, or any record.
    pub wanted: Wanted,
}

/// Whether an import accepts only a record that is newer than the local one, or any record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// The import accepts only a record that was changed after the local one.
    Newer,
    /// The import accepts any record, also an older one, because an administrator requested it.
    Any,
}

/// Returns the time at which a user or administrator last changed a record. Logins do not count.
#[must_use]
pub fn changed(record: &Record) -> UnixTime {
    record.extras.changed.map_or(record.since, |changed| changed.max(record.since))
}

/// Decides what an import does. `here` is the local record, and `came` the imported one, which already has the local
/// user id.
///
/// The record that was changed last is the newer one. A code set is imported only if this host cannot have had it
/// before. Otherwise, a spent code of the set could be accepted again.
///
/// # Errors
/// [`MergeError`] if the imported record is refused. The local record is then unchanged.
pub fn onto(
    here: Option<&Snapshot>,
    mut came: Record,
    arrival: Arrival,
) -> Result<Carried, MergeError> {
    came.authenticators.iter_mut().for_each(forget_odd_drift);
    let there = changed(&came);
    if there > arrival.now.plus(AHEAD_MAX) {
        return Err(MergeError::Ahead { there });
    }
    if came.state == State::Pending && came.extras.reset.is_none() {
        return Err(MergeError::NotSetUp);
    }
    let Some(here) = here.map(|found| &found.record) else {
        return Ok(Carried::Replaces(Box::new(came)));
    };
    if here.generation == came.generation {
        return merged(here, &came);
    }
    if came.state != State::Active && here.state != State::Removed {
        return Err(MergeError::EndsHere { state: came.state });
    }
    let stood = changed(here);
    if arrival.wanted == Wanted::Newer && there < stood {
        return Err(MergeError::ChangedLater { here: stood, there });
    }
    if arrival.wanted == Wanted::Newer && there == stood {
        return Err(MergeError::SameInstant);
    }
    let unknown = came.codes == here.codes || arrival.codes_since.is_some_and(|made| made > stood);
    let mut record = with_counters(came, &here.authenticators);
    if here.extras.mail.is_some() {
        // Another host cannot redirect mail: the local address is notified of changes made here.
        record.extras.mail.clone_from(&here.extras.mail);
    }
    if !unknown && record.codes.is_some() {
        record.codes = None;
        record.extras.owed_codes = Some(AuditStamp { by: record.user.clone(), at: arrival.now });
        // The record gets a new time of change, because it differs from the record of the other host.
        record.extras.changed = Some(arrival.now);
        record.generation = arrival.fresh;
    }
    Ok(Carried::Replaces(Box::new(record)))
}

/// Merges two records of the same generation. Since each change by a user or administrator gives a new generation, they
/// differ only in what logins change: counters and drifts.
fn merged(here: &Record, came: &Record) -> Result<Carried, MergeError> {
    let same_keys = |(one, other): (&Authenticator, &Authenticator)| {
        one.key == other.key && one.parameters == other.parameters
    };
    let same_codes = here.state == came.state
        && here.codes == came.codes
        && here.authenticators.len() == came.authenticators.len()
        && here.authenticators.iter().zip(&came.authenticators).all(same_keys);
    if !same_codes {
        return Err(MergeError::Edited);
    }
    let pairs = here.authenticators.iter().zip(&came.authenticators);
    let moving: Vec<MovingFactor> =
        pairs.map(|(one, other)| furthest(one.moving, other.moving)).collect();
    let stays = here.authenticators.iter().zip(&moving).all(|(one, moving)| one.moving == *moving);
    Ok(if stays { Carried::Nothing } else { Carried::MovedOn(moving) })
}

/// Resets the error of an authenticator's clock (drift) to 0 if no login would have learned it. Otherwise, the sender
/// of an export could make this host accept codes of any time.
fn forget_odd_drift(one: &mut Authenticator) {
    if !one.parameters.period.believes(one.drift()) {
        one.moving = MovingFactor::Clock { drift: 0 };
    }
}

/// Raises each counter in `came` to the counter of the same key in the local record, so that no counter decreases.
fn with_counters(mut came: Record, here: &[Authenticator]) -> Record {
    for one in &mut came.authenticators {
        if let Some(known) = here.iter().find(|known| known.key == one.key) {
            one.moving = furthest(known.moving, one.moving);
        }
    }
    came
}

/// Returns the higher of two counters. Of two clock errors (drifts), returns the local one, because it is relative to
/// this host's clock.
fn furthest(here: MovingFactor, there: MovingFactor) -> MovingFactor {
    match (here, there) {
        (MovingFactor::Counter { next: one }, MovingFactor::Counter { next: other }) => {
            MovingFactor::Counter { next: one.max(other) }
        }
        (MovingFactor::Clock { .. }, MovingFactor::Clock { .. }) => here,
        (_, there) => there,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use twinlock_core::{
        base::secret::Key,
        record::{Identity, Parameters, Period, SetId, extras::RecordExtras},
    };

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
                moving: MovingFactor::Counter { next: 5 },
                seen: None,
            }],
            codes: Some(SetId(1)),
            extras: RecordExtras { changed: Some(UnixTime(changed)), ..RecordExtras::default() },
        }
    }

    fn at(mut record: Record, next: u64) -> Record {
        record.authenticators[0].moving = MovingFactor::Counter { next };
        record
    }

    fn snapshot(record: Record) -> Snapshot {
        Snapshot { sequence: 1, identity: Identity::default(), record, known: vec![], failures: 0 }
    }

    fn decided(here: Record, came: Record, codes_since: u64) -> Result<Carried, MergeError> {
        let codes_since = Some(UnixTime(codes_since));
        onto(
            Some(&snapshot(here)),
            came,
            Arrival { codes_since, now: NOW, fresh: Generation(99), wanted: Wanted::Newer },
        )
    }

    fn replaced(decided: Result<Carried, MergeError>) -> Record {
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
        let later = MergeError::ChangedLater { here: UnixTime(300), there: UnixTime(200) };
        assert_eq!(decided(record(2, 300), record(1, 200), 150), Err(later));
        assert_eq!(decided(record(2, 300), record(1, 300), 150), Err(MergeError::SameInstant));
        let ahead = MergeError::Ahead { there: UnixTime(13_601) };
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
            came.authenticators[0].moving = MovingFactor::Clock { drift };
            let record = replaced(onto(None, came, first));
            assert_eq!(record.authenticators[0].drift(), kept, "{period} {drift}");
        }
    }

    #[test]
    fn counters_never_go_back() {
        let moved = Ok(Carried::MovedOn(vec![MovingFactor::Counter { next: 9 }]));
        assert_eq!(decided(record(1, 200), at(record(1, 200), 9), 150), moved);
        assert_eq!(decided(at(record(1, 200), 9), record(1, 200), 150), Ok(Carried::Nothing));
        let kept = replaced(decided(at(record(1, 200), 9), record(2, 300), 150));
        assert_eq!(kept, at(record(2, 300), 9));
    }

    #[test]
    fn a_set_that_may_have_been_here_before_is_not_taken_back() {
        let other = || Record { codes: Some(SetId(2)), ..record(1, 200) };
        let owed = replaced(decided(other(), record(2, 300), 200));
        assert!(owed.codes.is_none() && owed.extras.owed_codes.is_some());
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
            let ends = MergeError::EndsHere { state: State::Removed };
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
            record.extras.mail = Some(mail.into());
            record
        };
        let kept = decided(with("ada@here", 1, 200), with("eve@there", 2, 300), 150);
        assert_eq!(replaced(kept).extras.mail.as_deref(), Some("ada@here"));
        let first = decided(record(1, 200), with("ada@there", 2, 300), 150);
        assert_eq!(replaced(first).extras.mail.as_deref(), Some("ada@there"));
    }

    #[test]
    fn what_was_edited_or_never_finished_is_refused() {
        let edited = || Record { codes: None, ..record(1, 200) };
        assert_eq!(decided(record(1, 200), edited(), 150), Err(MergeError::Edited));
        let begun = Record { state: State::Pending, authenticators: vec![], ..edited() };
        assert_eq!(decided(record(2, 100), begun, 150), Err(MergeError::NotSetUp));
        let mut reset = Record { state: State::Pending, authenticators: vec![], ..record(2, 300) };
        reset.codes = None;
        reset.extras.reset = Some(AuditStamp { by: "kim".into(), at: UnixTime(300) });
        let ends = MergeError::EndsHere { state: State::Pending };
        assert_eq!(decided(record(1, 200), reset, 150), Err(ends));
    }
}
