//! `twinlock status USER`: prints whether a user is enrolled, since when, and when a code was last used.

use rustix::process::geteuid;
use serde_json::Value;
use twinlock_core::{
    base::{account::Account, time::UnixTime},
    ledger::Charged,
    policy::NotEnrolled,
    ports::{Ledger, LedgerKey, Records},
    record::{
        Authenticator, MovingFactor, Record,
        extras::{Purpose, RecordExtras, Ticket},
    },
    text::duration,
    verify::history,
};

use crate::{
    authorize::actor::ActingLogin,
    commands::list::on_host,
    context::{Context, OWN_WAY},
    enrollment::{
        exemption::{self, ExemptionReach},
        extras,
        one_time::{self, CodesLeft},
        person::{self, EnrollmentStatus, Person},
    },
    error::exit::{CliError, Exit, store_remedy},
    text::{WIDTH, instant, plain, wrap},
};

/// Prints the status of one user.
pub(crate) fn run(context: &Context, user: Option<&str>) -> Result<(), CliError> {
    let account = match user {
        None => caller(context)?,
        Some(user) => context.account(asked_for(user)?)?,
    };
    let person = person::of_account(context, &account);
    if context.json {
        return context.print(&format!("{}\n", object(context, &account, &person)));
    }
    let lines = lines(context, &account, &person);
    let wrapped: Vec<String> = lines.iter().map(|line| wrap(line, WIDTH, 2)).collect();
    context.print(&format!("{}\n", wrapped.join("\n")))
}

fn asked_for(user: &str) -> Result<&str, CliError> {
    if geteuid().is_root() { Ok(user) } else { Err(not_root()) }
}

/// Returns the account of the user who called sudo, for a command line that names no user. Fails if that user is root
/// or not known.
fn caller(context: &Context) -> Result<Account, CliError> {
    if !geteuid().is_root() {
        return Err(not_root());
    }
    let account = match ActingLogin::read().caller() {
        Some(uid) if uid != 0 => context.machine.accounts.by_uid(uid)?,
        _ => None,
    };
    account.ok_or_else(|| {
        CliError::new(
            Exit::Usage,
            "root must name a user",
            "Run twinlock status USER, or for all users twinlock list.",
        )
    })
}

fn not_root() -> CliError {
    CliError::new(Exit::NotAllowed, "only root can read records", OWN_WAY)
}

fn lines(context: &Context, account: &Account, person: &Person) -> Vec<String> {
    let user = plain(&person.user);
    let since = person.since.map_or_else(String::new, |since| format!(" since {}", instant(since)));
    let mut lines = match person.status {
        EnrollmentStatus::Enrolled | EnrollmentStatus::NoAccount => {
            vec![format!("{user} is enrolled{since}.")]
        }
        EnrollmentStatus::Removed => {
            let at = person.since.map_or_else(String::new, |at| format!(" at {}", instant(at)));
            vec![format!("{user} was removed{at}.")]
        }
        EnrollmentStatus::Pending => vec![of_pending(context, account, &since)],
        EnrollmentStatus::NotEnrolled => vec![format!("{user} is not enrolled.")],
        EnrollmentStatus::Broken(fault) => {
            let reason = person.status.reason().unwrap_or_default();
            let said = format!("{user}'s record cannot be used ({reason}): logins are refused.");
            return vec![said, store_remedy(fault).into()];
        }
    };
    match person.status {
        EnrollmentStatus::Enrolled | EnrollmentStatus::NoAccount => {
            lines.extend(details(context, account, person))
        }
        EnrollmentStatus::Pending
        | EnrollmentStatus::Removed
        | EnrollmentStatus::NotEnrolled
        | EnrollmentStatus::Broken(_) => {
            lines.extend(besides(context, account));
            lines
                .push(by_ticket(context, account).unwrap_or_else(|| consequence(context, account)));
        }
    }
    lines.extend(exemption::of(context, account, now(context)).map(|exempt| {
        let where_ = match exempt.reach {
            ExemptionReach::Everywhere => "asks for no code",
            ExemptionReach::InPart => "asks for no code for some services or from some networks",
        };
        format!("Rule {} {where_} (twinlock explain {user}@ADDRESS).", exempt.rule)
    }));
    lines
}

/// Returns the present time; 0 if the clock cannot be read, so that nothing counts as expired.
fn now(context: &Context) -> UnixTime {
    context.now().map(|now| now.unix).unwrap_or_default()
}

/// Returns lines about the user's tickets, bypass codes and other data besides authenticators; none if the record
/// cannot be read.
fn besides(context: &Context, account: &Account) -> Vec<String> {
    match context.machine.records.newest(account) {
        Ok(Some(found)) => extras::lines(context, &found.record, now(context)),
        Ok(None) | Err(_) => Vec::new(),
    }
}

/// Returns a sentence about the user's next login with a valid ticket; `None` if the user has none.
fn by_ticket(context: &Context, account: &Account) -> Option<String> {
    let found = context.machine.records.newest(account).ok()??;
    let now = now(context);
    let works = |one: &Ticket| one.purpose == Purpose::SetUp && now < one.voucher.until;
    let mut tickets = found.record.extras.tickets.iter();
    tickets.any(works).then(|| "The next login asks for the ticket, and sets up an app.".into())
}

