//! Verifies backup codes: hash, compare, spend, and re-read the record before access is granted.

use core::cell::Cell;

use crate::{
    account::{Account, Folder},
    answer::Code,
    attempt::was_held_up,
    backup_code,
    beside::Trace,
    change::{ChangeFault, change},
    code_set::{CodeSet, Recipe, Shape},
    draw, enrolment,
    event::Accepted,
    fault::{CodesFault, StoreFault},
    format::ledger_names,
    ledger::{Budget, Mark, Used},
    policy::Questions,
    ports::{Creation, Ports, Shelf, Snapshot},
    record::{Generation, Record, SetId, State},
    time::{Now, Step},
};

/// How often the record may change during a login before the code is compared again.
const ROUNDS: usize = 4;

/// Verifies the backup codes of a charged attempt.
pub struct Till<'a> {
    /// The host ports.
    pub ports: Ports<'a>,
    /// The user's names in the ledger.
    pub shelf: &'a dyn Shelf,
    /// The budget of the attempt.
    pub budget: Budget,
    /// When it was charged.
    pub since: Now,
    /// What may be asked: a new set can be shown only in a full dialogue.
    pub questions: Questions,
    /// The code that this attempt has spent: it may use it again after the record changes.
    own: Cell<Option<(SetId, u8)>>,
}

/// The result for a code that matches no authenticator.
pub enum Spending {
    /// Correct and spent by this process, and the record still names its set.
    Granted(Accepted),
    /// Correct, the last of its set, and not spent: the change that enables the next set spends it.
    Last(LastCode),
    /// Not in the user's set.
    Wrong,
    /// Already spent.
    Spent,
    /// Correct and spent, but the record has changed: compare the code with the new record.
    Changed,
    /// It could not be compared or not be spent.
    Faulty(CodesFault),
}

/// The last code of a set, correct and not spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastCode {
    /// The set.
    pub id: SetId,
    /// Its index in the set.
    pub place: u8,
    /// Its shape.
    pub shape: Shape,
    /// The generation of the record that named the set.
    pub generation: Generation,
}

impl LastCode {
    /// Returns whether a record is still the one that the code was compared with.
    #[must_use]
    pub fn is_of(&self, record: &Record) -> bool {
        record.state == State::Active
            && record.generation == self.generation
            && record.codes == Some(self.id)
    }
}

/// A code that is in the set.
struct Found {
    folder: Folder,
    id: SetId,
    set: CodeSet,
    place: u8,
}

impl Found {
    fn last(&self, generation: Generation) -> LastCode {
        LastCode { id: self.id, place: self.place, shape: self.set.shape, generation }
    }
}

impl<'a> Till<'a> {
    /// Creates a verifier that has not spent a code.
    #[must_use]
    pub fn new(
        ports: Ports<'a>,
        shelf: &'a dyn Shelf,
        budget: Budget,
        since: Now,
        questions: Questions,
    ) -> Self {
        Self { ports, shelf, budget, since, questions, own: Cell::new(None) }
    }

    /// Compares a code that has the shape of a set, and spends it if it is correct.
    pub fn offer(&self, person: &mut Option<(&Account, Snapshot)>, code: &Code) -> Spending {
        if backup_code::shape_of(code).is_none() {
            return Spending::Wrong;
        }
        let Some((account, id)) = owner_of_set(person.as_ref()) else {
            self.work_as_if(code);
            return Spending::Wrong;
        };
        let found = match self.look_for(account, id, code) {
            Ok(Some(found)) => found,
            Ok(None) => return Spending::Wrong,
            Err(fault) => return Spending::Faulty(fault),
        };
        match self.ports.codes.spent(&found.folder, found.id) {
            Ok(spent) if spent.contains(&found.place) => {
                let own = self.own.get() == Some((found.id, found.place));
                return if own { self.look_again(person, &found) } else { Spending::Spent };
            }
            Ok(spent) if backup_code::left(&found.set, &spent) == 1 => {
                return self.offer_last(person, &found);
            }
            Ok(_) => {}
            Err(fault) => return Spending::Faulty(CodesFault::Set(fault)),
        }
        let spent = self.ports.codes.spend(&found.folder, (found.id, found.place), self.since.unix);
        match spent {
            Ok(Creation::Made) if was_held_up(self.ports.clock, self.since) => Spending::Spent,
            Ok(Creation::Made) => {
                self.own.set(Some((found.id, found.place)));
                self.look_again(person, &found)
            }
            Ok(Creation::Taken) => Spending::Spent,
            Err(fault) => Spending::Faulty(CodesFault::Spend(fault)),
        }
    }

    /// If a new set can be shown, enabling it spends the last code; otherwise, a change that notes that a new set is
    /// owed does.
    fn offer_last(&self, person: &mut Option<(&Account, Snapshot)>, found: &Found) -> Spending {
        let Some((account, snapshot)) = person else { return Spending::Changed };
        let last = found.last(snapshot.record.generation);
        if self.budget == Budget::Proven && self.questions == Questions::All {
            return Spending::Last(last);
        }
        self.end_set(account, last)
    }

