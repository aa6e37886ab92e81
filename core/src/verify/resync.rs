//! Resynchronization: two adjacent codes of other times than the accepted ones reveal the error (drift) of an
//! authenticator's clock (RFC 6238 section 6, RFC 4226 section 7.4).

use alloc::vec::Vec;

use crate::{
    answer::Code,
    base::time::{Step, UnixTime},
    ledger::KeyId,
    otp::{
        hotp::{Keyed, is_code_of},
        totp::{begin_of, step_at},
    },
    policy::Resync,
    record::{Authenticator, MovingFactor, Period, Record},
    verify::{hotp_window, judge::Evidence, replay, ruling::Match},
};

/// Maximum number of steps before and after the middle of the accepted ones in which a code is searched.
const REACH_STEPS: u64 = 20;
/// Maximum number of seconds before and after the middle of the accepted steps in which a code is searched. If the
/// period of a key is long, this limits how old an accepted code can be.
const REACH_SECONDS: u64 = 600;
/// Maximum number of seconds that is reported as a wait. After a clock has jumped, longer predictions are unreliable.
const WAIT_MAX: u64 = 86_400;
/// Number of counters that are searched to resynchronize a token, beginning with the lowest unused one.
pub const PRESSES: u64 = 100;

/// Returns the number of steps before and after the middle of the accepted ones in which a code is searched: at most
/// twenty, and at most ten minutes; 0 if the period is so long that two codes do not fit into ten minutes.
#[must_use]
pub fn reach(period: Period) -> u64 {
    REACH_STEPS.min(REACH_SECONDS / period.seconds())
}

/// A step that is not accepted now, and whose code equals the wrong code that the user typed.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stray {
    mark: KeyId,
    step: Step,
}

/// The steps that are not accepted now, and whose codes equal the previous wrong code that the user typed. They are
/// forgotten when the login ends.
pub struct Memory {
    offered: Resync,
    before: Vec<Stray>,
    last: Vec<Stray>,
}

/// What two consecutive wrong codes of one login reveal together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Sign {
    /// The two codes reveal nothing.
    Nothing,
    /// The two codes are adjacent, but were used already or cannot be accepted on this host.
    Off {
        /// Seconds by which the authenticator's clock is ahead of this host's, negative if it is behind; 0 if a clock
        /// without error would show the code about now.
        ahead: i64,
        /// Seconds until the authenticator shows two codes from which the error of its clock can be learned; `None` if
        /// it never does.
        wait: Option<u64>,
    },
    /// The two codes are adjacent and new, and reveal the error of the authenticator's clock. Their steps must still be
    /// made unusable for other logins.
    Adjacent(Match),
}

impl Memory {
    /// Creates a value that remembers no previous code. `offered` says whether the error of a clock may be learned.
    #[must_use]
    pub fn new(offered: Resync) -> Self {
        Self { offered, before: Vec::new(), last: Vec::new() }
    }

    /// Begins the comparison of another code. A code that was not compared never counts as adjacent to the code after
    /// it.
    pub fn turn(&mut self) {
        self.before = core::mem::take(&mut self.last);
    }

