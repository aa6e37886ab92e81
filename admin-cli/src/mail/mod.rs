//! Mail to people: where it goes, what it looks like, and the program that takes it.

mod address;
mod compose;
mod fault;
mod replacement;
mod sendmail;
mod ticket;

pub use address::Address;
pub use fault::MailFault;
pub use ticket::send_ticket;
