//! Describes what a record holds besides the authenticators: pending set-up, tickets, bypass codes, owed codes,
//! disclosed keys.

use serde_json::{Value, json};
use twinlock_core::{
    beside::{Beside, Purpose, Trace},
    pending::resumed_until,
    record::{Authenticator, Record},
    time::UnixTime,
};

use crate::{
    desk::Desk,
    wording::{count, instant, plain},
};

/// Returns the lines about it; for most users there are none.
pub fn lines(desk: &Desk, record: &Record, now: UnixTime) -> Vec<String> {
    let beside = &record.beside;
    let mut lines = Vec::new();
    lines.extend(beside.changed.map(|at| format!("Last change: {}", instant(at))));
    lines.extend(beside.mail.as_ref().map(|mail| format!("Mail: {}", plain(mail))));
    lines.extend(record.authenticators.iter().filter_map(|one| seen(desk, one)));
    lines.extend(beside.owed_codes.as_ref().map(|trace| {
        format!("New backup codes are owed since {}: the next login shows them.", by(trace))
    }));
    lines.extend(on_the_way(beside, now));
    lines
}

/// Returns the lines about a pending set-up, tickets and bypass codes.
pub fn on_the_way(beside: &Beside, now: UnixTime) -> Vec<String> {
    under_way(beside, now).into_iter().chain(given_out(beside, now)).collect()
}

fn by(trace: &Trace) -> String {
    format!("{} (by {})", instant(trace.at), plain(&trace.by))
}

/// Describes to whom a key was disclosed, and how often its owner may still postpone the change.
fn seen(desk: &Desk, one: &Authenticator) -> Option<String> {
    let seen = one.seen.as_ref()?;
    let left = desk.policy.handover_logins.saturating_sub(seen.postponed);
    let left = count(usize::from(left), "login");
    Some(format!(
        "The key of {} was seen by {} at {}: its owner is to change it, within {left}.",
        plain(&one.name),
        plain(&seen.trace.by),
        instant(seen.trace.at)
    ))
}

fn under_way(beside: &Beside, now: UnixTime) -> Option<String> {
    let pending = beside.pending.as_ref()?;
    let until = resumed_until(pending.since);
    let (at, from) = (instant(pending.since), pending.source.as_str());
    // Only a verified ssh key proves that the same user continues.
    Some(if pending.fingerprint.is_some() && now < until {
        format!(
            "Set-up was begun at {at} from {from}; from there, with the same ssh key, it goes on until {}.",
            instant(until)
        )
    } else {
        format!(
            "Set-up was begun at {at} from {from} and not finished; the next one shows another key."
        )
    })
}

fn given_out(beside: &Beside, now: UnixTime) -> Vec<String> {
    let end = |until: UnixTime| {
        if now < until { format!("until {}", instant(until)) } else { "which is over".into() }
    };
    let tickets = beside.tickets.iter().map(|ticket| {
        let what = match ticket.purpose {
            Purpose::SetUp => "set-up",
            Purpose::Codes => "new backup codes",
        };
        let (by, end) = (plain(&ticket.trace.by), end(ticket.voucher.until));
        format!("Ticket for {what}: from {by}, {end}")
    });
    let bypasses = beside.bypasses.iter().map(|bypass| {
        let (by, end) = (plain(&bypass.trace.by), end(bypass.voucher.until));
        format!("Bypass: from {by}, {} left, {end}", count(usize::from(bypass.uses), "use"))
    });
    tickets.chain(bypasses).collect()
}

/// Returns the same as JSON; instants are seconds since 1970.
pub fn object(record: &Record) -> Value {
    let beside = &record.beside;
    let trace = |trace: &Trace| json!({ "by": trace.by, "at": trace.at.0 });
    let seen = |one: &Authenticator| {
        one.seen.as_ref().map(|seen| {
            json!({
                "authenticator": one.name, "by": seen.trace.by, "at": seen.trace.at.0,
                "postponed": seen.postponed,
            })
        })
    };
    json!({
        "changed": beside.changed.map(|at| at.0),
        "mail": beside.mail,
        "reset": beside.reset.as_ref().map(trace),
        "owed_codes": beside.owed_codes.as_ref().map(trace),
        "seen": record.authenticators.iter().filter_map(seen).collect::<Vec<_>>(),
        "pending": beside.pending.as_ref().map(|pending| {
            json!({ "since": pending.since.0, "source": pending.source.as_str() })
        }),
        "tickets": beside.tickets.iter().map(|ticket| {
            json!({
                "purpose": ticket.purpose.word(), "until": ticket.voucher.until.0,
                "by": ticket.trace.by,
            })
        }).collect::<Vec<_>>(),
        "bypasses": beside.bypasses.iter().map(|bypass| {
            json!({
                "uses": bypass.uses, "until": bypass.voucher.until.0, "by": bypass.trace.by,
            })
        }).collect::<Vec<_>>(),
    })
}
