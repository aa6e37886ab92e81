//! A code of a set: hashed, compared, spent for good, and the record looked at once more before anybody gets in.

use crate::{
    account::{Account, Folder},
    answer::Code,
    attempt::was_held_up,
    backup_code,
    code_set::{CodeSet, Cost, Recipe},
    event::Accepted,
    fault::{CodesFault, StoreFault},
    format::ledger_names,
    ledger::{Budget, Mark, Used},
    ports::{Creation, Ports, Shelf, Snapshot},
    record::{Digits, SetId, State},
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
}

/// What became of a code that no authenticator has made.
pub enum Spending {
    /// Right, spent by this process alone, and the record still names its set.
    Granted(Accepted),
    /// Not of the person's set.
    Wrong,
    /// Right once.
    Spent,
    /// Right and burned, but the record is another one: the code is to be held against that.
    Changed,
    /// It could not be judged, or not be spent.
    Faulty(CodesFault),
}

/// A code that was found in its set.
struct Found {
    folder: Folder,
    id: SetId,
    set: CodeSet,
    place: u8,
}

impl Till<'_> {
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
        let spent = self.ports.codes.spend(&found.folder, (id, found.place), self.since.unix);
        match spent {
            Ok(Creation::Made) if was_held_up(self.ports.clock, self.since) => Spending::Spent,
            Ok(Creation::Made) => self.look_again(person, &found),
            Ok(Creation::Taken) => Spending::Spent,
            Err(fault) => Spending::Faulty(CodesFault::Spend(fault)),
        }
    }

    /// Before a proven first factor, an answer of that shape costs the same whoever is asked for. Behind the charge: what
    /// the throttle refuses asks for no memory.
    pub fn work_as_if(&self, code: &Code) {
        if self.budget != Budget::Proven && backup_code::shape_of(code).is_some() {
            let set = self.ports.codes.set_alike(None);
            let built_in = Recipe { salt: [0; 16], cost: Cost::GUESSABLE };
            let recipe = set.as_ref().map_or(&built_in, |set| &set.recipe);
            let digest = self.ports.codes.digest(code.of_length(Digits::EIGHT), recipe);
            if let (Ok(set), Ok(digest)) = (&set, &digest) {
                // Whatever it says: nobody has these codes.
                let _ = backup_code::place_in(set, digest);
            }
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
            Budget::Proven => self.ports.codes.set(&folder, id),
            Budget::Unproven | Budget::Exempt => self.ports.codes.set_alike(Some((&folder, id))),
        };
        let set = match set {
            Ok(set) => set,
            Err(fault) => {
                self.work_as_if(code);
                return Err(CodesFault::Set(fault));
            }
        };
        let digest = self.ports.codes.digest(code.of_length(Digits::EIGHT), &set.recipe);
        let digest = digest.map_err(|_| CodesFault::Memory)?;
        let place = backup_code::place_in(&set, &digest);
        Ok(place.map(|place| Found { folder, id, set, place }))
    }

    /// After the code is spent: whoever changed the set, or removed the person, meanwhile has the last word.
    fn look_again(&self, person: &mut Option<(&Account, Snapshot)>, found: &Found) -> Spending {
        for _ in 0..ROUNDS {
            let Some((account, snapshot)) = person else { return Spending::Changed };
            match self.ports.records.is_newest(&found.folder, snapshot) {
                Ok(true) => return Spending::Granted(self.accept(found)),
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

    fn accept(&self, found: &Found) -> Accepted {
        // So that `twinlock status` knows when a code was last used; the code is spent without it.
        let used = Used { mark: Mark::of_set(found.id), step: Step(found.place.into()) };
        let name = ledger_names::used_name(&used);
        let _ = self.shelf.create(&name, &ledger_names::instant(self.since.unix));
        let spent = self.ports.codes.spent(&found.folder, found.id);
        Accepted::ScratchCode {
            left: spent.ok().map(|spent| backup_code::left(&found.set, &spent)),
        }
    }
}

fn owner_of_set<'a>(person: Option<&(&'a Account, Snapshot)>) -> Option<(&'a Account, SetId)> {
    let (account, snapshot) = person?;
    Some((account, snapshot.record.codes?))
}
