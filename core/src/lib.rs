//! Decides who may log in: pure functions that take time, randomness and records as arguments.
//!
//! Start with [`login`], a whole login, then [`verify::attempt`], which verifies one code.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod answer;
pub mod authorization;
pub mod base;
pub mod dialogue;
pub mod event;
pub mod format;
pub mod ledger;
pub mod login;
pub mod message;
pub mod notify;
pub mod otp;
pub mod policy;
pub mod ports;
pub mod record;
pub mod text;
pub mod verify;
pub mod wire;
