//! Who asks, and the app of whoever is enrolled.

use twinlock_core::{
    record::{Authenticator, Moving, Parameters},
    request::{Claim, PublicKey, Request, Source},
    secret::Key,
};

use crate::world::SEED;

pub fn authenticator() -> Authenticator {
    Authenticator {
        name: "app".into(),
        key: Key::new(SEED.to_vec()).unwrap(),
        parameters: Parameters::default(),
        moving: Moving::default(),
    }
}

pub fn request(user: &str, claim: Claim) -> Request {
    Request {
        service: "sshd".into(),
        typed_user: Some(user.into()),
        source: Source::address([203, 0, 113, 7].into()),
        claim,
        public_key: PublicKey::Absent,
    }
}
