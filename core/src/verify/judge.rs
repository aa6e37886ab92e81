//! Compares a code with a record and with the used codes in the ledger.

use crate::{
    answer::Code,
    base::time::{Step, UnixTime},
    ledger::{Horizon, KeyId, LedgerHistory, Stretch, Used, clock_mark},
    otp::{
        hotp::Keyed,
        totp::{begin_of, matching_step, step_at},
    },
    record::{Authenticator, MovingFactor, Record},
    verify::{
        earlier_codes::EarlierCodes,
        hotp_window,
        replay::{Freshness, ReplayInput, freshness, seconds_until},
        ruling::{Match, Ruling},
    },
};

/// What is known when a code is compared: the used codes in the ledger, the time, and how many steps are accepted.
pub struct Evidence<'a> {
    /// The steps in the ledger whose codes were used.
    pub used: &'a [Used],
    /// The last second for which the ledger does not know the used codes. Codes of this second or earlier are refused,
    /// except codes of the key `known`.
    pub floor: UnixTime,
    /// The key of which the ledger knows every used code; `None` if there is none.
    pub known: Option<KeyId>,
    /// Periods after `floor` in which codes were used before this ledger began. Codes of these periods are refused.
    pub ahead: &'a [Stretch],
    /// The current time.
    pub now: UnixTime,
    /// Number of steps accepted on each side of the current one.
    pub window: u8,
}

impl<'a> Evidence<'a> {
    /// Returns what is known when a code is compared, from a user's entries in the ledger and from the times for which
    /// the ledger does not know the used codes.
    #[must_use]
    pub fn of(history: &'a LedgerHistory, horizon: &'a Horizon, now: UnixTime, window: u8) -> Self {
        let Horizon { floor, ahead, .. } = horizon;
        Self { used: &history.used, floor: *floor, known: None, ahead, now, window }
    }

    /// Returns `self` for the comparison with `record`. If the record's only key was enabled after the ledger began,
    /// the ledger knows every used step of this key.
    #[must_use]
    pub fn of_record(self, record: &Record, horizon: &Horizon) -> Self {
        Self { known: known_key(record, horizon), ..self }
    }

    /// Returns the last second for which the ledger does not know the used codes of the key with this identifier.
    fn floor_of(&self, mark: KeyId) -> UnixTime {
        if self.known == Some(mark) { UnixTime(0) } else { self.floor }
    }

    /// Returns the part of the evidence that decides whether a code of an authenticator's step may be accepted. `mark`
    /// identifies the key of the authenticator in the ledger.
    #[must_use]
    pub fn replay_input(&self, authenticator: &Authenticator, mark: KeyId) -> ReplayInput<'a> {
        ReplayInput {
            used: self.used,
            floor: self.floor_of(mark),
            ahead: self.ahead,
            now: step_at(self.now, authenticator.parameters.period),
            window: self.window,
        }
    }
}

/// Returns the key whose used codes the ledger knows completely: the only key of the record, if this host generated the
/// key after the ledger began. Returns `None` if the record does not say so, or if it has no key or several. If an
/// import has replaced that key since, the returned key is not a key of the record.
fn known_key(record: &Record, horizon: &Horizon) -> Option<KeyId> {
    let fresh = record.extras.fresh_key.as_ref().filter(|_| record.authenticators.len() == 1)?;
    let same_ledger = fresh.boot_id == horizon.boot_id && fresh.since >= horizon.begun;
    same_ledger.then_some(KeyId(fresh.mark))
}

/// Compares a code with every authenticator, even after a match, so that the time taken reveals nothing.
pub fn judge(record: &Record, code: &Code, evidence: &Evidence<'_>) -> Ruling {
    let mut best = Ruling::Wrong;
    for (index, authenticator) in record.authenticators.iter().enumerate() {
        let ruling = judge_one(authenticator, code, evidence);
        best = better(best, with_index(ruling, index));
    }
    best
}

