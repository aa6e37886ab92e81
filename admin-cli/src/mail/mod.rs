//! Mail to users: the address, the text, and the program that sends it.

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
