//! `twinlock status USER`: prints whether a user is enrolled, since when, and when a code was last used.

use rustix::process::geteuid;
use serde_json::Value;
use twinlock_core::{
    account::Account,
    beside::{Beside, Purpose, Ticket},
    facts,
    ledger::Charged,
    policy::NotEnrolled,
    ports::{Ledger, Records, Seat},
    record::{Authenticator, Moving, Record},
    text::duration,
    time::UnixTime,
};

use crate::{
    actor::Login,
    commands::beside,
    desk::{Desk, OWN_WAY},
    exemption::{self, Reach},
    exit::{Exit, Failure, store_remedy},
    one_time::{self, Left},
    person::{self, Person, Standing},
    wording::{WIDTH, instant, plain, wrap},
};

/// Prints the status of one user.
pub fn run(desk: &Desk, user: Option<&str>) -> Result<(), Failure> {
    let account = match user {
        None => caller(desk)?,
        Some(user) => desk.account(asked_for(user)?)?,
    };
    let person = person::of_account(desk, &account);
    if desk.json {
        return desk.print(&format!("{}\n", object(desk, &account, &person)));
    }
    let lines = lines(desk, &account, &person);
    let wrapped: Vec<String> = lines.iter().map(|line| wrap(line, WIDTH, 2)).collect();
    desk.print(&format!("{}\n", wrapped.join("\n")))
}

fn asked_for(user: &str) -> Result<&str, Failure> {
    if geteuid().is_root() { Ok(user) } else { Err(not_root()) }
}

/// Returns the logged-in user who runs the command by sudo.
fn caller(desk: &Desk) -> Result<Account, Failure> {
    if !geteuid().is_root() {
        return Err(not_root());
    }
    let account = match Login::read().caller() {
        Some(uid) if uid != 0 => desk.machine.accounts.by_uid(uid)?,
        _ => None,
    };
    account.ok_or_else(|| {
        Failure::new(
            Exit::Usage,
            "root has to say whose status",
            "Name the account: twinlock status USER. For everybody: twinlock list.",
        )
    })
}

fn not_root() -> Failure {
    Failure::new(Exit::NotAllowed, "records can be read by root alone", OWN_WAY)
}

fn lines(desk: &Desk, account: &Account, person: &Person) -> Vec<String> {
    let user = plain(&person.user);
    let since = person.since.map_or_else(String::new, |since| format!(" since {}", instant(since)));
    let mut lines = match person.standing {
        Standing::Enrolled | Standing::NoAccount => vec![format!("{user} is enrolled{since}.")],
        Standing::Removed => vec![format!("{user} was enrolled once, and is removed{since}.")],
        Standing::Pending => vec![of_pending(desk, account, &since)],
        Standing::NotEnrolled => vec![format!("{user} is not enrolled.")],
        Standing::Broken(fault) => {
            let reason = person.standing.reason().unwrap_or_default();
            let said = format!("{user}'s record cannot be used ({reason}): logins are refused.");
            return vec![said, store_remedy(fault).into()];
        }
    };
    match person.standing {
        Standing::Enrolled | Standing::NoAccount => lines.extend(details(desk, account, person)),
        Standing::Pending | Standing::Removed | Standing::NotEnrolled | Standing::Broken(_) => {
            lines.extend(besides(desk, account));
            lines.push(by_ticket(desk, account).unwrap_or_else(|| consequence(desk, account)));
        }
    }
    lines.extend(exemption::of(desk, account, now(desk)).map(|exempt| {
        let where_ = match exempt.reach {
            Reach::Everywhere => "asks for no code",
            Reach::InPart => "asks for no code by some services, or from some networks",
        };
        format!("Rule {} {where_} (twinlock explain {user}@ADDRESS).", exempt.rule)
    }));
    lines
}

/// Returns the current time, to find what has expired; without a clock nothing has.
fn now(desk: &Desk) -> UnixTime {
    desk.now().map(|now| now.unix).unwrap_or_default()
}

/// Returns the lines about what a record holds besides the authenticators.
fn besides(desk: &Desk, account: &Account) -> Vec<String> {
    match desk.machine.records.newest(account) {
        Ok(Some(found)) => beside::lines(desk, &found.record, now(desk)),
        Ok(None) | Err(_) => Vec::new(),
    }
}

/// Describes what the next login does for a user with a valid ticket.
fn by_ticket(desk: &Desk, account: &Account) -> Option<String> {
    let found = desk.machine.records.newest(account).ok()??;
    let now = now(desk);
    let works = |one: &Ticket| one.purpose == Purpose::SetUp && now < one.voucher.until;
    let mut tickets = found.record.beside.tickets.iter();
    tickets.any(works).then(|| "The next login takes the ticket, and sets up an app.".into())
}

/// Describes a user without an authenticator: reset, invited, or with a pending set-up.
fn of_pending(desk: &Desk, account: &Account, since: &str) -> String {
    let user = plain(&account.name);
    let found = desk.machine.records.newest(account).ok().flatten();
    match found.map(|found| found.record.beside) {
        Some(Beside { reset: Some(trace), .. }) => {
            format!("{user} was reset by {} and has not set up anything{since}.", plain(&trace.by))
        }
        Some(Beside { pending: None, tickets, .. }) if !tickets.is_empty() => {
            format!("{user} is invited, and has not set up anything{since}.")
        }
        _ => format!("{user} has begun set-up and not finished it{since}."),
    }
}

