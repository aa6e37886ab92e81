//! State of one user, from record, account and ledger.

use twinlock_core::{
    account::{Account, Folder},
    facts,
    fault::StoreFault,
    format::ledger_names,
    ledger::{Facts, Mark},
    otp::hotp::Keyed,
    ports::{Accounts, Ledger, Records, Seat, Shelf, Snapshot},
    record::{Record, State},
    time::UnixTime,
};
use twinlock_host::roll::Entry;

use crate::desk::Desk;

/// State of one user.
pub struct Person {
    /// Account name.
    pub user: String,
    /// Enrollment status.
    pub standing: Standing,
    /// Since when; `None` if no record can be read.
    pub since: Option<UnixTime>,
    /// Names of the authenticators.
    pub authenticators: Vec<String>,
    /// When a code was last accepted, as far as the ledger remembers.
    pub last_code: Option<UnixTime>,
}

/// Enrollment status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Enrolled: codes are required.
    Enrolled,
    /// Enrolled, but the account does not exist any more.
    NoAccount,
    /// Set-up has begun, or a ticket was issued.
    Pending,
    /// Was enrolled once.
    Removed,
    /// Was never enrolled.
    NotEnrolled,
    /// The record is unusable, so every login is refused.
    Broken(StoreFault),
}

impl Standing {
    /// Returns one or two words for tables and scripts.
    pub fn word(self) -> &'static str {
        match self {
            Self::Enrolled => "enrolled",
            Self::NoAccount => "no account",
            Self::Pending => "pending",
            Self::Removed => "removed",
            Self::NotEnrolled => "not enrolled",
            Self::Broken(_) => "broken",
        }
    }

    /// Returns the stable reason of a broken record.
    pub fn reason(self) -> Option<String> {
        match self {
            Self::Broken(StoreFault::Malformed { line }) if line > 0 => {
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

/// Reads the state of an account, as a login would find its record.
pub fn of_account(desk: &Desk, account: &Account) -> Person {
    match desk.machine.records.newest(account) {
        Ok(Some(found)) => of_record(desk, account.name.clone(), &found.record),
        Ok(None) => nobody(account.name.clone(), Standing::NotEnrolled),
        Err(fault) => nobody(account.name.clone(), Standing::Broken(fault)),
    }
}

/// Reads the state of an entry of the records folder. Returns `None` for an empty folder that a killed command left.
pub fn of_entry(desk: &Desk, entry: Entry) -> Option<Person> {
    let found = match entry.found {
        Ok(found) => found?,
        Err(fault) => return Some(nobody(entry.user, Standing::Broken(fault))),
    };
    Some(match desk.machine.accounts.by_name(&entry.user) {
        Ok(Some(account)) if account.name == entry.user => of_account(desk, &account),
        Ok(_) => without_account(desk, entry.user, &found),
        // NSS did not answer: only the record is known.
        Err(_) => of_record(desk, entry.user, &found.record),
    })
}

fn without_account(desk: &Desk, user: String, found: &Snapshot) -> Person {
    let person = of_record(desk, user, &found.record);
    let standing = match person.standing {
        Standing::Enrolled => Standing::NoAccount,
        other => other,
    };
    Person { standing, ..person }
}

fn nobody(user: String, standing: Standing) -> Person {
    Person { user, standing, since: None, authenticators: Vec::new(), last_code: None }
}

fn of_record(desk: &Desk, user: String, record: &Record) -> Person {
    let standing = match record.state {
        State::Active => Standing::Enrolled,
        State::Pending => Standing::Pending,
        State::Removed => Standing::Removed,
    };
    let last_code = match standing {
        Standing::Enrolled => last_code(desk, &user, record),
        _ => None,
    };
    Person {
        user,
        standing,
        since: Some(record.since),
        authenticators: record.authenticators.iter().map(|one| one.name.clone()).collect(),
        last_code,
    }
}

/// Returns when a code was last accepted, best effort: `why` and the login itself report an unreadable ledger.
fn last_code(desk: &Desk, user: &str, record: &Record) -> Option<UnixTime> {
    let shelf = desk.machine.ledger.open(&Seat::Account(Folder::of(user).ok()?)).ok()?;
    let facts = facts::read(shelf.as_ref(), None).ok()?;
    last_of(shelf.as_ref(), &facts, record)
}

fn last_of(shelf: &dyn Shelf, facts: &Facts, record: &Record) -> Option<UnixTime> {
    let keys = record.authenticators.iter();
    let of_keys = keys.filter_map(|one| {
        let keyed = Keyed::new(&one.key, one.parameters.algorithm)?;
        Some(keyed.mark(one))
    });
    let marks: Vec<_> = of_keys.chain(record.codes.map(Mark::of_set)).collect();
    let own = facts.used.iter().filter(|used| marks.contains(&used.mark));
    let at =
        own.filter_map(|used| facts::instant_of(shelf, &ledger_names::used_name(used)).ok()?);
    // An imported step was no login on this host; its instant is 0.
    at.filter(|at| at.0 > 0).max()
}
