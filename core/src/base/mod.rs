//! Values that all modules of this crate use: accounts, time, secrets, requests, errors and small text tools.
//!
//! May use: nothing of this crate.

pub mod account;
pub mod address;
pub mod base32;
pub mod decimal;
pub mod error;
pub mod fingerprint;
mod fleet_error;
pub mod random_text;
pub mod request;
pub mod secret;
pub mod time;
