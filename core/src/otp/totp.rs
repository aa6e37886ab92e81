//! TOTP (RFC 6238): finds the time step that a code belongs to.

use crate::{
    base::time::{Step, UnixTime},
    otp::hotp::{Keyed, is_code_of},
    record::{Authenticator, Period},
};

/// Returns the time step that contains a time (RFC 6238 section 4.2, whose `T0` is 0 here).
#[must_use]
pub fn step_at(time: UnixTime, period: Period) -> Step {
    Step(time.0 / period.seconds())
}

/// Returns the first second of a time step.
#[must_use]
pub fn begin_of(step: Step, period: Period) -> UnixTime {
    UnixTime(step.0.saturating_mul(period.seconds()))
}

/// Returns the newest step whose code is `typed`, or `None`. Searches the step `centre`, shifted by the authenticator's
/// learned drift, and `window` steps before and after it.
///
/// Compares from the newest step down and stops at a match. If two steps have the same code, using up the newer step
/// also makes the older one unusable. A wrong code is compared with every step. Stopping at a match reveals nothing
/// new: an observer recognizes a correct code by the system calls that follow it.
#[must_use]
pub fn matching_step(
    keyed: &Keyed,
    authenticator: &Authenticator,
    typed: &str,
    centre: Step,
    window: u8,
) -> Option<Step> {
    let centre = centre.0.saturating_add_signed(i64::from(authenticator.drift()));
    let first = centre.saturating_sub(u64::from(window));
    let last = centre.saturating_add(u64::from(window));
    let digits = authenticator.parameters.digits;
    let newest =
        (first..=last).rev().find(|step| is_code_of(keyed.truncated(*step), digits, typed));
    newest.map(Step)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::secret::Key;
    use crate::otp::hotp::digits_of;
    use crate::record::{Algorithm, Digits, MovingFactor, Parameters};

    const SEED: &[u8] = b"1234567890123456789012345678901234567890123456789012345678901234";

    fn authenticator(algorithm: Algorithm, length: usize) -> Authenticator {
        Authenticator {
            name: "app".into(),
            key: Key::new(SEED[..length].to_vec()).unwrap(),
            parameters: Parameters {
                algorithm,
                digits: Digits::new(8).unwrap(),
                period: Period::THIRTY,
            },
            moving: MovingFactor::default(),
            seen: None,
        }
    }

    #[test]
    fn rfc_6238_appendix_b() {
        let table = include_str!("../../../tests/vectors/rfc6238.txt");
        let mut rows = 0;
        for row in table.lines().filter(|row| !row.starts_with('#')) {
            let mut cells = row.split_whitespace();
            let time: u64 = cells.next().unwrap().parse().unwrap();
            let code = cells.next().unwrap();
            let algorithm = Algorithm::named(cells.next().unwrap()).unwrap();
            let length = match algorithm {
                Algorithm::Sha1 => 20,
                Algorithm::Sha256 => 32,
                Algorithm::Sha512 => 64,
            };
            let authenticator = authenticator(algorithm, length);
            let keyed = Keyed::new(&authenticator.key, algorithm).unwrap();
            let step = step_at(UnixTime(time), Period::THIRTY);
            let found = matching_step(&keyed, &authenticator, code, step, 0);
            assert_eq!(found, Some(step), "{row}");
            rows += 1;
        }
        assert_eq!(rows, 18);
    }

    #[test]
    fn the_window_ends_where_it_says() {
        let authenticator = authenticator(Algorithm::Sha1, 20);
        let keyed = Keyed::new(&authenticator.key, Algorithm::Sha1).unwrap();
        let code = digits_of(keyed.truncated(100), Digits::new(8).unwrap());
        for (centre, window, found) in [
            (100, 0, true),
            (101, 0, false),
            (101, 1, true),
            (99, 1, true),
            (102, 1, false),
            (98, 1, false),
        ] {
            let hit = matching_step(&keyed, &authenticator, &code, Step(centre), window);
            assert_eq!(hit.is_some(), found, "{centre} ±{window}");
        }
    }

    #[test]
    fn drift_moves_the_window() {
        let mut authenticator = authenticator(Algorithm::Sha1, 20);
        let keyed = Keyed::new(&authenticator.key, Algorithm::Sha1).unwrap();
        let code = digits_of(keyed.truncated(110), Digits::new(8).unwrap());
        authenticator.moving = MovingFactor::Clock { drift: 10 };
        assert!(matching_step(&keyed, &authenticator, &code, Step(100), 0).is_some());
        authenticator.moving = MovingFactor::Clock { drift: -10 };
        assert!(matching_step(&keyed, &authenticator, &code, Step(120), 0).is_some());
        assert!(matching_step(&keyed, &authenticator, &code, Step(0), 1).is_none());
    }
}
