//! Forms: parsing and formatting of everything that is stored.
mod as_written;
mod c_number;
pub mod codes;
pub mod comments;
pub mod devices;
pub mod epoch;
pub mod export;
pub mod foreign_arguments;
pub mod google;
pub mod last_good;
pub mod ledger_names;
pub mod letters;
mod lines;
pub mod log_line;
pub mod migration;
pub mod oath;
pub mod pam_line;
#[cfg(feature = "people")]
pub mod people;
pub mod record;
pub mod settings;
mod tables;
