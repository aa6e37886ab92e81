//! Forms: text to values and back, for everything that is written down.
mod as_written;
mod c_number;
pub mod codes;
pub mod comments;
pub mod epoch;
pub mod foreign_arguments;
pub mod google;
pub mod ledger_names;
mod lines;
pub mod log_line;
pub mod oath;
pub mod pam_line;
pub mod record;
pub mod settings;
