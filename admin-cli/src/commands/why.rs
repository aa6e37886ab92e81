//! `twinlock why USER`: prints the last refusals with their remedies, and what would refuse a login now.

use serde_json::json;
use twinlock_core::{
    account::Account,
    beside::Beside,
    epoch, facts,
    fault::LedgerFault,
    ledger::{Budget, Facts, Refused, Try},
    ports::{Accounts, Ledger, Records, Seat, Shelf, Snapshot},
    refusals,
    request::SourceLabel,
    row,
    text::duration,
    throttle::{self, Case, Familiarity, Weighed},
    time::{Now, UnixTime},
};

use crate::{
    ahead,
    commands::beside,
    desk::Desk,
    exit::Failure,
    person::{self, Person, Standing},
    reasons::explain,
    wording::{WIDTH, instant, plain, wrap},
};

/// What refuses a login before this module knows the user, or before it is called.
const ELSEWHERE: &str = "\nRefused all the same? twinlock doctor ssh, then: journalctl -t twinlock -t sshd. A program that does not run as \
     root (caller_not_root) leaves its refusals in the log alone.";

/// Content of the ledger.
struct Ledgers {
    refused: Vec<Refused>,
    waiting: Vec<Waiting>,
    floor: Option<UnixTime>,
    /// Until when the clock was ahead, if that locks out the user now.
    ahead: Option<UnixTime>,
}

/// A source whose next attempt would not be judged.
pub struct Waiting {
    source: SourceLabel,
    /// Until when; `None` if only `unlock`, or a login from a known source, ends it.
    pub until: Option<UnixTime>,
}

/// Explains the last refusals.
pub fn run(desk: &Desk, user: &str) -> Result<(), Failure> {
    desk.need_root("see why people were refused")?;
    let account = desk.machine.accounts.by_name(user)?;
    let name = account.as_ref().map_or(user, |account| account.name.as_str()).to_owned();
    let person = account.as_ref().map(|account| person::of_account(desk, account));
    let now = desk.now()?;
    let ledgers = look(desk, (account.as_ref(), &name), now);
    if desk.json {
        let object = object(&name, person.as_ref(), &ledgers);
        return desk.print(&format!("{object}\n"));
    }
    let record = account.and_then(|account| desk.machine.records.newest(&account).ok().flatten());
    let extras = record.as_ref().map(|found| &found.record.beside);
    let mut lines = vec![state(&name, person.as_ref(), extras)];
    lines.extend(extras.iter().flat_map(|extras| beside::on_the_way(extras, now.unix)));
    match &ledgers {
        Ok(ledgers) => lines.extend(spoken(&name, ledgers, now.unix)),
        Err(fault) => {
            let explained = explain(fault.reason(), &plain(&name));
            lines.push(format!("Ledger: {}.\n  {}", explained.meaning, explained.remedy));
        }
    }
    lines.push(ELSEWHERE.into());
    let wrapped: Vec<String> = lines.iter().map(|line| wrap(line, WIDTH, 2)).collect();
    desk.print(&format!("{}\n", wrapped.join("\n")))
}

fn look(
    desk: &Desk,
    (account, name): (Option<&Account>, &str),
    now: Now,
) -> Result<Ledgers, LedgerFault> {
    let ledger = &desk.machine.ledger;
    let shelf = ledger.open(&Seat::of(account, name))?;
    let found = account.and_then(|account| desk.machine.records.newest(account).ok().flatten());
    let floor = ledger.epoch()?.and_then(|known| epoch::floor(&known, &known.boot_id, now));
    let ahead =
        ahead::of_person(desk, found.as_ref(), now.unix).max(ahead::of_floor(floor, now.unix));
    Ok(Ledgers {
        refused: refusals::all(shelf.as_ref()),
        waiting: waiting(desk, shelf.as_ref(), (found.as_ref(), now.unix))?,
        floor,
        ahead,
    })
}

/// Returns what the throttle would decide about one more attempt from each recorded source.
fn waiting(
    desk: &Desk,
    shelf: &dyn Shelf,
    (found, now): (Option<&Snapshot>, UnixTime),
) -> Result<Vec<Waiting>, LedgerFault> {
    let facts = facts::read(shelf, None)?;
    let mut sources: Vec<(Budget, SourceLabel)> = Vec::new();
    for charged in &facts.tries {
        let source = (charged.name.budget, charged.name.source.clone());
        if !sources.contains(&source) {
            sources.push(source);
        }
    }
    let waits = sources.into_iter().filter_map(|from| of_source(desk, &facts, (found, now), from));
    Ok(waits.collect())
}

/// Returns the wait of a source whose next attempt would not be judged.
pub fn of_source(
    desk: &Desk,
    facts: &Facts,
    (found, now): (Option<&Snapshot>, UnixTime),
    (budget, source): (Budget, SourceLabel),
) -> Option<Waiting> {
    let failures = found.map_or(0, |found| found.failures);
    let in_a_row = row::length(facts, row::in_force(facts, failures, now), None);
    let familiarity = Familiarity::of(found, &source);
    let charged = next_try(facts, budget, source, now);
    let case = Case { charged: &charged, facts, in_a_row, familiarity, now };
    let until = match throttle::weigh(&desk.policy.throttle, &case) {
        Weighed::Judge => return None,
        Weighed::Wait { until } => Some(until),
        Weighed::Locked => None,
    };
    Some(Waiting { source: charged.source, until })
}

