//! Requests a new set-up ticket by mail, at a login that is granted with a reminder after the ticket has expired.

use crate::{
    admission::{Offer, Without},
    dialogue::talk::Talk,
    letter::LetterKind,
    message::set_up::SetUp,
    policy::TicketNeed,
    record::Record,
    ticket_renewal,
};

/// Queues a request, best effort, and tells the user; `twinlock deliver` generates the ticket. Does nothing if a
/// ticket is still valid or was sent within a day, if set-up needs no ticket, or if there is no mail address.
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
