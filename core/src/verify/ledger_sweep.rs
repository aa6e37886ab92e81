//! Removes the expired names of a user from the ledger: a few at each attempt, and all of them by a systemd unit.

use alloc::{string::String, vec::Vec};

use crate::{
    base::{
        error::LedgerError,
        time::{DAY, Now, UnixTime},
    },
    ledger::{KeyId, LedgerHistory, device_text, expiry, failure_streak, names},
    otp::hotp::Keyed,
    ports::UserLedger,
    record::{Authenticator, Record},
    verify::{history, replay},
};

/// One removal of expired names of a user.
pub struct Sweep<'a> {
    /// The user's names in the ledger.
    pub user_ledger: &'a dyn UserLedger,
    /// The last second for which the ledger does not know the used codes.
    pub floor: UnixTime,
    /// The current time.
    pub now: Now,
    /// Number of consecutive failures, as stored next to the record; `None` if unknown. Without this number, attempts
    /// are removed only if the ledger stores the start of a series of consecutive failures.
    pub noted: Option<u32>,
    /// Identifiers of the keys and of the set of backup codes that the record has now. Used steps of any other key are
    /// removed. If the record is not known, this is `None`, and used steps of all keys are kept.
    pub in_force: Option<Vec<KeyId>>,
}

/// Returns the identifiers of a record's keys and of its set of backup codes.
#[must_use]
pub fn in_force(record: &Record) -> Vec<KeyId> {
    let of_key = |one: &Authenticator| {
        let keyed = Keyed::new(&one.key, one.parameters.algorithm);
        keyed.map(|keyed| keyed.mark(one))
    };
    let keys = record.authenticators.iter().filter_map(of_key);
    keys.chain(record.codes.map(KeyId::of_set)).collect()
}

impl Sweep<'_> {
    /// Removes up to `most` of the oldest expired attempts and returns their number. Several processes may do this at
    /// once: a name contains its day and is never created again.
    pub fn drop_tries(&self, history: &LedgerHistory, most: usize) -> usize {
        let now = self.now.unix;
        let expired = expiry::expired(history, self.floor, now);
        let Some(newest) = expired.last() else { return 0 };
        // If a streak begins in the future, the clock was set back, and it is unknown which attempts the streak
        // includes.
        let is_ahead = history.row.is_some_and(|row| row.since > now);
        if is_ahead || (history.row.is_none() && self.noted.is_none()) {
            return 0;
        }
        if self.is_overtaken(history) {
            return 0;
        }
        let row = failure_streak::in_force(history, self.noted.unwrap_or_default(), now);
        if let Some(folded) = expiry::folded(history, row, newest.at) {
            // The streak is written before the attempts are removed. Otherwise, the removed attempts would no longer
            // count.
            let name = names::row_name(folded);
            if self.user_ledger.create(&name, &names::instant(now)).is_err() {
                return 0;
            }
            if let Some(old) = history.row.filter(|old| *old != folded) {
                self.user_ledger.erase(&names::row_name(old));
            }
        }
        let removed = expired.iter().take(most);
        removed.map(|charged| self.user_ledger.erase(&names::try_name(&charged.name))).count()
    }

    /// Returns whether another process has begun such a removal since the names were read. It first writes a new start
    /// of the series of consecutive failures, and may then have removed attempts that this process has not counted.
    fn is_overtaken(&self, history: &LedgerHistory) -> bool {
        let rows = |names: Vec<String>| names.iter().filter_map(|one| names::read_row(one)).max();
        self.user_ledger.names().map_or(true, |names| rows(names) != history.row)
    }

    /// Removes all expired names and returns their number: attempts, used steps that are refused in any case or whose
    /// keys are gone, and devices that have expired by the boot clock.
    ///
    /// # Errors
    /// [`LedgerError`] if the names cannot be read.
    pub fn drop_all(&self) -> Result<usize, LedgerError> {
        let history = history::read(self.user_ledger, None)?;
        let mut removed = self.drop_tries(&history, usize::MAX);
        for used in replay::forgotten(&history.used) {
            self.user_ledger.erase(&names::used_name(used));
            removed += 1;
        }
        removed += self.drop_of_removed_keys(&history)?;
        let names = self.user_ledger.names()?;
        let devices: Vec<_> =
            names.iter().filter(|name| name.starts_with(device_text::DEVICE)).collect();
        for name in devices {
            let device = self.user_ledger.content(name)?.and_then(|text| device_text::read(&text));
            if device.is_some_and(|device| device.until_boot <= self.now.boot) {
                self.user_ledger.erase(name);
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// Removes steps that were used more than a day ago with keys that the record no longer has. If such a key is
    /// enrolled again, its codes are of later steps.
    ///
    /// Keeps each step that seems older than the ledger, because the clock was set forward since, and the step may be
    /// recent.
    fn drop_of_removed_keys(&self, history: &LedgerHistory) -> Result<usize, LedgerError> {
        let Some(in_force) = &self.in_force else { return Ok(0) };
        let mut removed = 0;
        for used in history.used.iter().filter(|used| !in_force.contains(&used.mark)) {
            let name = names::used_name(used);
            let at = self.user_ledger.content(&name)?.and_then(|text| names::read_instant(&text));
            if at.is_some_and(|at| at >= self.floor && self.now.unix.since(at) >= DAY) {
                self.user_ledger.erase(&name);
                removed += 1;
            }
        }
        Ok(removed)
    }
}
