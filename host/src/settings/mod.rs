//! Reads and replaces the settings files and their last good copy.
//!
//! May use: `trusted_dir`, `trusted_path`, `open_beneath`, `clock`, `entropy`.

#[cfg(feature = "tools")]
pub mod last_good_settings;
#[cfg(feature = "tools")]
pub mod private_file;
mod read;
#[cfg(feature = "tools")]
pub mod roles_file;
#[cfg(feature = "tools")]
pub mod swap_file;

pub use read::*;
