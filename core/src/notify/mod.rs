//! Mail to users: notifications, when a failed delivery is tried again, spool file names, and the texts.
//!
//! May use: `base`, `ledger`, `policy`, `record`, `text`.

pub(crate) mod en;
pub mod notification;
pub mod retry;
pub mod spool_name;
pub(crate) mod sv;
pub mod template;
