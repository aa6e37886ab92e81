//! Asks for a fresh set-up ticket by mail, at a login that a reminder lets go on and whose ticket has expired.

use crate::{
    admission::{Offer, Without},
    dialogue::talk::Talk,
    letter::LetterKind,
    message::set_up::SetUp,
    policy::TicketNeed,
    record::Record,
    ticket_renewal,
};

/// Puts a letter into the outbox, best effort, and tells the user; `twinlock deliver` draws the ticket. Does nothing where
/// a ticket still works or went out within a day, where set-up needs none, and where no mail address is known.
pub fn request(talk: &Talk<'_>, offer: Offer, record: Option<&Record>) {
    let reminded =
        offer.ticket == TicketNeed::Needed && matches!(offer.without, Without::LetThrough(_));
    let Some(record) = record.filter(|_| reminded) else { return };
    let has_address = record.beside.mail.is_some() || talk.policy.mail.domain.is_some();
    let Ok(now) = talk.now() else { return };
    if has_address && ticket_renewal::is_due(record, now) {
        talk.write(LetterKind::TicketExpired, None);
        talk.person().tell(&talk.set_up(&SetUp::TicketExpired));
    }
}
