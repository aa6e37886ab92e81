//! A ticket by mail: sent at once and never kept, so that whoever gives it out can show it where mail fails.

use std::time::Duration;

use twinlock_core::{
    letter::{Handout, Topic},
    text::mail::Blanks,
};

use crate::{
    desk::Desk,
    mail::{
        address::Address,
        fault::MailFault,
        office::{Office, Sheet},
    },
};

/// How long an administrator waits for the program that takes mail.
const PATIENCE: Duration = Duration::from_secs(30);

/// Mails a ticket to whom it is for, at the address on record or else at the domain of the settings, and says where it
/// went. Nothing of it is kept, and it is tried once.
pub fn send_ticket(
    desk: &Desk,
    on_record: Option<&str>,
    handout: &Handout<'_>,
) -> Result<Address, MailFault> {
    let to = Address::of(handout.user, on_record, &desk.policy.mail)?;
    let office = Office::open(desk, PATIENCE)?;
    let topic = Topic::Ticket(handout.purpose);
    let blanks = Blanks::of_ticket(handout, &office.host);
    // Of two tickets within a second both are shown.
    let name = format!("{}={}", topic.word(), std::process::id());
    let sheet = Sheet { topic, blanks: &blanks, at: handout.at, name: &name };
    office.send(&to, handout.user, &sheet)?;
    Ok(to)
}
