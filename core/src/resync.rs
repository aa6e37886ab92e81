//! Resynchronization: two adjacent codes outside the window say where an authenticator stands
//! (RFC 6238 section 6, RFC 4226 section 7.4).

use alloc::vec::Vec;

use crate::{
    answer::Code,
    counter,
    judge::{Evidence, Match},
    ledger::Mark,
    otp::{
        hotp::{Keyed, is_code_of},
        totp::{begin_of, step_at},
    },
    policy::Resync,
    record::{Authenticator, Moving, Period, Record},
    replay::{self, Reading},
    time::{Step, UnixTime},
};

/// The most steps each way of the window's centre in which an authenticator's clock is looked for.
const REACH_STEPS: u64 = 20;
/// The same in seconds: a longer period must not let in codes that are older.
const REACH_SECONDS: u64 = 600;
/// The longest wait that is worth telling: where clocks jumped, no number of seconds is to be relied on.
const WAIT_MAX: u64 = 86_400;
/// Counters from the next one on in which a token is looked for.
pub const PRESSES: u64 = 100;

/// Returns how many steps each way of the window's centre an authenticator's clock is looked for: twenty, and no more than
/// ten minutes; 0 for a period so long that no two codes fit.
#[must_use]
pub fn reach(period: Period) -> u64 {
    REACH_STEPS.min(REACH_SECONDS / period.seconds())
}

/// A step that a wrong code would have been right for.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stray {
    mark: Mark,
    step: Step,
}

/// What the wrong code before this one would have been right for. It lives as long as one call asks.
pub struct Memory {
    offered: Resync,
    before: Vec<Stray>,
    last: Vec<Stray>,
}

/// What a wrong code and the one typed before it say together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Sign {
    /// Nothing.
    Nothing,
    /// They are neighbours, and of no use any more, or on this host.
    Off {
        /// By how many seconds the authenticator's clock is ahead of this machine's; negative when it is behind, and 0
        /// where a login without a learnt drift would take the code.
        ahead: i64,
        /// Seconds until it shows two that can be learned from, where it ever will.
        wait: Option<u64>,
    },
    /// They are neighbours, and new: this is where the authenticator stands, if both can still be claimed.
    Adjacent(Match),
}

impl Memory {
    /// Nothing was typed yet.
    #[must_use]
    pub fn new(offered: Resync) -> Self {
        Self { offered, before: Vec::new(), last: Vec::new() }
    }

    /// The next code was typed. What was not judged has no neighbours.
    pub fn turn(&mut self) {
        self.before = core::mem::take(&mut self.last);
    }

    /// Notes what a wrong code would have been right for, and holds it against the one before.
    pub fn note(&mut self, record: &Record, code: &Code, evidence: &Evidence<'_>) -> Sign {
        self.last.clear();
        let mut best = Sign::Nothing;
        for (index, authenticator) in record.authenticators.iter().enumerate() {
            let parameters = authenticator.parameters;
            let Some(keyed) = Keyed::new(&authenticator.key, parameters.algorithm) else {
                continue;
            };
            let mark = keyed.mark(authenticator);
            let candidate = Candidate { authenticator, index, mark, evidence };
            let (first, last) = candidate.range();
            for step in first..=last {
                let digits = parameters.digits;
                if !is_code_of(keyed.truncated(step), digits, code.of_length(digits)) {
                    continue;
                }
                self.last.push(Stray { mark, step: Step(step) });
                let neighbour = step.checked_sub(1).map(|step| Stray { mark, step: Step(step) });
                if neighbour.is_some_and(|neighbour| self.before.contains(&neighbour)) {
                    best = better(best, candidate.sign(self.offered, step));
                }
            }
        }
        best
    }
}

/// One authenticator that two codes may be of.
struct Candidate<'a> {
    authenticator: &'a Authenticator,
    index: usize,
    mark: Mark,
    evidence: &'a Evidence<'a>,
}

