//! The facts that the ledger stores for a user, with their file names: attempts, used codes, consecutive failures,
//! remembered devices, and when the ledger began.
//!
//! May use: `base`, `record`, `policy`.

pub mod clock_mark;
pub mod device;
pub mod device_text;
mod entries;
pub mod epoch;
pub mod epoch_text;
pub mod expiry;
pub mod failure_streak;
pub mod names;
pub mod reserve;
pub mod throttle;

pub use entries::*;
