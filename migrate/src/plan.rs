//! Plans an import from another module: which authenticators, used steps and scratch codes a user gets.

use alloc::{format, string::String, vec::Vec};

use zeroize::Zeroizing;

use crate::source::{Google, OathToken, Pin, Remark, Reuse, TokenKind};
use twinlock_core::{
    base::time::{Step, UnixTime},
    ledger::Used,
    otp::{
        hotp::{Keyed, digits_of, same_code},
        totp,
    },
    record::{
        AUTHENTICATORS_MAX, Algorithm, Authenticator, Digits, MovingFactor, Parameters, Period,
    },
    verify::hotp_window::LOOK_AHEAD,
};

/// Maximum number of imported used steps. Google's module never accepts codes of more steps at a time.
const USED_MAX: usize = 256;
/// Number of steps before and after the current one in which the last accepted code is searched. Google's module
/// accepts at most this many.
const NEARBY: u8 = 10;

/// The authenticators and codes that a user gets from an import.
#[derive(Debug, Default)]
pub struct ImportPlan {
    /// The authenticators, in the order of the source file.
    pub authenticators: Vec<Authenticator>,
    /// Steps whose codes must not be accepted again.
    pub used: Vec<Used>,
    /// Unused scratch codes.
    pub scratch: Vec<Zeroizing<String>>,
    /// Remarks for the administrator.
    pub remarks: Vec<Remark>,
    /// The user's mail address; `None` if the source has none.
    pub mail: Option<String>,
    /// Name of the administrator who enrolls the user, if the user's next login must show the first backup codes. The
    /// name is then noted in the record. `None` if the source file has codes, or if the user should get none.
    pub promised_by: Option<String>,
}

/// The times on which the plan of an import depends.
#[derive(Debug, Clone, Copy)]
pub struct PlanTime {
    /// The current time.
    pub now: UnixTime,
    /// Time at which the source file was last changed.
    pub changed: UnixTime,
    /// The number of steps before and after now that this host accepts.
    pub window: u8,
}

/// Returns the plan for a file of Google's module; `None` if its key is unusable.
#[must_use]
pub fn of_google(file: Google, moment: PlanTime) -> Option<ImportPlan> {
    let Google { key, parameters, moving, ahead, reuse, scratch, mut remarks } = file;
    // No remark is needed if this host has the same window, or if twinlock's look-ahead is at least as long.
    remarks.retain(|remark| {
        let as_wide = matches!(remark, Remark::Window { each_way, .. } if *each_way == moment.window);
        let as_far =
            matches!(remark, Remark::LookAhead { counters, .. } if u64::from(*counters) <= LOOK_AHEAD);
        !(as_wide || as_far)
    });
    let name = name_of(moving, &[]);
    let authenticator = Authenticator { name, key, parameters, moving, seen: None };
    let steps = match moving {
        MovingFactor::Counter { .. } => Vec::new(),
        MovingFactor::Clock { .. } => {
            used_steps(&authenticator, moment, ahead, &reuse, &mut remarks)
        }
    };
    let mark = Keyed::new(&authenticator.key, parameters.algorithm)?.mark(&authenticator);
    let used = steps.into_iter().map(|step| Used { mark, step: Step(step) }).collect();
    let authenticators = alloc::vec![authenticator];
    Some(ImportPlan { authenticators, used, scratch, remarks, ..ImportPlan::default() })
}

