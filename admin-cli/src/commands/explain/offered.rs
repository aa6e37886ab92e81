//! Sentences of `twinlock explain` about logins at which a code is asked for or set-up is offered.

use twinlock_core::{
    policy::{
        TicketNeed,
        admission::{Offer, Without},
    },
    record::Snapshot,
};

use crate::text::date;

pub(super) fn asked(found: Option<&Snapshot>) -> String {
    let codes = found.is_some_and(|found| found.record.codes.is_some());
    match codes {
        true => "a code from an authenticator or a backup code is asked for".into(),
        false => "a code from an authenticator is asked for".into(),
    }
}

pub(super) fn offered(offer: Offer) -> String {
    let ticket = match offer.ticket {
        TicketNeed::Needed => "with a ticket",
        TicketNeed::Free => "without a ticket",
    };
    match offer.without {
        Without::Refused => format!("set-up is offered, {ticket}; without it the login is refused"),
        Without::LetThrough(None) => {
            format!("set-up is offered, {ticket}; without it the login goes on without a code")
        }
        Without::LetThrough(Some(until)) => format!(
            "set-up is offered, {ticket}; without it the login goes on without a code, until {}",
            date(until)
        ),
    }
}
