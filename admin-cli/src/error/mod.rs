//! How a command fails: exit statuses, and the sentences that say what happened and what to do.
//!
//! May use: `text`.

pub(crate) mod caller_files;
pub(crate) mod exit;
pub(crate) mod refusal_messages;
pub(crate) mod settings_errors;