/// Describes what happens at the logins of a user who is not enrolled.
fn consequence(desk: &Desk, account: &Account) -> String {
    let user = plain(&account.name);
    match desk.policy.not_enrolled {
        NotEnrolled::Allow if account.uid != 0 => {
            "Logins go on without a code (not_enrolled = \"allow\").".into()
        }
        NotEnrolled::Remind if account.uid != 0 => {
            "Logins go on without a code, and offer to set up one (not_enrolled = \"remind\")."
                .into()
        }
        NotEnrolled::Enroll if account.uid != 0 => {
            "The next login sets up a code (not_enrolled = \"enroll\").".into()
        }
        NotEnrolled::Enroll | NotEnrolled::Remind | NotEnrolled::Allow | NotEnrolled::Deny => {
            format!(
                "Where a code is asked for, logins are refused. To enroll: twinlock enroll {user}"
            )
        }
    }
}

fn details(desk: &Desk, account: &Account, person: &Person) -> Vec<String> {
    let mut lines = Vec::new();
    if let Ok(Some(found)) = desk.machine.records.newest(account) {
        lines.extend(found.record.authenticators.iter().map(authenticator));
        lines.extend(codes(desk, &found.record));
        let known: Vec<&str> = found.known.iter().map(|source| source.as_str()).collect();
        if !known.is_empty() {
            lines.push(format!("Has got in from: {}", known.join(", ")));
        }
        lines.extend(beside::lines(desk, &found.record, now(desk)));
    }
    lines.push(match person.last_code {
        Some(at) => format!("Last code: {}", instant(at)),
        None => "Last code: none since this machine was started".into(),
    });
    lines.push(match wrong_codes(desk, account) {
        Ok(0) => "Wrong codes on file: none".into(),
        Ok(wrong) => {
            format!("Wrong codes on file: {wrong} (twinlock why {})", plain(&account.name))
        }
        Err(failure) => format!("Wrong codes: {}.", failure.what),
    });
    lines
}

fn authenticator(one: &Authenticator) -> String {
    let parameters = one.parameters;
    format!(
        "Authenticator: {} ({} digits, {}, {})",
        plain(&one.name),
        parameters.digits.get(),
        moving(one),
        parameters.algorithm.name()
    )
}

fn codes(desk: &Desk, record: &Record) -> Option<String> {
    match one_time::left(&desk.machine.records, record) {
        Ok(left) => left.map(|Left { left, of }| format!("Backup codes left: {left} of {of}")),
        Err(fault) => {
            Some(format!("Backup codes: their file cannot be used ({}).", fault.reason()))
        }
    }
}

/// Returns the number of unused codes for JSON; `None` without a set or with an unusable file.
fn codes_left(desk: &Desk, account: &Account) -> Option<u8> {
    let found = desk.machine.records.newest(account).ok()??;
    one_time::left(&desk.machine.records, &found.record).ok()?.map(|found| found.left)
}

/// Describes the moving factor of an authenticator and its value.
fn moving(one: &Authenticator) -> String {
    let seconds = one.parameters.period.seconds();
    let off = |drift: i32| duration(u64::from(drift.unsigned_abs()).saturating_mul(seconds));
    match one.moving {
        Moving::Clock { drift: 0 } => format!("{seconds} s"),
        Moving::Clock { drift: drift @ ..0 } => format!("{seconds} s, clock {} slow", off(drift)),
        Moving::Clock { drift } => format!("{seconds} s, clock {} fast", off(drift)),
        Moving::Counter { next } => format!("token, next code is number {next}"),
    }
}

fn wrong_codes(desk: &Desk, account: &Account) -> Result<usize, Failure> {
    let shelf = desk.machine.ledger.open(&Seat::of(Some(account), &account.name))?;
    let tries: Vec<Charged> = facts::read(shelf.as_ref(), None)?.tries;
    Ok(tries.len())
}

fn object(desk: &Desk, account: &Account, person: &Person) -> serde_json::Value {
    let mut object = super::list::object(person);
    if let Some(fields) = object.as_object_mut() {
        fields.insert("uid".into(), account.uid.into());
        fields.insert("codes_left".into(), codes_left(desk, account).into());
        fields.insert("wrong_codes".into(), wrong_codes(desk, account).ok().into());
        let exempt = exemption::of(desk, account, now(desk));
        fields.insert("exempt".into(), super::list::exempt_object(exempt));
        let found = desk.machine.records.newest(account).ok().flatten();
        if let Some(Value::Object(more)) = found.map(|found| beside::object(&found.record)) {
            fields.extend(more);
        }
    }
    object
}

/// Describes what remains after a removal.
pub fn after_removal(desk: &Desk, account: Option<&Account>, user: &str) -> String {
    let said = format!("{} is removed: codes of the old key open nothing.", plain(user));
    match account {
        Some(account) => format!("{said} {}", consequence(desk, account)),
        None => said,
    }
}
