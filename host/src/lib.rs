//! The host: files, clocks, random bytes, accounts and log behind the ports of twinlock-core.
#![deny(unsafe_code)]

pub mod accounts;
pub mod clock;
pub mod clock_mark;
pub mod codes;
pub mod entropy;
pub mod journal;
pub mod ledger;
#[cfg(feature = "tools")]
pub mod ledger_rooms;
pub mod machine;
pub mod outbox;
pub mod place;
pub mod records;
pub mod settings;
pub mod store_id;
pub mod trusted_path;

mod alike;
mod argon_memory;
#[cfg(feature = "tools")]
mod below;
#[cfg(feature = "tools")]
pub mod caller_file;
#[cfg(feature = "tools")]
pub mod carried;
mod commit;
#[cfg(feature = "tools")]
pub mod directory;
#[cfg(feature = "tools")]
pub mod far_ahead;
#[cfg(feature = "tools")]
pub mod good;
#[cfg(feature = "tools")]
pub mod homes;
#[cfg(feature = "tools")]
pub mod invoking_user;
#[cfg(feature = "tools")]
mod large_group;
mod mount;
#[cfg(feature = "tools")]
pub mod new_file;
mod opening;
#[cfg(feature = "tools")]
pub mod post;
#[cfg(feature = "tools")]
pub mod prepare;
#[cfg(feature = "tools")]
mod private_path;
#[cfg(feature = "tools")]
pub mod programs;
#[cfg(feature = "tools")]
pub mod roll;
#[cfg(feature = "tools")]
pub mod source;
#[cfg(feature = "tools")]
pub mod swap_file;
mod sweep;
mod synchronized;
mod uid_link;
