//! `twinlock why USER`: prints why the user's last logins were refused, what to do, and what would refuse a login now.

mod in_fleet;

use serde_json::json;
use twinlock_core::{
    base::{
        account::Account,
        error::LedgerError,
        request::SourceLabel,
        time::{Now, UnixTime},
    },
    ledger::{
        Budget, LedgerHistory, Refused, Try, epoch, failure_streak,
        throttle::{self, Familiarity, ThrottleDecision, ThrottleInput},
    },
    ports::{Accounts, Ledger, LedgerKey, Records, Snapshot, UserLedger},
    record::extras::RecordExtras,
    text::duration,
    verify::{history, refusal_log},
};
use twinlock_host::fleet::membership::FleetUse;

use crate::{
    context::{Context, need_name},
    enrollment::{
        ahead, extras,
        person::{self, EnrollmentStatus, Person},
    },
    error::{exit::CliError, refusal_messages::explain},
    text::{WIDTH, instant, plain, wrap},
};

/// Advice about refusals that the ledger does not contain. The module was not called at these logins, or it did not
/// know the user.
const ELSEWHERE: &str = "\nIf logins are still refused: twinlock doctor ssh, then journalctl -t twinlock -t sshd. A program that does not run as \
     root (caller_not_root, agent_*) may leave its refusals only in the log.";

/// What the ledger contains about a user's refused logins.
struct Ledgers {
    refused: Vec<Refused>,
    waiting: Vec<WaitingSource>,
    floor: Option<UnixTime>,
    /// Latest time that the host's clock showed while it was ahead; `None` if that does not lock out the user now.
    ahead: Option<UnixTime>,
}

/// A source that has to wait: its next code would be refused without a comparison.
pub(crate) struct WaitingSource {
    source: SourceLabel,
    /// Time at which a code is compared again; `None` if only `twinlock unlock` or a login from a known source ends the
    /// wait.
    pub(crate) until: Option<UnixTime>,
}

/// Prints the last refusals of the user, and what would refuse a login now.
pub(crate) fn run(context: &Context, user: &str) -> Result<(), CliError> {
    context.need_root("see why users were refused")?;
    need_name(user)?;
    let account = context.machine.accounts.by_name(user)?;
    let name = account.as_ref().map_or(user, |account| account.name.as_str()).to_owned();
    let person = account.as_ref().map(|account| person::of_account(context, account));
    let now = context.now()?;
    let ledgers = look(context, account.as_ref(), &name, now);
    let newest = |account| context.machine.records.newest(account).ok().flatten();
    let record = account.as_ref().and_then(newest);
    let uses = in_fleet::of(context, account.as_ref(), record.as_ref().map(|found| &found.record));
    if context.json {
        let object = object(&name, person.as_ref(), &ledgers, uses.as_deref());
        return context.print(&format!("{object}\n"));
    }
    let extras = record.as_ref().map(|found| &found.record.extras);
    let mut lines = vec![state(&name, person.as_ref(), extras)];
    lines.extend(extras.iter().flat_map(|extras| extras::on_the_way(extras, now.unix)));
    match &ledgers {
        Ok(ledgers) => lines.extend(spoken(&name, ledgers, now.unix)),
        Err(fault) => {
            let explained = explain(fault.reason(), &plain(&name));
            lines.push(format!("Ledger: {}.\n  {}", explained.meaning, explained.remedy));
        }
    }
    lines.extend(in_fleet::spoken(&uses.unwrap_or_default()));
    lines.push(ELSEWHERE.into());
    let wrapped: Vec<String> = lines.iter().map(|line| wrap(line, WIDTH, 2)).collect();
    context.print(&format!("{}\n", wrapped.join("\n")))
}

fn look(
    context: &Context,
    account: Option<&Account>,
    name: &str,
    now: Now,
) -> Result<Ledgers, LedgerError> {
    let ledger = &context.machine.ledger;
    let user_ledger = ledger.open(&LedgerKey::of(account, name))?;
    let found = account.and_then(|account| context.machine.records.newest(account).ok().flatten());
    let floor = ledger.epoch()?.and_then(|known| epoch::floor(&known, &known.boot_id, now));
    let ahead =
        ahead::of_person(context, found.as_ref(), now.unix).max(ahead::of_floor(floor, now.unix));
    Ok(Ledgers {
        refused: refusal_log::all(user_ledger.as_ref()),
        waiting: waiting(context, user_ledger.as_ref(), found.as_ref(), now.unix)?,
        floor,
        ahead,
    })
}

/// Returns those sources of the user's recorded attempts that have to wait: no code from them would be compared now.
fn waiting(
    context: &Context,
    user_ledger: &dyn UserLedger,
    found: Option<&Snapshot>,
    now: UnixTime,
) -> Result<Vec<WaitingSource>, LedgerError> {
    let history = history::read(user_ledger, None)?;
    let mut sources: Vec<AttemptOrigin> = Vec::new();
    for charged in &history.tries {
        let source =
            AttemptOrigin { budget: charged.name.budget, source: charged.name.source.clone() };
        if !sources.contains(&source) {
            sources.push(source);
        }
    }
    let waits =
        sources.into_iter().filter_map(|from| of_source(context, &history, found, now, from));
    Ok(waits.collect())
}

