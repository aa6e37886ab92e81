//! The host: the files, clocks, random bytes, accounts and log that implement the ports of twinlock-core.
#![deny(unsafe_code)]

pub mod clock;
pub mod clock_mark;
pub mod daemon_socket;
pub mod entropy;
pub mod journal;
pub mod machine;
pub mod outbox;
pub mod trusted_dir;
pub mod trusted_path;

pub mod accounts;
mod argon_memory;
#[cfg(feature = "tools")]
pub mod caller_file;
#[cfg(feature = "tools")]
pub mod create_store;
#[cfg(feature = "tools")]
pub mod directory;
#[cfg(feature = "tools")]
pub mod far_ahead;
pub mod fleet;
#[cfg(feature = "tools")]
pub mod homes;
#[cfg(feature = "tools")]
pub mod invoking_user;
pub mod ledger;
#[cfg(feature = "tools")]
pub mod mail_spool;
#[cfg(feature = "tools")]
pub mod new_file;
mod open_beneath;
#[cfg(feature = "tools")]
pub mod programs;
pub mod settings;
pub mod store;
mod synchronized;
