//! The authenticators of users in a `World`, and their codes.

use twinlock_core::{
    base::secret::Key,
    otp::hotp::{Keyed, digits_of},
    record::{Authenticator, MovingFactor, Parameters},
};

const SEED: [u8; 20] = *b"12345678901234567890";

/// Returns the app that each user of a `World` has at first.
pub fn authenticator() -> Authenticator {
    Authenticator {
        name: "app".into(),
        key: Key::new(SEED.to_vec()).unwrap(),
        parameters: Parameters::default(),
        moving: MovingFactor::default(),
        seen: None,
    }
}

/// Returns a HOTP token whose key is one byte repeated, and whose next counter is `next`.
pub fn token(byte: u8, next: u64) -> Authenticator {
    Authenticator {
        name: "token".into(),
        key: Key::new(vec![byte; 20]).unwrap(),
        parameters: Parameters::default(),
        moving: MovingFactor::Counter { next },
        seen: None,
    }
}

/// Returns the code of a step for an app with this key.
pub fn code_of_bytes(key: &[u8], step: u64) -> String {
    let key = Key::new(key.to_vec()).unwrap();
    code_of(&Authenticator { key, ..authenticator() }, step)
}

/// Returns the code of an authenticator. `step` is a time step for an app, and a counter for a token.
pub fn code_of(authenticator: &Authenticator, step: u64) -> String {
    let keyed = Keyed::new(&authenticator.key, authenticator.parameters.algorithm).unwrap();
    digits_of(keyed.truncated(step), authenticator.parameters.digits).to_string()
}
