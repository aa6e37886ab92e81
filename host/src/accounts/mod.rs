//! Accounts and groups as NSS reports them.
//!
//! May use: `programs`.

#[cfg(feature = "tools")]
pub(crate) mod large_group;
mod nss;

pub use nss::*;
