//! The most recent refusals of a user, kept in the ledger for `twinlock why`.

use crate::{
    base::request::{FirstFactor, Request},
    event::Reason,
    ledger::{REFUSALS_KEPT, Refused, names, reserve, throttle::Familiarity},
    ports::{LedgerKey, Ports, UserLedger},
};

/// Stores a refusal in place of the oldest one, best effort. If the first factor is not proven, stores nothing while
/// the ledger is nearly full, because the refusals of many accounts would use up the ledger's [`reserve`].
pub fn keep(ports: &Ports<'_>, ledger_key: &LedgerKey, request: &Request, reason: Reason) {
    let admits = |capacity| reserve::admits(capacity, Familiarity::Stranger);
    let is_scarce = || !ports.ledger.capacity().is_ok_and(admits);
    if request.first_factor() != FirstFactor::Proven && is_scarce() {
        return;
    }
    let (Ok(now), Ok(user_ledger)) = (ports.clock.now(), ports.ledger.open(ledger_key)) else {
        return;
    };
    let refused = Refused {
        at: now.unix,
        reason: reason.word().into(),
        service: request.service.clone(),
        source: request.source.label(),
    };
    let text = names::write_refused(&refused);
    // If the first factor is not proven, a refusal always takes a slot, so that the system calls are the same for every
    // user.
    if request.first_factor() == FirstFactor::Proven
        && matches!(reason, Reason::Throttled | Reason::Locked)
        && let Some(slot) = told_already(user_ledger.as_ref(), &refused)
    {
        return replace(user_ledger.as_ref(), slot, &text);
    }
    for slot in 0..REFUSALS_KEPT {
        match user_ledger.create(&names::refused_name(slot), &text) {
            Ok(crate::ports::Creation::Made) => return,
            Ok(crate::ports::Creation::Taken) => {}
            Err(_) => return,
        }
    }
    if let Some(slot) = oldest(user_ledger.as_ref()) {
        replace(user_ledger.as_ref(), slot, &text);
    }
}

fn replace(user_ledger: &dyn UserLedger, slot: u8, text: &str) {
    let name = names::refused_name(slot);
    user_ledger.erase(&name);
    let _ = user_ledger.create(&name, text);
}

/// Returns the slot (number of the ledger entry) of a stored refusal with the reason, service and source of `refused`;
/// `None` if there is none. The caller stores the new refusal in this slot, so that many equal refusals of a throttled
/// source do not displace the one that shows the cause.
///
/// Compares the text in the form in which it is stored, because writing replaces some characters.
fn told_already(user_ledger: &dyn UserLedger, refused: &Refused) -> Option<u8> {
    let refused = names::read_refused(&names::write_refused(refused))?;
    let is_alike = |slot: &u8| {
        let text = user_ledger.content(&names::refused_name(*slot)).ok().flatten();
        text.and_then(|text| names::read_refused(&text)).is_some_and(|other| {
            (other.reason, other.service, other.source)
                == (refused.reason.clone(), refused.service.clone(), refused.source.clone())
        })
    };
    (0..REFUSALS_KEPT).find(is_alike)
}

fn oldest(user_ledger: &dyn UserLedger) -> Option<u8> {
    let at = |slot: &u8| {
        let text = user_ledger.content(&names::refused_name(*slot)).ok().flatten();
        text.and_then(|text| names::read_refused(&text)).map(|refused| refused.at)
    };
    (0..REFUSALS_KEPT).min_by_key(at)
}

/// Returns the stored refusals of a user, the newest first.
#[must_use]
pub fn all(user_ledger: &dyn UserLedger) -> alloc::vec::Vec<Refused> {
    let read = |slot| {
        let text = user_ledger.content(&names::refused_name(slot)).ok().flatten()?;
        names::read_refused(&text)
    };
    // Of two refusals in the same second, the higher slot has the newer one, until the slots wrap around.
    let mut found: alloc::vec::Vec<Refused> = (0..REFUSALS_KEPT).rev().filter_map(read).collect();
    found.sort_by_key(|refused| core::cmp::Reverse(refused.at));
    found
}
