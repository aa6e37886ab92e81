//! Tells an administrator whether a typed code is correct. If it is not, says what is wrong with it: it was used, or it
//! belongs to another time.

use core::ops::RangeInclusive;

use twinlock_core::{
    answer::Code,
    base::time::{Step, UnixTime},
    otp::{
        hotp::{Keyed, digits_of, same_code},
        totp,
    },
    record::{Authenticator, MovingFactor, Record},
    text::duration,
    verify::{
        hotp_window,
        judge::{Evidence, judge},
        resync,
        ruling::{Match, Ruling},
    },
};

/// Seconds before and after the present time in which every step of an app is searched for a code.
const NEAR: i64 = 7200;
/// Half hours by which an app's clock may be wrong because of a wrong time zone: up to 14 hours. The steps at each of
/// these offsets are searched. A larger offset, such as between UTC-12 and UTC+14, is unlikely.
const ZONES: RangeInclusive<i64> = -28..=28;
/// Number of codes of a token before the next expected one that are searched as well.
const BEHIND: u64 = 20;

/// How far a code is from the one that this host expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Apart {
    /// The code belongs to an app whose clock differs from the host's by this much.
    Clock(Skew),
    /// The code belongs to a token with a button (HOTP).
    Presses {
        /// Number of codes between the last used one and this one. The button was pressed that many times without a
        /// login.
        skipped: u64,
    },
}

/// How far the clock of an app is from the host's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Skew {
    /// Seconds by which the app's clock is ahead of the host's; negative if it is behind.
    pub(crate) ahead: i64,
    /// The part of `ahead`, in seconds, that logins have already learned and make allowance for; negative if the app's
    /// clock is behind.
    pub(crate) learnt: i64,
    /// Time from which a login can learn this offset from two adjacent codes; `None` if no login can.
    pub(crate) learnable: Option<UnixTime>,
}

/// Whether a code is correct, or what is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum CodeDiagnosis {
    /// The code is correct and unused.
    Right {
        /// Authenticator and step to which the code belongs.
        found: Match,
        /// How far the code is from the code that the host expects; a login accepts this distance.
        apart: Apart,
    },
    /// The code belongs to an authenticator, but this code or a later one was used before.
    Used {
        /// Seconds until the app shows the next code; 0 for a token, which shows it when its button is pressed.
        wait: u64,
    },
    /// The code is correct, but older than the ledger of used codes, so that it may have been used.
    BeforeEpoch {
        /// Seconds until the app shows the first code that is not older than the ledger.
        wait: u64,
        /// Latest time that the host's clock showed while it was ahead, if that is the cause; otherwise `None`.
        ahead: Option<UnixTime>,
    },
    /// The code belongs to an authenticator whose clock or counter is farther off than a login accepts.
    Off {
        /// How far the code is from the code that the host expects.
        apart: Apart,
    },
    /// The code belongs to none of the searched steps and counters.
    Wrong,
}

/// Verifies a code as a login does. If no step that a login accepts matches, searches further steps and counters.
pub(crate) fn examine(record: &Record, code: &Code, evidence: &Evidence<'_>) -> CodeDiagnosis {
    match judge(record, code, evidence) {
        Ruling::Right(found) => match record.authenticators.get(found.authenticator) {
            Some(owner) => CodeDiagnosis::Right { found, apart: apart(owner, found, evidence) },
            None => CodeDiagnosis::Wrong,
        },
        Ruling::Replayed { wait } | Ruling::Repeated { wait } | Ruling::RepeatedLate { wait } => {
            CodeDiagnosis::Used { wait }
        }
        Ruling::BeforeEpoch { wait, ahead } => CodeDiagnosis::BeforeEpoch { wait, ahead },
        Ruling::Wrong => beyond(record, code, evidence),
    }
}

fn apart(authenticator: &Authenticator, found: Match, evidence: &Evidence<'_>) -> Apart {
    match authenticator.moving {
        MovingFactor::Clock { drift } => {
            let steps = ahead(authenticator, found.step, evidence);
            Apart::Clock(Skew {
                ahead: seconds(authenticator, steps),
                learnt: seconds(authenticator, drift.into()),
                learnable: None,
            })
        }
        MovingFactor::Counter { next } => {
            let next = hotp_window::lowest_unused(next, found.mark, evidence.used);
            Apart::Presses { skipped: found.step.0.saturating_sub(next) }
        }
    }
}

/// Returns by how many steps `step` is ahead of the host's clock; negative if it is behind. The learned error of the
/// authenticator's clock is not subtracted.
fn ahead(authenticator: &Authenticator, step: Step, evidence: &Evidence<'_>) -> i64 {
    let now = totp::step_at(evidence.now, authenticator.parameters.period).0;
    i64::try_from(step.0).unwrap_or(0).saturating_sub_unsigned(now)
}

fn seconds(authenticator: &Authenticator, steps: i64) -> i64 {
    let period = authenticator.parameters.period.seconds();
    steps.saturating_mul(i64::try_from(period).unwrap_or(0))
}

/// Searches steps and counters that a login does not accept. Of several apps that match, the one with the smallest
/// clock offset is reported; tokens are searched only if no app matches.
fn beyond(record: &Record, code: &Code, evidence: &Evidence<'_>) -> CodeDiagnosis {
    let clocks = record.authenticators.iter().filter_map(|owner| off_clock(owner, code, evidence));
    if let Some(skew) = clocks.min_by_key(|skew| skew.ahead.unsigned_abs()) {
        return CodeDiagnosis::Off { apart: Apart::Clock(skew) };
    }
    let mut tokens = record.authenticators.iter();
    tokens.find_map(|owner| off_token(owner, code, evidence)).unwrap_or(CodeDiagnosis::Wrong)
}