/// Returns the steps whose codes Google's module has accepted or may have accepted. `ahead` is the number of future
/// steps that Google's module accepts. Adds remarks about steps that are unknown or implausible.
fn used_steps(
    authenticator: &Authenticator,
    moment: PlanTime,
    ahead: u8,
    reuse: &Reuse,
    remarks: &mut Vec<Remark>,
) -> Vec<u64> {
    let drift = i64::from(authenticator.drift());
    let shown_at = |at: UnixTime| {
        let step = totp::step_at(at, authenticator.parameters.period);
        step.0.saturating_add_signed(drift)
    };
    let shown = shown_at(moment.now);
    let (mut steps, known) = match reuse {
        Reuse::Listed { line, steps } => {
            let furthest = shown.saturating_add(u64::from(ahead));
            let (past, future): (Vec<u64>, Vec<u64>) =
                steps.iter().partition(|step| **step <= furthest);
            if !future.is_empty() {
                remarks.push(Remark::FutureSteps { line: *line, count: future.len() });
            }
            (past, true)
        }
        Reuse::Allowed => {
            remarks.push(Remark::ReuseAllowed);
            (Vec::new(), false)
        }
        Reuse::Unreadable { line } => {
            remarks.push(Remark::ReuseUnreadable { line: *line });
            (Vec::new(), false)
        }
    };
    if !known {
        // The used steps are unknown, so no code that was shown until now may be accepted again, even if the phone is a
        // step ahead.
        steps.push(shown.saturating_add(u64::from(ahead.min(1))));
    } else if drift != 0 {
        // Google's module does not list the code from which it learned the drift, although it accepted this code.
        steps.push(shown_at(moment.changed.min(moment.now)));
    }
    steps.sort_unstable();
    steps.dedup();
    steps.split_off(steps.len().saturating_sub(USED_MAX))
}

/// Returns the plan for all lines of one user in the users file of `pam_oath`.
#[must_use]
pub fn of_oath(tokens: Vec<OathToken>, now: UnixTime) -> ImportPlan {
    let mut takeover = ImportPlan::default();
    let mut lines: Vec<u32> = Vec::new();
    for token in tokens {
        let line = token.line;
        let known = takeover.authenticators.iter().position(|known| known.key == token.key);
        if let Some((place, first)) = known.and_then(|known| Some((known, *lines.get(known)?))) {
            let is_folded = fold(token, place, now, &mut takeover);
            takeover.remarks.push(match is_folded {
                true => Remark::SameKey { line, first },
                false => Remark::SameKeyOther { line, first },
            });
            continue;
        }
        if takeover.authenticators.len() == AUTHENTICATORS_MAX {
            takeover.remarks.push(Remark::TooMany { line });
            continue;
        }
        lines.push(line);
        take_token(token, now, &mut takeover);
    }
    takeover
}

/// Merges another line with a key that the plan has already. The plan takes over the used code of the line, and the
/// line's counter if it is the higher one. `place` is the index of the authenticator with this key. Returns `false` and
/// merges nothing if the codes of the line differ from those of the authenticator.
fn fold(token: OathToken, place: usize, now: UnixTime, takeover: &mut ImportPlan) -> bool {
    let mut alone = ImportPlan::default();
    take_token(token, now, &mut alone);
    let (Some(here), Some(there)) =
        (takeover.authenticators.get_mut(place), alone.authenticators.pop())
    else {
        return false;
    };
    match (&mut here.moving, there.moving) {
        _ if here.parameters != there.parameters => return false,
        (MovingFactor::Clock { .. }, MovingFactor::Clock { .. }) => {}
        (MovingFactor::Counter { next }, MovingFactor::Counter { next: further }) => {
            *next = further.max(*next)
        }
        (MovingFactor::Clock { .. } | MovingFactor::Counter { .. }, _) => return false,
    }
    takeover.used.extend(alone.used);
    let of_line =
        |remark: &Remark| matches!(remark, Remark::Password { .. } | Remark::PinElsewhere { .. });
    takeover.remarks.extend(alone.remarks.into_iter().filter(of_line));
    true
}