fn judge_one(authenticator: &Authenticator, code: &Code, evidence: &Evidence<'_>) -> Ruling {
    let Some(keyed) = Keyed::new(&authenticator.key, authenticator.parameters.algorithm) else {
        return Ruling::Wrong;
    };
    if let MovingFactor::Counter { next } = authenticator.moving {
        return hotp_window::judge(&keyed, next, authenticator, code, evidence.used);
    }
    let now = step_at(evidence.now, authenticator.parameters.period);
    let around = (now, evidence.window);
    let typed = code.of_length(authenticator.parameters.digits);
    let matching = matching_step(&keyed, authenticator, typed, around.0, around.1);
    let mark = keyed.mark(authenticator);
    let earlier = EarlierCodes { keyed: &keyed, mark, used: evidence.used };
    let wait = |next| seconds_until(next, authenticator, evidence.now);
    let Some(step) = matching else {
        let next = earlier.repeated(authenticator, typed);
        return next.map_or(Ruling::Wrong, |next| Ruling::RepeatedLate { wait: wait(next) });
    };
    let reading = evidence.replay_input(authenticator, mark);
    match freshness(&reading, authenticator, mark, step) {
        Freshness::Fresh => {
            Ruling::Right(Match { authenticator: 0, mark, first: None, step, moves: None })
        }
        Freshness::Used { next } if earlier.is_used(step) => Ruling::Repeated { wait: wait(next) },
        Freshness::Used { next } => Ruling::Replayed { wait: wait(next) },
        Freshness::BeforeEpoch { next, last } => {
            let shown = last.0.saturating_sub(u64::from(evidence.window));
            let shown = Step(shown.saturating_add_signed(-i64::from(authenticator.drift())));
            let ahead = begin_of(shown, authenticator.parameters.period);
            let ahead = clock_mark::was_ahead_until(ahead, evidence.now);
            Ruling::BeforeEpoch { wait: wait(next), ahead }
        }
    }
}

fn with_index(ruling: Ruling, index: usize) -> Ruling {
    match ruling {
        Ruling::Right(found) => Ruling::Right(Match { authenticator: index, ..found }),
        Ruling::Replayed { .. }
        | Ruling::Repeated { .. }
        | Ruling::RepeatedLate { .. }
        | Ruling::BeforeEpoch { .. }
        | Ruling::Wrong => ruling,
    }
}

