//! Decides who may log in: pure functions that take time, randomness and records as arguments.
//!
//! Start with [`login`], a whole login, then [`attempt`], which verifies one code.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod account;
pub mod admission;
pub mod answer;
pub mod attempt;
pub mod authorization;
pub mod backup_code;
pub mod beside;
pub mod carry;
pub mod carry_bounds;
pub mod change;
pub mod charge;
pub mod claimant;
pub mod clock_mark;
pub mod code_set;
pub mod counter;
pub mod decimal;
pub mod delivery;
pub mod device;
pub mod dialogue;
pub mod draw;
pub mod earlier_codes;
pub mod enrolment;
pub mod epoch;
pub mod event;
pub mod expiry;
pub mod facts;
pub mod fault;
pub mod fingerprint;
pub mod foreign;
pub mod format;
pub mod judge;
pub mod ledger;
pub mod ledger_sweep;
pub mod letter;
pub mod letters;
pub mod login;
pub mod message;
pub mod network;
pub mod otp;
pub mod pending;
pub mod pieces;
pub mod policy;
pub mod ports;
pub mod qr;
pub mod questions;
pub mod record;
pub mod redeem;
pub mod refusals;
pub mod replay;
pub mod request;
pub mod reserve;
pub mod resync;
pub mod row;
pub mod rules;
pub mod secret;
pub mod settle;
pub mod spend;
pub mod takeover;
pub mod text;
pub mod throttle;
pub mod ticket_renewal;
pub mod time;
pub mod verdict;
pub mod voucher;
