//! Mail to people: where it goes, what it looks like, and the program that takes it.

mod address;
mod compose;
mod examine;
mod fault;
mod office;
mod replacement;
mod sendmail;
mod ticket;

pub use address::Address;
pub use examine::{examine, setting as sender_fault};
pub use fault::MailFault;
pub use office::{Office, Sheet};
pub use ticket::{send_ticket, send_ticket_within};
