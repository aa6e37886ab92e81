//! Checks that codes equal those of totp-rs for arbitrary keys, times and parameters (RFC 6238).

use proptest::prelude::*;
use twinlock_core::{
    base::{
        secret::{KEY_MAX, KEY_MIN, Key},
        time::UnixTime,
    },
    otp::{
        hotp::{Keyed, digits_of},
        totp::step_at,
    },
    record::{Algorithm, Digits, Period},
};

fn theirs(ours: Algorithm) -> totp_rs::Algorithm {
    match ours {
        Algorithm::Sha1 => totp_rs::Algorithm::SHA1,
        Algorithm::Sha256 => totp_rs::Algorithm::SHA256,
        Algorithm::Sha512 => totp_rs::Algorithm::SHA512,
    }
}

proptest! {
    #[test]
    fn codes_are_those_of_totp_rs(
        key in prop::collection::vec(any::<u8>(), KEY_MIN..=KEY_MAX),
        algorithm in prop::sample::select(vec![Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512]),
        digits in 6_u64..=8,
        period in 1_u64..=3600,
        time in 0_u64..1 << 40,
    ) {
        let oracle = totp_rs::Builder::new()
            .with_algorithm(theirs(algorithm))
            .with_digits(u8::try_from(digits).unwrap())
            .with_step_duration(period)
            .with_secret(key.clone())
            .build_noncompliant();
        let keyed = Keyed::new(&Key::new(key).unwrap(), algorithm).unwrap();
        let step = step_at(UnixTime(time), Period::new(period).unwrap());
        let code = digits_of(keyed.truncated(step.0), Digits::new(digits).unwrap());
        prop_assert_eq!(code.as_str(), oracle.generate(time).to_string());
    }
}