fn next_try(facts: &Facts, budget: Budget, source: SourceLabel, now: UnixTime) -> Try {
    let slot = throttle::free_slot(facts, budget, &source, now.day());
    Try { budget, day: now.day(), slot, source }
}

fn state(name: &str, person: Option<&Person>, extras: Option<&Beside>) -> String {
    let user = plain(name);
    let Some(person) = person else {
        return format!(
            "There is no account {user}. Names without one share 256 places, so what follows may be another name's."
        );
    };
    match person.standing {
        Standing::Enrolled | Standing::NoAccount => {
            format!("{user} is enrolled, and the record can be read.")
        }
        Standing::Pending => pending(&user, extras),
        Standing::Removed | Standing::NotEnrolled => format!(
            "{user} is {}. To enroll: twinlock enroll {user}",
            if person.standing == Standing::Removed { "removed" } else { "not enrolled" }
        ),
        Standing::Broken(fault) => {
            let reason = person.standing.reason().unwrap_or_default();
            let explained = explain(fault.reason(), &user);
            format!(
                "Every login of {user} is refused now: {} ({reason}).\n  {}",
                explained.meaning, explained.remedy
            )
        }
    }
}

/// Explains what the next login needs of an account that was reset or invited, or has a pending set-up.
fn pending(user: &str, extras: Option<&Beside>) -> String {
    let (done, has_ticket) = match extras {
        Some(Beside { reset: Some(trace), .. }) => {
            (format!("was reset by {} at {}", plain(&trace.by), instant(trace.at)), true)
        }
        Some(Beside { tickets, .. }) if !tickets.is_empty() => ("is invited".to_owned(), true),
        Some(_) | None => ("has begun set-up and not finished it".to_owned(), false),
    };
    let next = if has_ticket {
        format!("The next login sets up an app. For a new ticket: twinlock invite {user}")
    } else {
        format!("To enroll: twinlock enroll {user}")
    };
    format!("{user} {done}, and no app is set up. {next}")
}

fn spoken(name: &str, ledgers: &Ledgers, now: UnixTime) -> Vec<String> {
    let mut lines = Vec::new();
    lines.push(match ledgers.floor {
        Some(floor) => format!("Codes from before {} count as used.", instant(floor)),
        None => "The ledger has no epoch yet; the next login begins one.".into(),
    });
    lines.extend(ledgers.ahead.map(ahead::sentence));
    lines.extend(ledgers.waiting.iter().map(|waiting| match waiting.until {
        Some(until) => format!(
            "Too many wrong codes from {}: the next is judged at {} (in {}).",
            waiting.source.as_str(),
            instant(until),
            duration(until.since(now))
        ),
        None => format!(
            "Too many wrong codes in a row: none is judged from {}.",
            waiting.source.as_str()
        ),
    }));
    if ledgers.refused.is_empty() {
        lines.push("No refusal is on file.".into());
        return lines;
    }
    lines.push("\nLast refusals, newest first:".into());
    let alike = |one: &Refused, other: &Refused| {
        (&one.reason, &one.service, &one.source) == (&other.reason, &other.service, &other.source)
    };
    lines.extend(ledgers.refused.chunk_by(alike).filter_map(|group| refusals_alike(name, group)));
    lines
}

/// Describes consecutive refusals for the same reason, newest first, as one.
fn refusals_alike(name: &str, group: &[Refused]) -> Option<String> {
    let (newest, oldest) = (group.first()?, group.last()?);
    let told = refusal(name, newest);
    Some(match group.len() {
        1 => told,
        times => format!("{told}\n  {times} times, first at {}.", instant(oldest.at)),
    })
}

fn refusal(name: &str, refused: &Refused) -> String {
    let explained = explain(&refused.reason, &plain(name));
    format!(
        "{}  {}  from {}\n  {}: {}\n  {}",
        instant(refused.at),
        plain(&refused.service),
        refused.source.as_str(),
        plain(&refused.reason),
        explained.meaning,
        explained.remedy
    )
}

fn object(
    name: &str,
    person: Option<&Person>,
    ledgers: &Result<Ledgers, LedgerFault>,
) -> serde_json::Value {
    let mut object = json!({
        "user": name,
        "state": person.map_or("unknown user", |person| person.standing.word()),
        "reason": person.and_then(|person| person.standing.reason()),
    });
    let more = match ledgers {
        Ok(ledgers) => json!({
            "epoch": ledgers.floor.map(|at| at.0),
            "clock_was_ahead_until": ledgers.ahead.map(|at| at.0),
            "throttled": ledgers.waiting.iter().map(|waiting| json!({
                "source": waiting.source.as_str(), "until": waiting.until.map(|at| at.0),
            })).collect::<Vec<_>>(),
            "refusals": ledgers.refused.iter().map(|refused| {
                let explained = explain(&refused.reason, name);
                json!({
                    "at": refused.at.0, "service": refused.service,
                    "source": refused.source.as_str(), "reason": refused.reason,
                    "meaning": explained.meaning, "remedy": explained.remedy,
                })
            }).collect::<Vec<_>>(),
        }),
        Err(fault) => json!({ "ledger": fault.reason() }),
    };
    if let (Some(object), serde_json::Value::Object(more)) = (object.as_object_mut(), more) {
        object.extend(more);
    }
    object
}
