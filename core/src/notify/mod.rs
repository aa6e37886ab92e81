//! Mail to users: notifications, when a failed delivery is tried again, spool file names, and the texts.
//!
//! May use: `base`, `ledger`, `policy`, `record`, `text`.

pub mod notification;
pub mod retry;
pub mod spool_name;
pub mod template;
pub(crate) mod texts;