    /// Stores the steps that a wrong code would have matched, and compares them with those of the previous wrong code.
    pub fn note(&mut self, record: &Record, code: &Code, evidence: &Evidence<'_>) -> Sign {
        self.last.clear();
        let mut best = Sign::Nothing;
        for (index, authenticator) in record.authenticators.iter().enumerate() {
            let parameters = authenticator.parameters;
            let Some(keyed) = Keyed::new(&authenticator.key, parameters.algorithm) else {
                continue;
            };
            let mark = keyed.mark(authenticator);
            let candidate = ResyncCandidate { authenticator, index, mark, evidence };
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

/// An authenticator that may have shown both codes.
struct ResyncCandidate<'a> {
    authenticator: &'a Authenticator,
    index: usize,
    mark: KeyId,
    evidence: &'a Evidence<'a>,
}

impl ResyncCandidate<'_> {
    /// Returns the first and the last step that are searched.
    fn range(&self) -> (u64, u64) {
        match self.authenticator.moving {
            MovingFactor::Clock { drift } => {
                let centre = self.now().saturating_add_signed(i64::from(drift));
                let reach = reach(self.authenticator.parameters.period);
                (centre.saturating_sub(reach), centre.saturating_add(reach))
            }
            MovingFactor::Counter { next } => {
                let next = hotp_window::lowest_unused(next, self.mark, self.evidence.used);
                (next, next.saturating_add(PRESSES - 1))
            }
        }
    }

    fn now(&self) -> u64 {
        step_at(self.evidence.now, self.authenticator.parameters.period).0
    }

    fn sign(&self, offered: Resync, step: u64) -> Sign {
        match (self.authenticator.moving, offered) {
            (MovingFactor::Clock { .. }, _) => self.clock(offered, step),
            (MovingFactor::Counter { .. }, Resync::Offered) => {
                let next = step.checked_add(1).map(|next| MovingFactor::Counter { next });
                next.map_or(Sign::Nothing, |next| self.adjacent(step, next))
            }
            (MovingFactor::Counter { .. }, Resync::Off) => Sign::Nothing,
        }
    }

    fn clock(&self, offered: Resync, step: u64) -> Sign {
        let signed = |step: u64| i64::try_from(step).unwrap_or(i64::MAX);
        let drift = signed(step).saturating_sub(signed(self.now()));
        let period = self.authenticator.parameters.period;
        let believed = i32::try_from(drift).ok().filter(|drift| period.believes(*drift));
        match (believed, offered) {
            (Some(drift), Resync::Offered) if self.are_new(step) => {
                self.adjacent(step, MovingFactor::Clock { drift })
            }
            (_, offered) => {
                let steps = if drift.abs() <= i64::from(self.evidence.window) { 0 } else { drift };
                let seconds = signed(period.seconds());
                let learnable = believed.filter(|_| offered == Resync::Offered);
                let begin = learnable.map(|drift| {
                    learnable_from(self.authenticator, self.mark, self.evidence, drift)
                });
                let wait = begin.map(|begin| begin.since(self.evidence.now));
                Sign::Off {
                    ahead: steps.saturating_mul(seconds),
                    wait: wait.filter(|wait| *wait <= WAIT_MAX),
                }
            }
        }
    }

    /// Returns whether `step` and the step before it are newer than every used step. If the clock error is then
    /// learned, the codes of all used steps are older and refused, even if the clock was set back.
    fn are_new(&self, step: u64) -> bool {
        let first = Step(step.saturating_sub(1));
        replay::is_newest(
            &self.evidence.replay_input(self.authenticator, self.mark),
            self.authenticator,
            self.mark,
            first,
        )
    }

    fn adjacent(&self, step: u64, moves: MovingFactor) -> Sign {
        Sign::Adjacent(Match {
            authenticator: self.index,
            mark: self.mark,
            first: step.checked_sub(1).map(Step),
            step: Step(step),
            moves: Some(moves),
        })
    }
}

/// Returns the earliest time at which an authenticator that is `drift` steps ahead shows two codes from which the error
/// of its clock can be learned.
#[must_use]
pub fn learnable_from(
    authenticator: &Authenticator,
    mark: KeyId,
    evidence: &Evidence<'_>,
    drift: i32,
) -> UnixTime {
    let gone =
        replay::newest_gone(&evidence.replay_input(authenticator, mark), authenticator, mark);
    let shown = gone.0.saturating_add(1).saturating_add_signed(-i64::from(drift));
    begin_of(Step(shown), authenticator.parameters.period)
}

/// Returns the sign that reveals more. If both reveal equally much, returns `other`, which must be that of the newer
/// step: using up the newer step also makes the older one unusable.
fn better(one: Sign, other: Sign) -> Sign {
    let rank = |sign: &Sign| match sign {
        Sign::Adjacent(_) => 2,
        Sign::Off { .. } => 1,
        Sign::Nothing => 0,
    };
    if rank(&other) >= rank(&one) { other } else { one }
}
