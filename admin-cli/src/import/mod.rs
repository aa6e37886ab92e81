//! Imports enrollments. One file for each kind of source reads the source; the others import a user by a plan, and
//! report the import.
//!
//! May use: `authorize`, `cli`, `context`, `enrollment`, `error`, `terminal`, `text`.

pub(crate) mod candidates;
pub(crate) mod google;
pub(crate) mod import_messages;
pub(crate) mod import_text;
pub(crate) mod migration;
pub(crate) mod oath;
pub(crate) mod qr;
pub(crate) mod qr_reader;
pub(crate) mod record;
pub(crate) mod report;
pub(crate) mod source_removal;
pub(crate) mod take_over;
pub(crate) mod uri;