/// Source of attempts, and the kind of the attempts, which says which limit counts them.
#[derive(PartialEq)]
pub(crate) struct AttemptOrigin {
    pub(crate) budget: Budget,
    pub(crate) source: SourceLabel,
}

/// Returns how long the source `origin` has to wait; `None` if its next code would be compared. `found` is the user's
/// record.
pub(crate) fn of_source(
    context: &Context,
    history: &LedgerHistory,
    found: Option<&Snapshot>,
    now: UnixTime,
    origin: AttemptOrigin,
) -> Option<WaitingSource> {
    let AttemptOrigin { budget, source } = origin;
    let failures = found.map_or(0, |found| found.failures);
    // Neither the failure streak nor a known source counts at a screen locker.
    let is_locker = budget == Budget::Locker;
    let in_a_row = match is_locker {
        true => 0,
        false => {
            failure_streak::length(history, failure_streak::in_force(history, failures, now), None)
        }
    };
    let familiarity = Familiarity::of(found.filter(|_| !is_locker), &source);
    let charged = next_try(history, budget, source, now);
    let case = ThrottleInput { charged: &charged, history, in_a_row, familiarity, now };
    let own = context.policy.throttle;
    let limits = context.machine.records.limits().map_or(own, |shared| own.stricter(shared));
    let until = match throttle::check(&limits, &case) {
        ThrottleDecision::Judge => return None,
        ThrottleDecision::Wait { until } => Some(until),
        ThrottleDecision::Locked => None,
    };
    Some(WaitingSource { source: charged.source, until })
}

fn next_try(history: &LedgerHistory, budget: Budget, source: SourceLabel, now: UnixTime) -> Try {
    let slot = throttle::free_slot(history, budget, &source, now.day());
    Try { budget, day: now.day(), slot, source }
}

fn state(name: &str, person: Option<&Person>, extras: Option<&RecordExtras>) -> String {
    let user = plain(name);
    let Some(person) = person else {
        return format!(
            "There is no account {user}. Names without an account share 256 entries, so what follows may concern another name."
        );
    };
    match person.status {
        EnrollmentStatus::Enrolled | EnrollmentStatus::NoAccount => {
            format!("{user} is enrolled, and the record can be read.")
        }
        EnrollmentStatus::Pending => pending(&user, extras),
        EnrollmentStatus::Removed | EnrollmentStatus::NotEnrolled => format!(
            "{user} is {}. To enroll: twinlock enroll {user}",
            if person.status == EnrollmentStatus::Removed { "removed" } else { "not enrolled" }
        ),
        EnrollmentStatus::Broken(fault) => {
            let reason = person.status.reason().unwrap_or_default();
            let explained = explain(fault.reason(), &user);
            format!(
                "Every login of {user} is refused now: {} ({reason}).\n  {}",
                explained.meaning, explained.remedy
            )
        }
    }
}

/// Returns a sentence about a user who was reset, was invited or has begun set-up, with the user's next step.
fn pending(user: &str, extras: Option<&RecordExtras>) -> String {
    let (done, has_ticket) = match extras {
        Some(RecordExtras { reset: Some(audit), .. }) => {
            (format!("was reset by {} at {}", plain(&audit.by), instant(audit.at)), true)
        }
        Some(RecordExtras { tickets, .. }) if !tickets.is_empty() => {
            ("is invited".to_owned(), true)
        }
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
            "Too many wrong codes from {}: the next is verified at {} (in {}).",
            waiting.source.as_str(),
            instant(until),
            duration(until.since(now))
        ),
        None => format!(
            "Too many wrong codes in a row: no code from {} is verified.",
            waiting.source.as_str()
        ),
    }));
    if !ledgers.waiting.is_empty() {
        let user = plain(name);
        lines.push(format!("To let {user} try again at once: twinlock unlock {user}"));
    }
    if ledgers.refused.is_empty() {
        lines.push("No refusal is recorded.".into());
        return lines;
    }
    lines.push("\nLast refusals, newest first:".into());
    let same = |one: &Refused, other: &Refused| {
        (&one.reason, &one.service, &one.source) == (&other.reason, &other.service, &other.source)
    };
    lines.extend(ledgers.refused.chunk_by(same).filter_map(|group| refusals_uniform(name, group)));
    lines
}

/// Returns the text about consecutive refusals with the same reason, service and source, which are reported as one.
/// `group` begins with the newest refusal. Returns `None` if `group` is empty.
fn refusals_uniform(name: &str, group: &[Refused]) -> Option<String> {
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
    ledgers: &Result<Ledgers, LedgerError>,
    uses: Option<&[FleetUse]>,
) -> serde_json::Value {
    let mut object = json!({
        "user": name,
        "state": person.map_or("unknown user", |person| person.status.word()),
        "reason": person.and_then(|person| person.status.reason()),
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
        object.extend(uses.map(|uses| ("fleet".to_owned(), in_fleet::objects(uses))));
    }
    object
}
