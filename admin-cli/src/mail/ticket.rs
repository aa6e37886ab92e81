//! A ticket by mail: sent at once and never kept, so that whoever gives it out can show it where mail fails.

use std::time::Duration;

use twinlock_core::{
    beside::Purpose,
    letter::{Handout, Topic},
    ports::Accounts,
    text::mail::Blanks,
};

use crate::{
    desk::Desk,
    mail::{
        address::Address,
        compose::{Envelope, compose},
        fault::MailFault,
        replacement,
        sendmail::Sendmail,
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
    let mail = &desk.policy.mail;
    let to = Address::of(handout.user, on_record, mail)?;
    let from = Address::read(&mail.from).ok_or_else(|| MailFault::OddSender(mail.from.clone()))?;
    let host = desk.machine.accounts.host_name();
    let blanks = Blanks::of_ticket(handout, &host);
    let topic = Topic::Ticket(handout.purpose);
    let written = replacement::write(&desk.config, desk.policy.language, topic, &blanks);
    let word = match handout.purpose {
        Purpose::SetUp => "set-up",
        Purpose::Codes => "codes",
    };
    let id = format!("{}.{word}.{}@{host}", handout.at.0, std::process::id());
    let envelope = Envelope { from: &from, to: &to, at: handout.at, id };
    let sendmail = Sendmail { program: mail.sendmail.clone(), patience: PATIENCE };
    sendmail.send(compose(&envelope, &written))?;
    Ok(to)
}
