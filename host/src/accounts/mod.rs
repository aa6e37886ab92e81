//! Accounts and groups as the name service has them.
//!
//! May use: `programs`.

#[cfg(feature = "tools")]
pub(crate) mod large_group;
mod nss;

pub use nss::*;
