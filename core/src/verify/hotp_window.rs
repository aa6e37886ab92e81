//! HOTP codes: finds the counter that a code belongs to, and whether the counter may still be used.

use crate::{
    answer::Code,
    base::time::Step,
    ledger::{KeyId, Used},
    otp::hotp::{Keyed, is_code_of},
    record::{Authenticator, MovingFactor},
    verify::{
        earlier_codes::EarlierCodes,
        ruling::{Match, Ruling},
    },
};

/// Number of counters that are compared with a code, beginning with the lowest unused one. The user may have pressed
/// the token's button by accident (look-ahead window of RFC 4226 section 7.4). pam_oath also compares five.
pub const LOOK_AHEAD: u64 = 5;

/// Returns the lowest counter that is unused according to both the record (`next`) and the ledger (`used`). Some uses
/// are known only to the ledger: one that could not be stored in the record, or one of a key that was later removed and
/// imported again.
#[must_use]
pub fn lowest_unused(next: u64, mark: KeyId, used: &[Used]) -> u64 {
    let of_key = used.iter().filter(|one| one.mark == mark);
    of_key.map(|one| one.step.0.saturating_add(1)).fold(next, u64::max)
}

/// Compares a code with [`LOOK_AHEAD`] counters, beginning with the lowest unused one, and with the newest used codes.
/// `next` is the lowest unused counter according to the record. Only a correct code moves the counter.
pub fn judge(
    keyed: &Keyed,
    next: u64,
    authenticator: &Authenticator,
    code: &Code,
    used: &[Used],
) -> Ruling {
    let mark = keyed.mark(authenticator);
    let next = lowest_unused(next, mark, used);
    let is_at = |counter: u64| {
        let digits = authenticator.parameters.digits;
        is_code_of(keyed.truncated(counter), digits, code.of_length(digits))
    };
    let mut found = None;
    // The code of the last used counter is always computed, so that this code is reported as used.
    let last = next.checked_sub(1).is_some_and(is_at);
    let typed = code.of_length(authenticator.parameters.digits);
    let earlier = EarlierCodes { keyed, mark, used }.repeated(authenticator, typed);
    for counter in next..next.saturating_add(LOOK_AHEAD) {
        if is_at(counter) && found.is_none() {
            found = Some(counter);
        }
    }
    let Some(counter) = found else {
        let repeated = last || earlier.is_some();
        return if repeated { Ruling::Repeated { wait: 0 } } else { Ruling::Wrong };
    };
    let Some(next) = counter.checked_add(1) else { return Ruling::Wrong };
    let moves = Some(MovingFactor::Counter { next });
    Ruling::Right(Match { authenticator: 0, mark, first: None, step: Step(counter), moves })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::{self, Answer};
    use crate::base::secret::{Key, Typed};
    use crate::otp::hotp::digits_of;
    use crate::record::{Algorithm, Parameters};
    use alloc::string::String;

    fn token(next: u64) -> Authenticator {
        Authenticator {
            name: "token".into(),
            key: Key::new(b"12345678901234567890".to_vec()).unwrap(),
            parameters: Parameters::default(),
            moving: MovingFactor::Counter { next },
            seen: None,
        }
    }

    fn keyed() -> Keyed {
        Keyed::new(&token(0).key, Algorithm::Sha1).unwrap()
    }

    fn code_of(counter: u64) -> String {
        (*digits_of(keyed().truncated(counter), Parameters::default().digits)).clone()
    }

    fn rule(next: u64, counter: u64, used: &[u64]) -> Ruling {
        let Answer::Code(code) = answer::read(&Typed::new(code_of(counter))) else { panic!() };
        let mark = keyed().mark(&token(next));
        let used: alloc::vec::Vec<Used> =
            used.iter().map(|step| Used { mark, step: Step(*step) }).collect();
        judge(&keyed(), next, &token(next), &code, &used)
    }

    #[test]
    fn the_look_ahead_ends_where_it_says() {
        for (counter, right) in [(10, true), (14, true), (15, false), (8, false)] {
            let moved = matches!(
                rule(10, counter, &[]),
                Ruling::Right(Match { step, moves: Some(MovingFactor::Counter { next }), .. })
                    if step.0 == counter && next == counter + 1
            );
            assert_eq!(moved, right, "{counter}");
        }
        assert_eq!(rule(10, 8, &[]), Ruling::Wrong);
    }

    #[test]
    fn the_last_one_used_is_said_to_be_used() {
        assert_eq!(rule(10, 9, &[]), Ruling::Repeated { wait: 0 });
    }

    #[test]
    fn the_ledger_refuses_what_the_record_has_forgotten() {
        assert_eq!(rule(10, 11, &[12]), Ruling::Wrong);
        assert_eq!(rule(10, 12, &[12]), Ruling::Repeated { wait: 0 });
        assert_eq!(rule(10, 6, &[12, 6]), Ruling::Repeated { wait: 0 });
        assert_eq!(rule(10, 7, &[12, 6]), Ruling::Wrong);
        assert!(matches!(rule(10, 13, &[12]), Ruling::Right(_)));
    }

    #[test]
    fn codes_that_could_not_be_written_down_do_not_shorten_the_look_ahead() {
        let burned: alloc::vec::Vec<u64> = (10..30).collect();
        assert!(matches!(rule(10, 34, &burned), Ruling::Right(_)));
        assert_eq!(rule(10, 35, &burned), Ruling::Wrong);
    }

    #[test]
    fn a_counter_ends() {
        assert_eq!(rule(u64::MAX, u64::MAX, &[]), Ruling::Wrong);
        assert!(matches!(rule(u64::MAX - 3, u64::MAX - 1, &[]), Ruling::Right(_)));
    }
}
