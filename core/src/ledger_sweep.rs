//! Removing what is expired from one person's names: a few at each charge, and all of it by the unit that sweeps.

use alloc::{string::String, vec::Vec};

use crate::{
    expiry, facts,
    fault::LedgerFault,
    format::{devices, ledger_names},
    ledger::{Facts, Mark},
    otp::hotp::Keyed,
    ports::Shelf,
    record::{Authenticator, Record},
    replay, row,
    time::{DAY, Now, UnixTime},
};

/// One look at one person's names.
pub struct Sweep<'a> {
    /// The names.
    pub shelf: &'a dyn Shelf,
    /// The last second that the ledger knows nothing about.
    pub floor: UnixTime,
    /// Now.
    pub now: Now,
    /// The row of failures that is noted beside the record, where it is known. Without it, tries stay until the ledger has a
    /// row of its own.
    pub noted: Option<u32>,
    /// What the keys of the user's record are filed under, where the record is known. Without it, used steps of other keys
    /// stay.
    pub in_force: Option<Vec<Mark>>,
}

/// Returns what the used steps of a record's keys and of its set of codes are filed under.
#[must_use]
pub fn in_force(record: &Record) -> Vec<Mark> {
    let of_key = |one: &Authenticator| {
        let keyed = Keyed::new(&one.key, one.parameters.algorithm);
        keyed.map(|keyed| keyed.mark(one))
    };
    let keys = record.authenticators.iter().filter_map(of_key);
    keys.chain(record.codes.map(Mark::of_set)).collect()
}

impl Sweep<'_> {
    /// Removes the oldest expired tries, `most` of them, and says how many. Whoever does so at the same time removes the
    /// same names, which nobody makes again: they carry the day of their making.
    pub fn drop_tries(&self, facts: &Facts, most: usize) -> usize {
        let now = self.now.unix;
        let expired = expiry::expired(facts, self.floor, now);
        let Some(newest) = expired.last() else { return 0 };
        // A row of a time to come is of a clock that was set back: what it counts cannot be told now.
        let is_ahead = facts.row.is_some_and(|row| row.since > now);
        if is_ahead || (facts.row.is_none() && self.noted.is_none()) {
            return 0;
        }
        if self.is_overtaken(facts) {
            return 0;
        }
        let row = row::in_force(facts, self.noted.unwrap_or_default(), now);
        if let Some(folded) = expiry::folded(facts, row, newest.at) {
            // First of all: without it, the row would be shorter by what is removed.
            let name = ledger_names::row_name(folded);
            if self.shelf.create(&name, &ledger_names::instant(now)).is_err() {
                return 0;
            }
            if let Some(old) = facts.row.filter(|old| *old != folded) {
                self.shelf.erase(&ledger_names::row_name(old));
            }
        }
        let removed = expired.iter().take(most);
        removed.map(|charged| self.shelf.erase(&ledger_names::try_name(&charged.name))).count()
    }

    /// Returns whether another sweep has begun since the names were read: it makes its row before it removes a try, so that
    /// what was read may lack tries that its row has counted.
    fn is_overtaken(&self, facts: &Facts) -> bool {
        let rows =
            |names: Vec<String>| names.iter().filter_map(|one| ledger_names::read_row(one)).max();
        self.shelf.names().map_or(true, |names| rows(names) != facts.row)
    }

    /// Removes all that is expired: tries, used steps that are refused without their names or whose keys
    /// are gone, and devices that are over by the
    /// clock that cannot be set. Says how many names.
    ///
    /// # Errors
    /// [`LedgerFault`] when the names cannot be read.
    pub fn drop_all(&self) -> Result<usize, LedgerFault> {
        let facts = facts::read(self.shelf, None)?;
        let mut removed = self.drop_tries(&facts, usize::MAX);
        for used in replay::forgotten(&facts.used) {
            self.shelf.erase(&ledger_names::used_name(used));
            removed += 1;
        }
        removed += self.drop_of_removed_keys(&facts)?;
        let names = self.shelf.names()?;
        let devices: Vec<_> =
            names.iter().filter(|name| name.starts_with(devices::DEVICE)).collect();
        for name in devices {
            let device = self.shelf.content(name)?.and_then(|text| devices::read(&text));
            if device.is_some_and(|device| device.until_boot <= self.now.boot) {
                self.shelf.erase(name);
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// Removes what was used a day ago of keys that the record has no more: whoever enrolls such a key again shows codes that
    /// are newer. The ledger must have known it for a day, as with [tries](expiry::expired).
    fn drop_of_removed_keys(&self, facts: &Facts) -> Result<usize, LedgerFault> {
        let Some(in_force) = &self.in_force else { return Ok(0) };
        let mut removed = 0;
        for used in facts.used.iter().filter(|used| !in_force.contains(&used.mark)) {
            let name = ledger_names::used_name(used);
            let at = self.shelf.content(&name)?.and_then(|text| ledger_names::read_instant(&text));
            if at.is_some_and(|at| at >= self.floor && self.now.unix.since(at) >= DAY) {
                self.shelf.erase(&name);
                removed += 1;
            }
        }
        Ok(removed)
    }
}