/// Returns the clock offset of an app that shows the code now. Returns `None` if the code belongs to none of the
/// searched steps, or if `owner` is a token.
fn off_clock(owner: &Authenticator, code: &Code, evidence: &Evidence<'_>) -> Option<Skew> {
    clock_of(owner, code, evidence, &|_| true).map(|(_, skew)| skew)
}

/// Searches the steps of an app for the code, the nearest step first. Returns the distance of the matching step from
/// the present step, and the clock offset that follows from it. Steps for which `may_be_told` is `false` are skipped.
/// Returns `None` for a token, or if no step matches.
pub(crate) fn clock_of(
    owner: &Authenticator,
    code: &Code,
    evidence: &Evidence<'_>,
    may_be_told: &dyn Fn(i64) -> bool,
) -> Option<(i64, Skew)> {
    let MovingFactor::Clock { drift } = owner.moving else { return None };
    let keyed = Keyed::new(&owner.key, owner.parameters.algorithm)?;
    let now = totp::step_at(evidence.now, owner.parameters.period).0;
    let is_of = |steps: &i64| {
        let right =
            digits_of(keyed.truncated(now.saturating_add_signed(*steps)), owner.parameters.digits);
        same_code(code.of_length(owner.parameters.digits), &right)
    };
    let mut told = looked_at(owner, drift.into()).into_iter().filter(|it| may_be_told(*it));
    let steps = told.find(is_of)?;
    let period = owner.parameters.period;
    let is_looked_for = steps.abs_diff(drift.into()) <= resync::reach(period);
    let learns = i32::try_from(steps).ok().filter(|it| is_looked_for && period.believes(*it));
    let mark = keyed.mark(owner);
    let skew = Skew {
        ahead: if steps.abs() <= evidence.window.into() { 0 } else { seconds(owner, steps) },
        learnt: seconds(owner, drift.into()),
        learnable: learns.map(|steps| resync::learnable_from(owner, mark, evidence, steps)),
    };
    Some((steps, skew))
}

/// Returns the steps to search, relative to the present step, nearest first. `drift` is the learned error of the app's
/// clock in steps.
fn looked_at(owner: &Authenticator, drift: i64) -> Vec<i64> {
    let period = i64::try_from(owner.parameters.period.seconds()).unwrap_or(1).max(1);
    let reach = i64::try_from(resync::reach(owner.parameters.period)).unwrap_or(0);
    let near = NEAR / period;
    let zones = ZONES.map(|zone| zone * 1800 / period).flat_map(|steps| steps - 2..=steps + 2);
    let mut steps: Vec<i64> =
        (-near..=near).chain(drift - reach..=drift + reach).chain(zones).collect();
    steps.sort_by_key(|steps| (steps.unsigned_abs(), *steps));
    steps.dedup();
    steps
}

/// Returns why a login does not accept a code of a token: the code is too far ahead, or the token's counter has passed
/// it. Returns `None` if neither is the case, or if `owner` is an app.
pub(crate) fn off_token(
    owner: &Authenticator,
    code: &Code,
    evidence: &Evidence<'_>,
) -> Option<CodeDiagnosis> {
    let MovingFactor::Counter { next } = owner.moving else { return None };
    let keyed = Keyed::new(&owner.key, owner.parameters.algorithm)?;
    let next = hotp_window::lowest_unused(next, keyed.mark(owner), evidence.used);
    let is_at = |counter: &u64| {
        let right = digits_of(keyed.truncated(*counter), owner.parameters.digits);
        same_code(code.of_length(owner.parameters.digits), &right)
    };
    let ahead = (next..next.saturating_add(resync::PRESSES)).find(is_at);
    if let Some(counter) = ahead {
        return Some(CodeDiagnosis::Off {
            apart: Apart::Presses { skipped: counter.saturating_sub(next) },
        });
    }
    (next.saturating_sub(BEHIND)..next).find(is_at).map(|_| CodeDiagnosis::Used { wait: 0 })
}

/// Returns a sentence that says how far the authenticator is off, and which clock to check.
pub(crate) fn hint(apart: Apart) -> String {
    match apart {
        Apart::Clock(skew) => clock_hint(skew),
        Apart::Presses { skipped } => {
            format!(
                "It belongs to a token whose button was pressed {skipped} times without a login."
            )
        }
    }
}

/// Returns a sentence that says how far the app's clock is off, and which clock may be wrong.
fn clock_hint(Skew { ahead, learnt, .. }: Skew) -> String {
    if ahead == 0 {
        let by = duration(learnt.unsigned_abs());
        let fault = if learnt < 0 { "slow" } else { "fast" };
        return format!(
            "It is current, but this host had learned that the app's clock is {by} {fault}; that clock was corrected since."
        );
    }
    let by = duration(ahead.unsigned_abs());
    let (side, fault) = if ahead < 0 { ("behind", "slow") } else { ("ahead of", "fast") };
    format!(
        "It belongs to a time about {by} {side} this machine's clock: the phone's clock is {fault} \
         or in a wrong time zone, or this machine's is wrong (date)."
    )
}

#[cfg(test)]
mod tests;
