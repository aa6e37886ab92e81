//! Text about what a record contains besides authenticators: a set-up in progress, tickets, bypass codes, a note that
//! new backup codes must be shown, and who has seen a key.

use serde_json::{Value, json};
use twinlock_core::{
    base::time::UnixTime,
    record::{
        Authenticator, Record,
        extras::{AuditStamp, Purpose, RecordExtras},
        pending::resumed_until,
    },
};

use crate::{
    context::Context,
    text::{count, instant, plain},
};

/// Returns lines about what a record contains besides authenticators. For most users there are none.
pub(crate) fn lines(context: &Context, record: &Record, now: UnixTime) -> Vec<String> {
    let extras = &record.extras;
    let mut lines = Vec::new();
    lines.extend(extras.changed.map(|at| format!("Last change: {}", instant(at))));
    lines.extend(extras.mail.as_ref().map(|mail| format!("Mail: {}", plain(mail))));
    lines.extend(record.authenticators.iter().filter_map(|one| seen(context, one)));
    lines.extend(extras.owed_codes.as_ref().map(|audit| {
        format!("New backup codes are due since {}: the next login shows them.", by(audit))
    }));
    lines.extend(on_the_way(extras, now));
    lines
}

/// Returns lines about a set-up in progress, tickets and bypass codes.
pub(crate) fn on_the_way(extras: &RecordExtras, now: UnixTime) -> Vec<String> {
    under_way(extras, now).into_iter().chain(given_out(extras, now)).collect()
}

fn by(audit: &AuditStamp) -> String {
    format!("{} (by {})", instant(audit.at), plain(&audit.by))
}

/// Returns a sentence that says who has seen the authenticator's key, and within how many logins the user must change
/// it. `None` if nobody else has seen it.
fn seen(context: &Context, one: &Authenticator) -> Option<String> {
    let seen = one.seen.as_ref()?;
    let left = context.policy.handover_logins.saturating_sub(seen.postponed);
    let left = count(usize::from(left), "login");
    Some(format!(
        "The key of {} was seen by {} at {}: the user must change it within {left}.",
        plain(&one.name),
        plain(&seen.audit.by),
        instant(seen.audit.at)
    ))
}

fn under_way(extras: &RecordExtras, now: UnixTime) -> Option<String> {
    let pending = extras.pending.as_ref()?;
    let until = resumed_until(pending.since);
    let (at, from) = (instant(pending.since), pending.source.as_str());
    // Only a verified ssh key proves that the same user continues.
    Some(if pending.fingerprint.is_some() && now < until {
        format!(
            "Set-up was begun at {at} from {from}; it can be continued from there, with the same ssh key, until {}.",
            instant(until)
        )
    } else {
        format!(
            "Set-up was begun at {at} from {from} and not finished; the next set-up shows another key."
        )
    })
}

fn given_out(extras: &RecordExtras, now: UnixTime) -> Vec<String> {
    let end = |until: UnixTime| {
        if now < until { format!("until {}", instant(until)) } else { "expired".into() }
    };
    let tickets = extras.tickets.iter().map(|ticket| {
        let what = match ticket.purpose {
            Purpose::SetUp => "set-up",
            Purpose::Codes => "new backup codes",
        };
        let (by, end) = (plain(&ticket.audit.by), end(ticket.voucher.until));
        format!("Ticket for {what}: from {by}, {end}")
    });
    let bypasses = extras.bypasses.iter().map(|bypass| {
        let (by, end) = (plain(&bypass.audit.by), end(bypass.voucher.until));
        format!("Bypass code: from {by}, {} left, {end}", count(usize::from(bypass.uses), "use"))
    });
    tickets.chain(bypasses).collect()
}

/// Returns what a record contains besides authenticators as a JSON object. Times are in seconds since 1970-01-01 00:00
/// UTC.
pub(crate) fn object(record: &Record) -> Value {
    let extras = &record.extras;
    let audit = |audit: &AuditStamp| json!({ "by": audit.by, "at": audit.at.0 });
    let seen = |one: &Authenticator| {
        one.seen.as_ref().map(|seen| {
            json!({
                "authenticator": one.name, "by": seen.audit.by, "at": seen.audit.at.0,
                "postponed": seen.postponed,
            })
        })
    };
    json!({
        "changed": extras.changed.map(|at| at.0),
        "mail": extras.mail,
        "reset": extras.reset.as_ref().map(audit),
        "owed_codes": extras.owed_codes.as_ref().map(audit),
        "seen": record.authenticators.iter().filter_map(seen).collect::<Vec<_>>(),
        "pending": extras.pending.as_ref().map(|pending| {
            json!({ "since": pending.since.0, "source": pending.source.as_str() })
        }),
        "tickets": extras.tickets.iter().map(|ticket| {
            json!({
                "purpose": ticket.purpose.word(), "until": ticket.voucher.until.0,
                "by": ticket.audit.by,
            })
        }).collect::<Vec<_>>(),
        "bypasses": extras.bypasses.iter().map(|bypass| {
            json!({
                "uses": bypass.uses, "until": bypass.voucher.until.0, "by": bypass.audit.by,
            })
        }).collect::<Vec<_>>(),
    })
}