impl Candidate<'_> {
    /// The first and the last step that are looked at.
    fn range(&self) -> (u64, u64) {
        match self.authenticator.moving {
            Moving::Clock { drift } => {
                let centre = self.now().saturating_add_signed(i64::from(drift));
                let reach = reach(self.authenticator.parameters.period);
                (centre.saturating_sub(reach), centre.saturating_add(reach))
            }
            Moving::Counter { next } => {
                let next = counter::lowest_unused(next, self.mark, self.evidence.used);
                (next, next.saturating_add(PRESSES - 1))
            }
        }
    }

    fn now(&self) -> u64 {
        step_at(self.evidence.now, self.authenticator.parameters.period).0
    }

    fn sign(&self, offered: Resync, step: u64) -> Sign {
        match (self.authenticator.moving, offered) {
            (Moving::Clock { .. }, _) => self.clock(offered, step),
            (Moving::Counter { .. }, Resync::Offered) => {
                let next = step.checked_add(1).map(|next| Moving::Counter { next });
                next.map_or(Sign::Nothing, |next| self.adjacent(step, next))
            }
            (Moving::Counter { .. }, Resync::Off) => Sign::Nothing,
        }
    }

    fn clock(&self, offered: Resync, step: u64) -> Sign {
        let signed = |step: u64| i64::try_from(step).unwrap_or(i64::MAX);
        let drift = signed(step).saturating_sub(signed(self.now()));
        let period = self.authenticator.parameters.period;
        let believed = i32::try_from(drift).ok().filter(|drift| period.believes(*drift));
        match (believed, offered) {
            (Some(drift), Resync::Offered) if self.are_new(step) => {
                self.adjacent(step, Moving::Clock { drift })
            }
            (_, offered) => {
                let steps = if drift.abs() <= i64::from(self.evidence.window) { 0 } else { drift };
                let seconds = signed(period.seconds());
                let learnable = believed.filter(|_| offered == Resync::Offered);
                let begin = learnable.map(|drift| {
                    learnable_from((self.authenticator, self.mark), self.evidence, drift)
                });
                let wait = begin.map(|begin| begin.since(self.evidence.now));
                Sign::Off {
                    ahead: steps.saturating_mul(seconds),
                    wait: wait.filter(|wait| *wait <= WAIT_MAX),
                }
            }
        }
    }

    /// Whether a step and the one before it are newer than all that was used, without the exception that is made
    /// elsewhere for a clock set back: so the drift that follows from them covers every step that was ever claimed.
    fn are_new(&self, step: u64) -> bool {
        let first = Step(step.saturating_sub(1));
        replay::is_newest(
            &reading(self.authenticator, self.evidence),
            self.authenticator,
            self.mark,
            first,
        )
    }

    fn adjacent(&self, step: u64, moves: Moving) -> Sign {
        Sign::Adjacent(Match {
            authenticator: self.index,
            mark: self.mark,
            first: step.checked_sub(1).map(Step),
            step: Step(step),
            moves: Some(moves),
        })
    }
}

/// From when on a clock that is so many steps ahead of this machine's shows codes that can be learned from.
#[must_use]
pub fn learnable_from(
    (authenticator, mark): (&Authenticator, Mark),
    evidence: &Evidence<'_>,
    drift: i32,
) -> UnixTime {
    let gone = replay::newest_gone(&reading(authenticator, evidence), authenticator, mark);
    let shown = gone.0.saturating_add(1).saturating_add_signed(-i64::from(drift));
    begin_of(Step(shown), authenticator.parameters.period)
}

fn reading<'a>(authenticator: &Authenticator, evidence: &Evidence<'a>) -> Reading<'a> {
    Reading {
        used: evidence.used,
        floor: evidence.floor,
        ahead: evidence.ahead,
        now: step_at(evidence.now, authenticator.parameters.period),
        window: evidence.window,
    }
}

/// The newest where two pairs share their codes: claiming it refuses the older one too.
fn better(one: Sign, other: Sign) -> Sign {
    let rank = |sign: &Sign| match sign {
        Sign::Adjacent(_) => 2,
        Sign::Off { .. } => 1,
        Sign::Nothing => 0,
    };
    if rank(&other) >= rank(&one) { other } else { one }
}