    /// Spends the last code by the change that removes its set: only one process can commit it.
    fn end_set(&self, account: &Account, last: LastCode) -> Spending {
        let now = self.since.unix;
        let Ok(generation) = draw::generation(self.ports.entropy) else {
            return Spending::Faulty(CodesFault::Memory);
        };
        let trace = Trace { by: account.name.clone(), at: now };
        let ended = change(self.ports.records, account, &mut |found| match found {
            Some(found) if last.is_of(&found.record) => {
                Ok(enrolment::owing_codes(found.record, trace.clone(), (generation, now)))
            }
            _ => Err(()),
        });
        match ended {
            Ok(()) => Spending::Granted(Accepted::BackupCode { shape: last.shape, left: Some(0) }),
            Err(ChangeFault::Declined(()) | ChangeFault::Changing) => Spending::Spent,
            Err(ChangeFault::Store(fault)) => Spending::Faulty(CodesFault::Spend(fault)),
        }
    }

    /// Does the work of a comparison: before a proven first factor, an answer of this shape costs the same for every
    /// user name, throttled or not.
    pub fn work_as_if(&self, code: &Code) {
        if self.budget.is_uniform()
            && let Some(shape) = backup_code::shape_of(code)
        {
            let set = self.ports.codes.set_alike(None);
            self.hash_in_vain(code, shape, set.as_ref().ok());
        }
    }

    fn hash_in_vain(&self, code: &Code, shape: Shape, set: Option<&CodeSet>) {
        let built_in = Recipe { salt: [0; 16], cost: shape.cost() };
        let recipe = set.filter(|set| set.shape == shape).map_or(&built_in, |set| &set.recipe);
        let digest = self.ports.codes.digest(code.of_shape(shape), recipe);
        if let (Some(set), Ok(digest)) = (set, &digest) {
            // The result is ignored: these are dummy codes.
            let _ = backup_code::place_in(set, digest);
        }
    }

    fn look_for(
        &self,
        account: &Account,
        id: SetId,
        code: &Code,
    ) -> Result<Option<Found>, CodesFault> {
        let folder =
            Folder::of(&account.name).map_err(|_| CodesFault::Record(StoreFault::NameTooLong))?;
        let set = match self.budget {
            Budget::Proven | Budget::Verify => self.ports.codes.set(&folder, id),
            Budget::Unproven | Budget::Exempt => self.ports.codes.set_alike(Some((&folder, id))),
        };
        let set = match set {
            Ok(set) => set,
            Err(fault) => {
                self.work_as_if(code);
                return Err(CodesFault::Set(fault));
            }
        };
        let text = code.of_shape(set.shape);
        if text.is_empty() {
            // The shape differs from that of the set: do the same work as for a wrong code.
            if self.budget.is_uniform()
                && let Some(shape) = backup_code::shape_of(code)
            {
                self.hash_in_vain(code, shape, Some(&set));
            }
            return Ok(None);
        }
        let digest = self.ports.codes.digest(text, &set.recipe);
        let digest = digest.map_err(|_| CodesFault::Memory)?;
        let place = backup_code::place_in(&set, &digest);
        Ok(place.map(|place| Found { folder, id, set, place }))
    }

    /// Re-reads the record after the code is spent: a concurrent change of the set, or a removal of the user, takes
    /// precedence.
    fn look_again(&self, person: &mut Option<(&Account, Snapshot)>, found: &Found) -> Spending {
        for _ in 0..ROUNDS {
            let Some((account, snapshot)) = person else { return Spending::Changed };
            match self.ports.records.is_newest(&found.folder, snapshot) {
                Ok(true) => return self.accept(account, snapshot.record.generation, found),
                Ok(false) => {}
                Err(fault) => return Spending::Faulty(CodesFault::Record(fault)),
            }
            let fresh = match self.ports.records.newest(account) {
                Ok(Some(fresh)) if fresh.record.state == State::Active => fresh,
                Ok(_) => {
                    *person = None;
                    return Spending::Changed;
                }
                Err(fault) => return Spending::Faulty(CodesFault::Record(fault)),
            };
            let same = fresh.record.generation == snapshot.record.generation
                && fresh.record.codes == Some(found.id);
            *snapshot = fresh;
            if !same {
                return Spending::Changed;
            }
        }
        Spending::Changed
    }

    /// Grants access, or ends the set if concurrent logins have just spent its last two codes.
    fn accept(&self, account: &Account, generation: Generation, found: &Found) -> Spending {
        // Tells `twinlock status` when a code was last used; the code is spent even without it.
        let used = Used { mark: Mark::of_set(found.id), step: Step(found.place.into()) };
        let name = ledger_names::used_name(&used);
        let _ = self.shelf.create(&name, &ledger_names::instant(self.since.unix));
        let spent = match self.ports.codes.spent(&found.folder, found.id) {
            Ok(spent) => spent,
            Err(fault) => return Spending::Faulty(CodesFault::Set(fault)),
        };
        match backup_code::left(&found.set, &spent) {
            0 => self.end_set(account, found.last(generation)),
            left => {
                Spending::Granted(Accepted::BackupCode { shape: found.set.shape, left: Some(left) })
            }
        }
    }
}

fn owner_of_set<'a>(person: Option<&(&'a Account, Snapshot)>) -> Option<(&'a Account, SetId)> {
    let (account, snapshot) = person?;
    Some((account, snapshot.record.codes?))
}