fn take_token(token: OathToken, now: UnixTime, takeover: &mut ImportPlan) {
    let OathToken { line, pin, key, digits, kind, last, .. } = token;
    let bits = key.bytes().len() * 8;
    let Some(keyed) = Keyed::new(&key, Algorithm::Sha1) else { return };
    takeover.remarks.extend(match pin {
        Pin::None => None,
        Pin::Elsewhere => Some(Remark::PinElsewhere { line }),
        Pin::ClearText => Some(Remark::Password { line }),
    });
    if bits < 128 {
        takeover.remarks.push(Remark::ShortKey { bits });
    }
    let last = last.as_ref().map(|code| code.as_str());
    let (moving, period) = match kind {
        TokenKind::Counter(counter) => (next_of(&keyed, digits, counter, last), Period::THIRTY),
        TokenKind::Clock(period) => (MovingFactor::default(), period),
    };
    let parameters = Parameters { algorithm: Algorithm::Sha1, digits, period };
    let name = name_of(moving, &takeover.authenticators);
    let authenticator = Authenticator { name, key, parameters, moving, seen: None };
    if let (TokenKind::Clock(period), Some(last)) = (kind, last) {
        let around = (totp::step_at(now, period), NEARBY);
        match totp::matching_step(&keyed, &authenticator, last, around.0, around.1) {
            Some(step) => takeover.used.push(Used { mark: keyed.mark(&authenticator), step }),
            None => takeover.remarks.push(Remark::LastCodeTooOld { line }),
        }
    }
    takeover.authenticators.push(authenticator);
}

/// Returns the moving factor of a counter token: `counter`, or the counter after it if `last`, the last accepted code,
/// is the code of `counter`.
fn next_of(keyed: &Keyed, digits: Digits, counter: u64, last: Option<&str>) -> MovingFactor {
    let is_used =
        last.is_some_and(|last| same_code(last, &digits_of(keyed.truncated(counter), digits)));
    MovingFactor::Counter { next: counter.saturating_add(u64::from(is_used)) }
}

