//! The records folder: records, code sets, links from user ids to user names, and the store-id.
//!
//! May use: `trusted_dir`, `clock`, `clock_mark`, `entropy`, `argon_memory`.

pub mod code_sets;
pub(crate) mod commit;
#[cfg(feature = "tools")]
pub mod enrolled_users;
#[cfg(feature = "tools")]
pub mod exported_state;
pub mod records;
pub mod store_id;
pub(crate) mod sweep;
pub(crate) mod uid_link;
pub(crate) mod uniform_reads;
