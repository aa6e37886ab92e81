//! The judge: what a typed code is, held against a record and what was used before.

use crate::{
    answer::Code,
    clock_mark, counter,
    earlier_codes::EarlierCodes,
    ledger::{Facts, Horizon, Mark, Stretch, Used},
    otp::{
        hotp::Keyed,
        totp::{begin_of, matching_step, step_at},
    },
    record::{Authenticator, Moving, Record},
    replay::{Freshness, Reading, freshness, seconds_until},
    time::{Step, UnixTime},
};

/// What a code is held against.
pub struct Evidence<'a> {
    /// The steps on file.
    pub used: &'a [Used],
    /// The last second that the ledger knows nothing about.
    pub floor: UnixTime,
    /// Times since then in which an earlier ledger has seen codes used.
    pub ahead: &'a [Stretch],
    /// Now.
    pub now: UnixTime,
    /// Steps accepted each way.
    pub window: u8,
}

impl<'a> Evidence<'a> {
    /// Takes what the ledger has on file, and what it knows nothing about.
    #[must_use]
    pub fn of(facts: &'a Facts, horizon: &'a Horizon, now: UnixTime, window: u8) -> Self {
        let Horizon { floor, ahead, .. } = horizon;
        Self { used: &facts.used, floor: *floor, ahead, now, window }
    }

    /// Drops the floor for a record whose only key was put in force since the ledger began: each step of it that was used
    /// has its name in this ledger.
    #[must_use]
    pub fn of_record(self, record: &Record, horizon: &Horizon) -> Self {
        let floor = if knows_all_of(record, horizon) { UnixTime(0) } else { self.floor };
        Self { floor, ..self }
    }
}

fn knows_all_of(record: &Record, horizon: &Horizon) -> bool {
    let (Some(fresh), [only]) = (&record.beside.fresh_key, record.authenticators.as_slice()) else {
        return false;
    };
    let same_ledger = fresh.boot_id == horizon.boot_id && fresh.since >= horizon.begun;
    // The key may have been exchanged since, by one that came from elsewhere.
    same_ledger
        && Keyed::new(&only.key, only.parameters.algorithm)
            .is_some_and(|keyed| keyed.mark(only).0 == fresh.mark)
}

/// What a code is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Ruling {
    /// Right, if its step can still be claimed.
    Right(Match),
    /// Right, but a later one was used already.
    Replayed {
        /// Seconds until the app shows one that is not.
        wait: u64,
    },
    /// The very code that was accepted a moment ago: its text is repeated, and guesses nothing.
    Repeated {
        /// Seconds until the app shows one that was not used.
        wait: u64,
    },
    /// The same, of a code that is not of now any more.
    RepeatedLate {
        /// Seconds until the app shows one that was not used.
        wait: u64,
    },
    /// Right, but so old that the ledger cannot tell whether it was used.
    BeforeEpoch {
        /// Seconds until the app shows one that it can tell.
        wait: u64,
        /// Until when the clock was ahead, where that is why.
        ahead: Option<UnixTime>,
    },
    /// Of no authenticator.
    Wrong,
}

/// Which authenticator a code belongs to, and what is claimed by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Match {
    /// The place in the record.
    pub authenticator: usize,
    /// The key's name in the ledger.
    pub mark: Mark,
    /// The step before, where it took two adjacent codes; it is claimed as well.
    pub first: Option<Step>,
    /// The step, or the counter.
    pub step: Step,
    /// Where the authenticator stands afterwards, if that has to be written down before anybody gets in.
    pub moves: Option<Moving>,
}

impl Match {
    /// The newest of what is claimed.
    #[must_use]
    pub fn used(&self) -> Used {
        Used { mark: self.mark, step: self.step }
    }

    /// What is claimed in the ledger, the newest first: with its name alone, the older one is refused already.
    pub fn claims(&self) -> impl Iterator<Item = Used> {
        let first = self.first.map(|step| Used { step, ..self.used() });
        [Some(self.used()), first].into_iter().flatten()
    }

    /// The oldest step that is claimed.
    #[must_use]
    pub fn lowest(&self) -> Step {
        self.first.unwrap_or(self.step)
    }
}

/// Holds a code against every authenticator, whichever matches, so that time says nothing.
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
    if let Moving::Counter { next } = authenticator.moving {
        return counter::judge((&keyed, next), authenticator, code, evidence.used);
    }
    let now = step_at(evidence.now, authenticator.parameters.period);
    let around = (now, evidence.window);
    let typed = code.of_length(authenticator.parameters.digits);
    let matching = matching_step(&keyed, authenticator, typed, around);
    let mark = keyed.mark(authenticator);
    let earlier = EarlierCodes { keyed: &keyed, mark, used: evidence.used };
    let wait = |next| seconds_until(next, authenticator, evidence.now);
    let Some(step) = matching else {
        let next = earlier.repeated(authenticator, typed);
        return next.map_or(Ruling::Wrong, |next| Ruling::RepeatedLate { wait: wait(next) });
    };
    let reading = Reading {
        used: evidence.used,
        floor: evidence.floor,
        ahead: evidence.ahead,
        now,
        window: evidence.window,
    };
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
    use crate::enrolment;
    use crate::otp::hotp::digits_of;
    use crate::record::{Algorithm, Digits, Generation, Parameters, Period, State};
    use crate::secret::{Key, Typed};
    use crate::time::BootTime;
    use alloc::{string::String, vec, vec::Vec};

    const NOW: UnixTime = UnixTime(1_800_000_000);

    fn app(byte: u8, parameters: Parameters) -> Authenticator {
        Authenticator {
            name: "app".into(),
            key: Key::new(vec![byte; 20]).unwrap(),
            parameters,
            moving: Moving::default(),
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
            beside: crate::beside::Beside::default(),
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
            &Evidence { used, floor: UnixTime(0), ahead: &[], now: NOW, window: 1 },
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

    /// Log and status then name one authenticator, and always the same.
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

    /// A record whose only key was put in force in boot `b`, at 100.
    fn fresh() -> Record {
        let mut record = Record::nobodys().unwrap();
        enrolment::mark_as_fresh(&mut record, "b", boot(100));
        record
    }

    fn floor(record: &Record, horizon: &Horizon) -> UnixTime {
        let facts = Facts::default();
        Evidence::of(&facts, horizon, NOW, 1).of_record(record, horizon).floor
    }

    #[test]
    fn key_generated_since_the_ledger_began_has_no_floor() {
        assert_eq!(floor(&fresh(), &horizon("b", 100)), UnixTime(0));
        assert_eq!(floor(&fresh(), &horizon("b", 1)), UnixTime(0));
    }

    #[test]
    fn key_older_than_the_ledger_keeps_the_floor() {
        // A later epoch, another boot whatever its clock says, and a key that came from elsewhere.
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
        // Nothing is noted of a record with two keys, either.
        two.beside.fresh_key = None;
        enrolment::mark_as_fresh(&mut two, "b", boot(100));
        assert_eq!(two.beside.fresh_key, None);
    }
}
