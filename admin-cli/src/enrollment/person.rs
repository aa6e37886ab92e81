//! The state of one user, from the record, the account and the ledger.

use twinlock_core::{
    base::{
        account::{Account, Folder},
        error::StoreError,
        time::UnixTime,
    },
    ledger::{KeyId, LedgerHistory, names},
    otp::hotp::Keyed,
    ports::{Accounts, Ledger, LedgerKey, Records, Snapshot, UserLedger},
    record::{Record, State},
    verify::history,
};
use twinlock_host::{fleet::membership::FleetUseKind, store::enrolled_users::EnrolledUser};

use crate::context::Context;

/// The state of one user.
pub(crate) struct Person {
    /// Account name.
    pub(crate) user: String,
    /// Whether the user is enrolled, or why not.
    pub(crate) status: EnrollmentStatus,
    /// Time since which the user has this status; `None` if there is no record or it cannot be read.
    pub(crate) since: Option<UnixTime>,
    /// Names of the authenticators.
    pub(crate) authenticators: Vec<String>,
    /// Time at which a code was last accepted, on this host or on another one of its fleet; `None` if none is known.
    pub(crate) last_code: Option<UnixTime>,
    /// Name in the fleet of the host that accepted the last code; `None` if the user is not shared, or the host is not
    /// known.
    pub(crate) last_host: Option<String>,
}

/// Whether a user is enrolled, or why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EnrollmentStatus {
    /// The user is enrolled, so codes are required.
    Enrolled,
    /// The user is enrolled, but the account no longer exists.
    NoAccount,
    /// The user was reset or invited, or has begun set-up, and is not enrolled yet.
    Pending,
    /// The enrollment of the user was removed.
    Removed,
    /// The user was never enrolled.
    NotEnrolled,
    /// The record cannot be used, so every login of the user is refused.
    Broken(StoreError),
}

impl EnrollmentStatus {
    /// Returns the status as one or two words, for tables and scripts.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Enrolled => "enrolled",
            Self::NoAccount => "no account",
            Self::Pending => "pending",
            Self::Removed => "removed",
            Self::NotEnrolled => "not enrolled",
            Self::Broken(_) => "broken",
        }
    }

    /// Returns the word for the reason why a record cannot be used, such as `record_malformed, line 3`. The words are
    /// the same in every version, so scripts can compare them. Returns `None` for other statuses.
    pub(crate) fn reason(self) -> Option<String> {
        match self {
            Self::Broken(StoreError::Malformed { line }) if line > 0 => {
                Some(format!("record_malformed, line {line}"))
            }
            Self::Broken(fault) => Some(fault.reason().into()),
            Self::Enrolled
            | Self::NoAccount
            | Self::Pending
            | Self::Removed
            | Self::NotEnrolled => None,
        }
    }
}

/// Returns the state of an account's user. The record is looked up as at a login.
pub(crate) fn of_account(context: &Context, account: &Account) -> Person {
    match context.machine.records.newest(account) {
        Ok(Some(found)) => of_record(context, account.name.clone(), &found.record),
        Ok(None) => nobody(account.name.clone(), EnrollmentStatus::NotEnrolled),
        Err(fault) => nobody(account.name.clone(), EnrollmentStatus::Broken(fault)),
    }
}

/// Returns the state of a user in the records folder; `None` if the user's folder is empty, as a killed command leaves
/// it.
pub(crate) fn of_entry(context: &Context, entry: EnrolledUser) -> Option<Person> {
    let found = match entry.found {
        Ok(found) => found?,
        Err(fault) => return Some(nobody(entry.user, EnrollmentStatus::Broken(fault))),
    };
    Some(match context.machine.accounts.by_name(&entry.user) {
        Ok(Some(account)) if account.name == entry.user => of_account(context, &account),
        Ok(_) => without_account(context, entry.user, &found),
        // NSS did not answer: only the record is known.
        Err(_) => of_record(context, entry.user, &found.record),
    })
}

#[expect(clippy::wildcard_enum_match_arm, reason = "every other case is treated the same")]
fn without_account(context: &Context, user: String, found: &Snapshot) -> Person {
    let person = of_record(context, user, &found.record);
    let status = match person.status {
        EnrollmentStatus::Enrolled => EnrollmentStatus::NoAccount,
        other => other,
    };
    Person { status, ..person }
}

fn nobody(user: String, status: EnrollmentStatus) -> Person {
    let authenticators = Vec::new();
    Person { user, status, since: None, authenticators, last_code: None, last_host: None }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "every other case is treated the same")]
fn of_record(context: &Context, user: String, record: &Record) -> Person {
    let status = match record.state {
        State::Active => EnrollmentStatus::Enrolled,
        State::Pending => EnrollmentStatus::Pending,
        State::Removed => EnrollmentStatus::Removed,
    };
    let last = match status {
        EnrollmentStatus::Enrolled => last_code(context, &user, record),
        _ => None,
    };
    let (last_code, last_host) = last.map_or((None, None), |last| (Some(last.at), last.host));
    Person {
        user,
        status,
        since: Some(record.since),
        authenticators: record.authenticators.iter().map(|one| one.name.clone()).collect(),
        last_code,
        last_host,
    }
}

/// When and where a code was last accepted.
struct LastUse {
    at: UnixTime,
    host: Option<String>,
}

/// Returns when and where a code of the user was last accepted. Best effort: `None` if the ledger cannot be read, which
/// `twinlock why` and logins report.
fn last_code(context: &Context, user: &str, record: &Record) -> Option<LastUse> {
    let user_ledger =
        context.machine.ledger.open(&LedgerKey::Account(Folder::of(user).ok()?)).ok()?;
    let facts = history::read(user_ledger.as_ref(), None).ok()?;
    let here = last_of(user_ledger.as_ref(), &facts, record);
    let fleet = context.machine.records.fleet().filter(|fleet| fleet.shares(record.uid));
    let Some(fleet) = fleet else { return here.map(|at| LastUse { at, host: None }) };
    let elsewhere = last_of_fleet(context, user, record);
    match here {
        // A code that this host has accepted has the same time in the store.
        Some(at) if elsewhere.as_ref().is_none_or(|last| last.at < at) => {
            Some(LastUse { at, host: Some(fleet.own_name()) })
        }
        _ => elsewhere,
    }
}

/// Returns when and on which host of the fleet a code was last accepted.
fn last_of_fleet(context: &Context, user: &str, record: &Record) -> Option<LastUse> {
    let account = context.machine.accounts.by_name(user).ok()??;
    let uses = context.machine.records.fleet()?.uses(&account, Some(record)).ok()?;
    let last = uses.into_iter().find(|one| one.kind != FleetUseKind::Attempt)?;
    Some(LastUse { at: last.at, host: last.host })
}

fn last_of(
    user_ledger: &dyn UserLedger,
    facts: &LedgerHistory,
    record: &Record,
) -> Option<UnixTime> {
    let keys = record.authenticators.iter();
    let of_keys = keys.filter_map(|one| {
        let keyed = Keyed::new(&one.key, one.parameters.algorithm)?;
        Some(keyed.mark(one))
    });
    let marks: Vec<_> = of_keys.chain(record.codes.map(KeyId::of_set)).collect();
    let own = facts.used.iter().filter(|used| marks.contains(&used.mark));
    let at =
        own.filter_map(|used| history::instant_of(user_ledger, &names::used_name(used)).ok()?);
    // An imported step was no login on this host; its instant is 0.
    at.filter(|at| at.0 > 0).max()
}
