//! The ledger folder: the names of attempts and used codes on a tmpfs, the time at which the ledger began, and the
//! mount.
//!
//! May use: `trusted_dir`, `open_beneath`, `clock_mark`, `entropy`.

#[cfg(feature = "tools")]
pub mod all_users;
#[cfg(feature = "tools")]
pub(crate) mod below_mount;
pub(crate) mod epoch;
mod files;
pub(crate) mod layout;
pub(crate) mod mount;

pub use files::*;