/// Returns a name for an authenticator: `app` or `token`, with a number if `others` already contain one of this kind.
fn name_of(moving: MovingFactor, others: &[Authenticator]) -> String {
    let kind = match moving {
        MovingFactor::Clock { .. } => "app",
        MovingFactor::Counter { .. } => "token",
    };
    let same = others.iter().filter(|other| other.name.starts_with(kind)).count();
    if same == 0 { kind.into() } else { format!("{kind}-{}", same + 1) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use twinlock_core::base::secret::Key;

    const NOW: UnixTime = UnixTime(1_800_000_000);
    const STEP: u64 = 60_000_000;

    fn google(drift: i32, reuse: Reuse) -> Google {
        Google {
            key: Key::new(vec![7; 20]).unwrap(),
            parameters: Parameters::default(),
            moving: MovingFactor::Clock { drift },
            ahead: 1,
            reuse,
            scratch: vec![],
            remarks: vec![],
        }
    }

    fn taken(file: Google) -> (Vec<u64>, Vec<Remark>) {
        let moment = PlanTime { now: NOW, changed: UnixTime(NOW.0 - 60), window: 1 };
        let takeover = of_google(file, moment).unwrap();
        (takeover.used.iter().map(|used| used.step.0).collect(), takeover.remarks)
    }

    fn listed(steps: &[u64]) -> Reuse {
        Reuse::Listed { line: 2, steps: steps.to_vec() }
    }

    #[test]
    fn used_steps_are_those_of_the_list_as_far_as_they_can_be_true() {
        let (steps, remarks) = taken(google(0, listed(&[STEP, STEP + 1, STEP + 2, STEP])));
        assert_eq!(steps, [STEP, STEP + 1]);
        assert_eq!(remarks, [Remark::FutureSteps { line: 2, count: 1 }]);
        assert_eq!(taken(google(0, listed(&[]))), (vec![], vec![]));
    }

    #[test]
    fn what_was_not_listed_may_have_been_used() {
        let (steps, remarks) = taken(google(3, Reuse::Allowed));
        assert_eq!((steps, remarks), (vec![STEP + 4], vec![Remark::ReuseAllowed]));
        assert_eq!(taken(google(0, Reuse::Unreadable { line: 4 })).0, [STEP + 1]);
        // The drift was learned from a code of the time at which the file was last changed.
        assert_eq!(taken(google(20, listed(&[STEP - 9]))).0, [STEP - 9, STEP + 18]);
    }

    #[test]
    fn a_window_that_is_here_too_is_nothing_to_tell() {
        let mut file = google(0, listed(&[]));
        file.remarks =
            vec![Remark::Window { line: 2, each_way: 1 }, Remark::Window { line: 3, each_way: 8 }];
        assert_eq!(taken(file).1, [Remark::Window { line: 3, each_way: 8 }]);
    }

    fn token(line: u32, byte: u8, kind: TokenKind, last: Option<&str>) -> OathToken {
        OathToken {
            line,
            user: "ada".into(),
            pin: Pin::None,
            key: Key::new(vec![byte; 20]).unwrap(),
            digits: Digits::SIX,
            kind,
            last: last.map(|code| Zeroizing::new(code.into())),
        }
    }

    fn code(byte: u8, step: u64) -> String {
        let keyed = Keyed::new(&token(0, byte, TokenKind::Counter(0), None).key, Algorithm::Sha1);
        (*digits_of(keyed.unwrap().truncated(step), Digits::SIX)).clone()
    }

    #[test]
    fn each_line_becomes_an_authenticator_of_its_own_name() {
        let clock = TokenKind::Clock(Period::THIRTY);
        let tokens = vec![
            token(1, 1, clock, None),
            token(2, 2, TokenKind::Counter(5), None),
            token(3, 1, clock, None),
            token(4, 3, clock, None),
        ];
        let takeover = of_oath(tokens, NOW);
        let names: Vec<_> = takeover.authenticators.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["app", "token", "app-2"]);
        assert_eq!(takeover.remarks, [Remark::SameKey { line: 3, first: 1 }]);
        let tokens = vec![
            OathToken { digits: Digits::EIGHT, ..token(1, 1, clock, None) },
            token(2, 1, clock, None),
            token(3, 2, TokenKind::Counter(5), None),
            token(4, 2, TokenKind::Counter(9), None),
            token(5, 2, clock, None),
        ];
        let takeover = of_oath(tokens, NOW);
        assert_eq!(
            takeover.remarks,
            [
                Remark::SameKeyOther { line: 2, first: 1 },
                Remark::SameKey { line: 4, first: 3 },
                Remark::SameKeyOther { line: 5, first: 3 },
            ]
        );
        assert_eq!(takeover.authenticators[1].moving, MovingFactor::Counter { next: 9 });
        let last = code(1, STEP);
        let tokens = vec![token(1, 1, clock, None), token(2, 1, clock, Some(&last))];
        let takeover = of_oath(tokens, NOW);
        assert_eq!((takeover.used[0].step.0, takeover.authenticators.len()), (STEP, 1));
        let many = (0..20).map(|byte| token(u32::from(byte), byte, clock, None)).collect();
        let takeover = of_oath(many, NOW);
        assert_eq!((takeover.authenticators.len(), takeover.remarks.len()), (16, 4));
    }

    #[test]
    fn the_last_code_is_used_up_wherever_it_counts() {
        for (last, next) in [(None, 5), (Some(code(1, 4)), 5), (Some(code(1, 5)), 6)] {
            let token = token(1, 1, TokenKind::Counter(5), last.as_deref());
            let takeover = of_oath(vec![token], NOW);
            assert_eq!(takeover.authenticators[0].moving, MovingFactor::Counter { next });
        }
        let clock = TokenKind::Clock(Period::THIRTY);
        for (steps, found) in [(0, true), (10, true), (11, false)] {
            let last = code(1, STEP - steps);
            let takeover = of_oath(vec![token(1, 1, clock, Some(&last))], NOW);
            let used: Vec<u64> = takeover.used.iter().map(|used| used.step.0).collect();
            assert_eq!(used == [STEP - steps], found, "{steps}");
            assert_eq!(takeover.remarks.is_empty(), found, "{steps}");
        }
    }
}
