//! A code of a set: hashed, compared, spent for good, and the record looked at once more before anybody gets in.

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

/// How often a record may change under a login before the code is judged afresh.
const ROUNDS: usize = 4;

/// Where codes are spent, in a try that was charged.
pub struct Till<'a> {
    /// The machine.
    pub ports: Ports<'a>,
    /// The names of this person in the ledger.
    pub shelf: &'a dyn Shelf,
    /// Which budget the try was taken from.
    pub budget: Budget,
    /// When it was charged.
    pub since: Now,
    /// What may be asked: a new set is shown where all may.
    pub questions: Questions,
    /// The code that this attempt has spent: it stays its own while the record changes.
    own: Cell<Option<(SetId, u8)>>,
}

/// What became of a code that no authenticator has made.
pub enum Spending {
    /// Right, spent by this process alone, and the record still names its set.
    Granted(Accepted),
    /// Right, the last of its set, and not spent: the change that names the next set does that.
    Last(LastCode),
    /// Not of the person's set.
    Wrong,
    /// Right once.
    Spent,
    /// Right and burned, but the record is another one: the code is to be held against that.
    Changed,
    /// It could not be judged, or not be spent.
    Faulty(CodesFault),
}

/// The last code of a set, found right and not spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastCode {
    /// The set.
    pub id: SetId,
    /// Its place in it.
    pub place: u8,
    /// What it looks like.
    pub shape: Shape,
    /// The record that named the set.
    pub generation: Generation,
}

impl LastCode {
    /// Whether a record is still the one that the code was judged by.
    #[must_use]
    pub fn is_of(&self, record: &Record) -> bool {
        record.state == State::Active
            && record.generation == self.generation
            && record.codes == Some(self.id)
    }
}

/// A code that was found in its set.
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
    /// Begins an attempt, which has spent nothing.
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

    /// Judges a code of the shape of a set, and spends it where it is right.
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

    /// Where a new set can be shown, the last code is spent by its successor; elsewhere by a change that promises one.
    fn offer_last(&self, person: &mut Option<(&Account, Snapshot)>, found: &Found) -> Spending {
        let Some((account, snapshot)) = person else { return Spending::Changed };
        let last = found.last(snapshot.record.generation);
        if self.budget == Budget::Proven && self.questions == Questions::All {
            return Spending::Last(last);
        }
        self.end_set(account, last)
    }

    /// Spends the last code by the change that takes its set away: only one process can make it.
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

    /// Before a proven first factor, an answer of that shape costs the same whoever is asked for, throttled or not.
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
            // Whatever it says: nobody has these codes.
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
            // Of another shape than the set: as much work as a code that is wrong.
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

    /// After the code is spent: whoever changed the set, or removed the person, meanwhile has the last word.
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

    /// Two codes that were the last two a moment ago are each the last one now: their set ends by one change.
    fn accept(&self, account: &Account, generation: Generation, found: &Found) -> Spending {
        // So that `twinlock status` knows when a code was last used; the code is spent without it.
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
