//! The authenticators of a world, and what they show.

use twinlock_core::{
    otp::hotp::{Keyed, digits_of},
    record::{Authenticator, Moving, Parameters},
    secret::Key,
};

const SEED: [u8; 20] = *b"12345678901234567890";

/// The app that everybody has.
pub fn authenticator() -> Authenticator {
    Authenticator {
        name: "app".into(),
        key: Key::new(SEED.to_vec()).unwrap(),
        parameters: Parameters::default(),
        moving: Moving::default(),
        seen: None,
    }
}

/// A token with a button, whose key is one byte again and again.
pub fn token(byte: u8, next: u64) -> Authenticator {
    Authenticator {
        name: "token".into(),
        key: Key::new(vec![byte; 20]).unwrap(),
        parameters: Parameters::default(),
        moving: Moving::Counter { next },
        seen: None,
    }
}

/// The code of a step of an app with this key.
pub fn code_of_bytes(key: &[u8], step: u64) -> String {
    let key = Key::new(key.to_vec()).unwrap();
    code_of(&Authenticator { key, ..authenticator() }, step)
}

/// The code of a step or a counter.
pub fn code_of(authenticator: &Authenticator, step: u64) -> String {
    let keyed = Keyed::new(&authenticator.key, authenticator.parameters.algorithm).unwrap();
    digits_of(keyed.truncated(step), authenticator.parameters.digits).to_string()
}
