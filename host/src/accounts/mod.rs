//! Accounts and groups as NSS reports them.
//!
//! May use: `programs`.

#[cfg(feature = "tools")]
pub(crate) mod large_group;
#[cfg(feature = "tools")]
mod memberships;
mod nss;

pub use nss::*;
