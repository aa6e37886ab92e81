//! Mail to users: the notifications, the time at which a failed delivery is tried again, the names of spool files, and
//! the texts.
//!
//! May use: `base`, `ledger`, `policy`, `record`, `text`.

pub mod notification;
pub mod retry;
pub mod spool_name;
pub mod template;
pub(crate) mod texts;