fn better(one: Ruling, other: Ruling) -> Ruling {
    let rank = |ruling: &Ruling| match ruling {
        Ruling::Right(_) => 5,
        Ruling::Repeated { .. } => 4,
        Ruling::RepeatedLate { .. } => 3,
        Ruling::Replayed { .. } => 2,
        Ruling::BeforeEpoch { .. } => 1,
        Ruling::Wrong => 0,
    };
    if rank(&other) > rank(&one) { other } else { one }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::{self, Answer};
    use crate::base::secret::{Key, Typed};
    use crate::base::time::BootTime;
    use crate::otp::hotp::digits_of;
    use crate::record::{Algorithm, Digits, Generation, Parameters, Period, State};
    use alloc::{string::String, vec, vec::Vec};

    const NOW: UnixTime = UnixTime(1_800_000_000);

    fn app(byte: u8, parameters: Parameters) -> Authenticator {
        Authenticator {
            name: "app".into(),
            key: Key::new(vec![byte; 20]).unwrap(),
            parameters,
            moving: MovingFactor::default(),
            seen: None,
        }
    }

    fn record(authenticators: Vec<Authenticator>) -> Record {
        Record {
            user: "ada".into(),
            uid: 1000,
            state: State::Active,
            generation: Generation(1),
            since: UnixTime(0),
            authenticators,
            codes: None,
            extras: crate::record::extras::RecordExtras::default(),
        }
    }

    fn code_of(app: &Authenticator, offset: i64) -> String {
        let keyed = Keyed::new(&app.key, app.parameters.algorithm).unwrap();
        let step = step_at(NOW, app.parameters.period).0.saturating_add_signed(offset);
        (*digits_of(keyed.truncated(step), app.parameters.digits)).clone()
    }

    fn rule(record: &Record, code: &str, used: &[Used]) -> Ruling {
        let Answer::Code(code) = answer::read(&Typed::new(code.into())) else { panic!() };
        judge(
            record,
            &code,
            &Evidence { used, floor: UnixTime(0), known: None, ahead: &[], now: NOW, window: 1 },
        )
    }

    #[test]
    fn the_window_holds_for_each_authenticator() {
        let eight = Parameters {
            algorithm: Algorithm::Sha512,
            digits: Digits::new(8).unwrap(),
            period: Period::new(60).unwrap(),
        };
        let record = record(vec![app(1, Parameters::default()), app(2, eight)]);
        for (index, app) in record.authenticators.iter().enumerate() {
            for (offset, right) in [(-2, false), (-1, true), (0, true), (1, true), (2, false)] {
                let ruling = rule(&record, &code_of(app, offset), &[]);
                let hit = matches!(ruling, Ruling::Right(found) if found.authenticator == index);
                assert_eq!(hit, right, "{index} {offset}");
            }
        }
    }

    #[test]
    fn a_code_is_right_once() {
        let record = record(vec![app(1, Parameters::default())]);
        let code = code_of(&record.authenticators[0], 0);
        let Ruling::Right(found) = rule(&record, &code, &[]) else { panic!() };
        let used = [Used { mark: found.mark, step: found.step }];
        assert_eq!(rule(&record, &code, &used), Ruling::Repeated { wait: 30 });
        let older = code_of(&record.authenticators[0], -1);
        assert!(matches!(rule(&record, &older, &used), Ruling::Replayed { .. }));
        let newer = code_of(&record.authenticators[0], 1);
        assert!(matches!(rule(&record, &newer, &used), Ruling::Right(_)));
    }

    #[test]
    fn accepted_text_is_recognized_out_of_the_window() {
        let record = record(vec![app(1, Parameters::default()), app(2, Parameters::default())]);
        let other = &record.authenticators[1];
        let keyed = Keyed::new(&other.key, other.parameters.algorithm).unwrap();
        let step = |offset: i64| Step(step_at(NOW, Period::THIRTY).0.saturating_add_signed(offset));
        let used = [-40, -7].map(|offset| Used { mark: keyed.mark(other), step: step(offset) });
        for (offset, ruling) in [
            (-40, Ruling::RepeatedLate { wait: 0 }),
            (-7, Ruling::RepeatedLate { wait: 0 }),
            (-8, Ruling::Wrong),
            (-39, Ruling::Wrong),
        ] {
            assert_eq!(rule(&record, &code_of(other, offset), &used), ruling, "{offset}");
            let first = code_of(&record.authenticators[0], offset);
            assert_eq!(rule(&record, &first, &used), Ruling::Wrong, "{offset}");
        }
    }

    /// Two authenticators have the same key and thus the same code. Checks that the code counts as one of the first
    /// authenticator, because log and status must always name the same one.
    #[test]
    fn of_two_that_show_the_same_code_the_first_is_meant() {
        let twice = || app(1, Parameters::default());
        let record = record(vec![app(2, Parameters::default()), twice(), twice()]);
        let ruling = rule(&record, &code_of(&record.authenticators[1], 0), &[]);
        assert!(matches!(ruling, Ruling::Right(found) if found.authenticator == 1), "{ruling:?}");
    }

    #[test]
    fn a_tombstone_and_an_empty_record_match_nothing() {
        assert_eq!(rule(&record(vec![]), "000000", &[]), Ruling::Wrong);
    }

    fn boot(at: u64) -> BootTime {
        BootTime(at)
    }

    fn horizon(boot_id: &str, begun: u64) -> Horizon {
        Horizon { floor: NOW, ahead: Vec::new(), boot_id: boot_id.into(), begun: boot(begun) }
    }

    /// Returns a record whose only key was enabled in boot `b`, at nanosecond 100 of the boot clock.
    fn fresh() -> Record {
        let mut record = Record::nobodys().unwrap();
        crate::verify::fresh_key::mark_as_fresh(&mut record, "b", boot(100));
        record
    }

    fn floor(record: &Record, horizon: &Horizon) -> UnixTime {
        let history = LedgerHistory::default();
        let evidence = Evidence::of(&history, horizon, NOW, 1).of_record(record, horizon);
        let only = &record.authenticators[0];
        let keyed = Keyed::new(&only.key, only.parameters.algorithm).unwrap();
        evidence.floor_of(keyed.mark(only))
    }

    #[test]
    fn key_generated_since_the_ledger_began_has_no_floor() {
        assert_eq!(floor(&fresh(), &horizon("b", 100)), UnixTime(0));
        assert_eq!(floor(&fresh(), &horizon("b", 1)), UnixTime(0));
    }

    #[test]
    fn key_older_than_the_ledger_keeps_the_floor() {
        // The floor stays if the epoch is later than the key, if the boot is another one, or if the key was imported.
        assert_eq!(floor(&fresh(), &horizon("b", 101)), NOW);
        assert_eq!(floor(&fresh(), &horizon("c", 1)), NOW);
        let imported = Record::nobodys().unwrap();
        assert_eq!(floor(&imported, &horizon("b", 1)), NOW);
    }

    #[test]
    fn exchanged_or_second_key_keeps_the_floor() {
        let other = || Key::new(alloc::vec![7; 20]).unwrap();
        let mut exchanged = fresh();
        exchanged.authenticators[0].key = other();
        assert_eq!(floor(&exchanged, &horizon("b", 1)), NOW);
        let mut two = fresh();
        let second = Authenticator { key: other(), ..two.authenticators[0].copied() };
        two.authenticators.push(second);
        assert_eq!(floor(&two, &horizon("b", 1)), NOW);
        // A record with two keys is not marked as fresh, so the floor stays, too.
        two.extras.fresh_key = None;
        crate::verify::fresh_key::mark_as_fresh(&mut two, "b", boot(100));
        assert_eq!(two.extras.fresh_key, None);
    }
}
