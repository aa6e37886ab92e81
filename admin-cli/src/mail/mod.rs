//! Mail to users: the text, and the program that sends it.
//!
//! May use: `context`, `error`, `text`.

mod compose;
mod examine;
mod fault;
mod mailer;
mod replacement;
mod sendmail;
mod ticket;

pub(crate) use examine::{examine, setting as sender_fault};
pub(crate) use fault::MailError;
pub(crate) use mailer::{MailBody, Mailer};
pub(crate) use ticket::{send_ticket, send_ticket_within};