/// Returns a sentence about a user who was reset, was invited or has begun set-up, and has no authenticator. `since` is
/// a text such as ` since TIME`.
fn of_pending(context: &Context, account: &Account, since: &str) -> String {
    let user = plain(&account.name);
    let found = context.machine.records.newest(account).ok().flatten();
    match found.map(|found| found.record.extras) {
        Some(RecordExtras { reset: Some(audit), .. }) => {
            format!("{user} was reset by {} and has not set up anything{since}.", plain(&audit.by))
        }
        Some(RecordExtras { pending: None, tickets, .. }) if !tickets.is_empty() => {
            format!("{user} is invited, and has not set up anything{since}.")
        }
        _ => format!("{user} has begun set-up and not finished it{since}."),
    }
}

/// Returns a sentence that says how logins of a user who is not enrolled end.
fn consequence(context: &Context, account: &Account) -> String {
    let user = plain(&account.name);
    match context.policy.not_enrolled {
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
            format!("Logins that need a code are refused. To enroll: twinlock enroll {user}")
        }
    }
}

fn details(context: &Context, account: &Account, person: &Person) -> Vec<String> {
    let mut lines = Vec::new();
    if let Ok(Some(found)) = context.machine.records.newest(account) {
        lines.extend(found.record.authenticators.iter().map(authenticator));
        lines.extend(codes(context, &found.record));
        let known: Vec<&str> = found.known.iter().map(|source| source.as_str()).collect();
        if !known.is_empty() {
            lines.push(format!("Has logged in from: {}", known.join(", ")));
        }
        lines.extend(extras::lines(context, &found.record, now(context)));
    }
    lines.push(match person.last_code {
        Some(at) => format!("Last code: {}", on_host(instant(at), person)),
        None => "Last code: none since this machine was started".into(),
    });
    lines.push(match wrong_codes(context, account) {
        Ok(0) => "Failed attempts: none".into(),
        Ok(wrong) => {
            format!("Failed attempts: {wrong} (twinlock why {})", plain(&account.name))
        }
        Err(failure) => format!("Failed attempts: {}.", failure.what),
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

fn codes(context: &Context, record: &Record) -> Option<String> {
    match one_time::left(&context.machine.records, record) {
        Ok(left) => left.map(|CodesLeft { left, of }| format!("Backup codes left: {left} of {of}")),
        Err(fault) => {
            Some(format!("Backup codes: their file cannot be used ({}).", fault.reason()))
        }
    }
}

/// Returns the number of unused backup codes; `None` if the user has none or they cannot be read.
fn codes_left(context: &Context, account: &Account) -> Option<u8> {
    let found = context.machine.records.newest(account).ok()??;
    one_time::left(&context.machine.records, &found.record).ok()?.map(|found| found.left)
}

/// Returns as text: for an app, the period and the learned error of its clock; for a token, the next counter.
fn moving(one: &Authenticator) -> String {
    let seconds = one.parameters.period.seconds();
    let off = |drift: i32| duration(u64::from(drift.unsigned_abs()).saturating_mul(seconds));
    match one.moving {
        MovingFactor::Clock { drift: 0 } => format!("{seconds} s"),
        MovingFactor::Clock { drift: drift @ ..0 } => {
            format!("{seconds} s, clock {} slow", off(drift))
        }
        MovingFactor::Clock { drift } => format!("{seconds} s, clock {} fast", off(drift)),
        MovingFactor::Counter { next } => format!("token, next code is number {next}"),
    }
}

fn wrong_codes(context: &Context, account: &Account) -> Result<usize, CliError> {
    let user_ledger = context.machine.ledger.open(&LedgerKey::of(Some(account), &account.name))?;
    let tries: Vec<Charged> = history::read(user_ledger.as_ref(), None)?.tries;
    Ok(tries.len())
}

fn object(context: &Context, account: &Account, person: &Person) -> serde_json::Value {
    let mut object = crate::commands::list::object(person);
    if let Some(fields) = object.as_object_mut() {
        fields.insert("uid".into(), account.uid.into());
        fields.insert("codes_left".into(), codes_left(context, account).into());
        fields.insert("wrong_codes".into(), wrong_codes(context, account).ok().into());
        let exempt = exemption::of(context, account, now(context));
        fields.insert("exempt".into(), crate::commands::list::exempt_object(exempt));
        let found = context.machine.records.newest(account).ok().flatten();
        if let Some(Value::Object(more)) = found.map(|found| extras::object(&found.record)) {
            fields.extend(more);
        }
    }
    object
}

/// Returns the sentences that `twinlock remove` prints: the user is removed, and how logins end now.
pub(crate) fn after_removal(context: &Context, account: Option<&Account>, user: &str) -> String {
    let said = format!("{} is removed: codes of the old key no longer work.", plain(user));
    match account {
        Some(account) => format!("{said} {}", consequence(context, account)),
        None => said,
    }
}
