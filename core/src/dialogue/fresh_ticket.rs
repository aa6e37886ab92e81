//! Requests a new set-up ticket by mail if a login finds the old ticket expired and grants access with a reminder.

use crate::{
    dialogue::context::DialogueContext,
    message::set_up::SetUp,
    notify::notification::NotificationKind,
    policy::{
        TicketNeed,
        admission::{Offer, Without},
    },
    record::{Record, ticket_renewal},
};

/// Queues the request for a new ticket, best effort, and tells the user. `twinlock deliver` generates the ticket later.
///
/// Does nothing in these cases: a ticket is valid or was issued within the past day, the user has no record or mail
/// address, set-up needs no ticket, or the login requires set-up.
pub fn request(context: &DialogueContext<'_>, offer: Offer, record: Option<&Record>) {
    let reminded =
        offer.ticket == TicketNeed::Needed && matches!(offer.without, Without::LetThrough(_));
    let Some(record) = record.filter(|_| reminded) else { return };
    let has_address = record.extras.mail.is_some() || context.policy.mail.domain.is_some();
    let Ok(now) = context.now() else { return };
    if has_address && ticket_renewal::is_due(record, now) {
        context.write(NotificationKind::TicketExpired, None);
        context.person().tell(&context.set_up(&SetUp::TicketExpired));
    }
}
