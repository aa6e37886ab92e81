//! Verifies one code: counts the attempt, compares the code, reserves its step, stores what the code changes in the
//! record, and no longer counts the attempt if the code is right.
//!
//! Start with [`attempt`], which has the order. May use: `answer`, `base`, `event`, `ledger`, `otp`, `policy`, `ports`,
//! `record`.

pub mod allowance;
pub mod attempt;
pub mod charge;
pub mod claimant;
pub mod code_match;
pub mod code_set_verify;
pub mod commit_match;
pub mod earlier_codes;
pub mod fresh_key;
pub mod generate;
pub mod history;
pub mod hotp_window;
pub mod judge;
pub mod ledger_sweep;
pub mod record_update;
pub mod refusal_log;
pub mod replay;
pub mod resync;
pub mod ruling;
pub mod unlock;
pub mod voucher_verify;
