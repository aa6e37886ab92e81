//! Verifies backup codes: hashes, compares and spends a code, and reads the record again before access is granted.

use core::cell::Cell;

use crate::{
    answer::Code,
    base::{
        account::{Account, Folder},
        error::{CodesError, StoreError},
        time::{Now, Step},
    },
    event::Accepted,
    ledger::{Budget, KeyId, Used, names},
    policy::Questions,
    ports::{Creation, Ports, Snapshot, UserLedger},
    record::{
        Generation, Record, SetId, State,
        code_set::{CodeSet, Recipe, Shape},
        enrollment::{self, ChangeStamp},
        extras::AuditStamp,
    },
    verify::{
        claimant::was_held_up,
        code_match, generate,
        record_update::{ChangeError, change},
    },
};

/// Maximum number of times that the record is read again after a code was spent. If the record is replaced each time,
/// the code is compared with the newest record.
const ROUNDS: usize = 4;

/// Verifies the backup codes that the user enters in one attempt.
pub struct CodeSetVerifier<'a> {
    /// The ports of the host.
    pub ports: Ports<'a>,
    /// The user's names in the ledger.
    pub user_ledger: &'a dyn UserLedger,
    /// The kind of the attempt, which says which limit counts it.
    pub budget: Budget,
    /// The time at which the attempt was counted.
    pub since: Now,
    /// The questions that the login may ask besides the code. A new set can be shown only if all are allowed.
    pub questions: Questions,
    /// The set and index of the code that this attempt has marked as spent; `None` if it has marked none. The attempt
    /// may use this code again if another process changes the record meanwhile.
    own: Cell<Option<(SetId, u8)>>,
}

/// The result of comparing a code with the user's set of backup codes. The code has matched no authenticator before.
pub enum CodeSetOutcome {
    /// The code is correct, this process has spent it, and the record still names its set.
    Granted(Accepted),
    /// The code is correct and the last of its set. It is not spent yet: the change that makes the next set valid
    /// spends it.
    Last(LastCode),
    /// The code is not one of the user's backup codes.
    Wrong,
    /// The code was spent before.
    Spent,
    /// The code is correct and spent, but the record has changed. The caller must compare the code with the new record.
    Changed,
    /// The code could not be compared, or could not be spent.
    Faulty(CodesError),
}

/// The last code of a set. It is correct, but not spent yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastCode {
    /// The set that contains the code.
    pub id: SetId,
    /// The index of the code in the set.
    pub place: u8,
    /// The shape of the code.
    pub shape: Shape,
    /// The generation (id of its state) of the record that named the set. Each change gives the record a new one.
    pub generation: Generation,
}

impl LastCode {
    /// Returns whether a record is the one that the code was compared with.
    #[must_use]
    pub fn is_of(&self, record: &Record) -> bool {
        record.state == State::Active
            && record.generation == self.generation
            && record.codes == Some(self.id)
    }
}

/// A code that was found in the user's set of backup codes.
struct FoundCode {
    folder: Folder,
    id: SetId,
    set: CodeSet,
    place: u8,
}

impl FoundCode {
    fn last(&self, generation: Generation) -> LastCode {
        LastCode { id: self.id, place: self.place, shape: self.set.shape, generation }
    }
}

impl<'a> CodeSetVerifier<'a> {
    /// Creates a verifier for an attempt that has not spent a code.
    #[must_use]
    pub fn new(
        ports: Ports<'a>,
        user_ledger: &'a dyn UserLedger,
        budget: Budget,
        since: Now,
        questions: Questions,
    ) -> Self {
        Self { ports, user_ledger, budget, since, questions, own: Cell::new(None) }
    }

    /// Compares a code with the user's backup codes. Marks a correct code as spent, unless the result is
    /// [`CodeSetOutcome::Last`].
    pub fn offer(&self, person: &mut Option<(&Account, Snapshot)>, code: &Code) -> CodeSetOutcome {
        if code_match::shape_of(code).is_none() {
            return CodeSetOutcome::Wrong;
        }
        let Some((account, id)) = owner_of_set(person.as_ref()) else {
            self.work_as_if(code);
            return CodeSetOutcome::Wrong;
        };
        let found = match self.look_for(account, id, code) {
            Ok(Some(found)) => found,
            Ok(None) => return CodeSetOutcome::Wrong,
            Err(fault) => return CodeSetOutcome::Faulty(fault),
        };
        match self.ports.codes.spent(&found.folder, found.id) {
            Ok(spent) if spent.contains(&found.place) => {
                let own = self.own.get() == Some((found.id, found.place));
                return if own { self.look_again(person, &found) } else { CodeSetOutcome::Spent };
            }
            Ok(spent) if code_match::left(&found.set, &spent) == 1 => {
                return self.offer_last(person, &found);
            }
            Ok(_) => {}
            Err(fault) => return CodeSetOutcome::Faulty(CodesError::Set(fault)),
        }
        let spent = self.ports.codes.spend(&found.folder, found.id, found.place, self.since.unix);
        match spent {
            Ok(Creation::Made) if was_held_up(self.ports.clock, self.since) => {
                CodeSetOutcome::Spent
            }
            Ok(Creation::Made) => {
                self.own.set(Some((found.id, found.place)));
                self.look_again(person, &found)
            }
            Ok(Creation::Taken) => CodeSetOutcome::Spent,
            Err(fault) => CodeSetOutcome::Faulty(CodesError::Spend(fault)),
        }
    }

    /// Handles the last code of a set. If the login can show a new set, the change that makes the new set valid also
    /// spends the code. Otherwise, the code is spent by a change which notes that the user must be shown a new set.
    fn offer_last(
        &self,
        person: &mut Option<(&Account, Snapshot)>,
        found: &FoundCode,
    ) -> CodeSetOutcome {
        let Some((account, snapshot)) = person else { return CodeSetOutcome::Changed };
        let last = found.last(snapshot.record.generation);
        if self.budget == Budget::Proven && self.questions == Questions::All {
            return CodeSetOutcome::Last(last);
        }
        self.end_set(account, last)
    }

    /// Spends the last code of a set by the change that removes the set. Only one process can commit this change.
    fn end_set(&self, account: &Account, last: LastCode) -> CodeSetOutcome {
        let now = self.since.unix;
        let Ok(generation) = generate::generation(self.ports.entropy) else {
            return CodeSetOutcome::Faulty(CodesError::Memory);
        };
        let audit = AuditStamp { by: account.name.clone(), at: now };
        let stamp = ChangeStamp { generation, at: now };
        let ended = change(self.ports.records, account, &mut |found| match found {
            Some(found) if last.is_of(&found.record) => {
                Ok(enrollment::owing_codes(found.record, audit.clone(), stamp))
            }
            _ => Err(()),
        });
        match ended {
            Ok(()) => {
                CodeSetOutcome::Granted(Accepted::BackupCode { shape: last.shape, left: Some(0) })
            }
            Err(ChangeError::Declined(()) | ChangeError::Changing) => CodeSetOutcome::Spent,
            Err(ChangeError::Store(fault)) => CodeSetOutcome::Faulty(CodesError::Spend(fault)),
        }
    }

    /// Does the work of a comparison, but compares nothing. If the first factor is not proven, an answer with the shape
    /// of a backup code thus takes the same time for every user name, throttled or not.
    pub fn work_as_if(&self, code: &Code) {
        if self.budget.is_uniform()
            && let Some(shape) = code_match::shape_of(code)
        {
            let set = self.ports.codes.set_uniform(None);
            self.hash_dummy(code, shape, set.as_ref().ok());
        }
    }

    fn hash_dummy(&self, code: &Code, shape: Shape, set: Option<&CodeSet>) {
        let built_in = Recipe { salt: [0; 16], cost: shape.cost() };
        let recipe = set.filter(|set| set.shape == shape).map_or(&built_in, |set| &set.recipe);
        let digest = self.ports.codes.digest(code.of_shape(shape), recipe);
        if let (Some(set), Ok(digest)) = (set, &digest) {
            // The result is ignored: these are dummy codes.
            let _ = code_match::place_in(set, digest);
        }
    }

    fn look_for(
        &self,
        account: &Account,
        id: SetId,
        code: &Code,
    ) -> Result<Option<FoundCode>, CodesError> {
        let folder =
            Folder::of(&account.name).map_err(|_| CodesError::Record(StoreError::NameTooLong))?;
        let set = match self.budget {
            Budget::Proven | Budget::Verify | Budget::Locker => self.ports.codes.set(&folder, id),
            Budget::Unproven | Budget::Exempt => self.ports.codes.set_uniform(Some((&folder, id))),
        };
        let set = match set {
            Ok(set) => set,
            Err(fault) => {
                self.work_as_if(code);
                return Err(CodesError::Set(fault));
            }
        };
        let text = code.of_shape(set.shape);
        if text.is_empty() {
            // If the shape differs from the shape of the set, do the same work as for a wrong code.
            if self.budget.is_uniform()
                && let Some(shape) = code_match::shape_of(code)
            {
                self.hash_dummy(code, shape, Some(&set));
            }
            return Ok(None);
        }
        let digest = self.ports.codes.digest(text, &set.recipe);
        let digest = digest.map_err(|_| CodesError::Memory)?;
        let place = code_match::place_in(&set, &digest);
        Ok(place.map(|place| FoundCode { folder, id, set, place }))
    }

    /// Reads the record again after the code is spent. Refuses access if another process has replaced the set or
    /// removed the user.
    fn look_again(
        &self,
        person: &mut Option<(&Account, Snapshot)>,
        found: &FoundCode,
    ) -> CodeSetOutcome {
        for _ in 0..ROUNDS {
            let Some((account, snapshot)) = person else { return CodeSetOutcome::Changed };
            match self.ports.records.is_newest(&found.folder, snapshot) {
                Ok(true) => return self.accept(account, snapshot.record.generation, found),
                Ok(false) => {}
                Err(fault) => return CodeSetOutcome::Faulty(CodesError::Record(fault)),
            }
            let fresh = match self.ports.records.newest(account) {
                Ok(Some(fresh)) if fresh.record.state == State::Active => fresh,
                Ok(_) => {
                    *person = None;
                    return CodeSetOutcome::Changed;
                }
                Err(fault) => return CodeSetOutcome::Faulty(CodesError::Record(fault)),
            };
            let same = fresh.record.generation == snapshot.record.generation
                && fresh.record.codes == Some(found.id);
            *snapshot = fresh;
            if !same {
                return CodeSetOutcome::Changed;
            }
        }
        CodeSetOutcome::Changed
    }

    /// Grants access. Also removes the set from the record, if other logins have spent the rest of its codes at the
    /// same time.
    fn accept(
        &self,
        account: &Account,
        generation: Generation,
        found: &FoundCode,
    ) -> CodeSetOutcome {
        // This ledger name tells `twinlock status` when a code was last used. The code is spent even without the name.
        let used = Used { mark: KeyId::of_set(found.id), step: Step(found.place.into()) };
        let name = names::used_name(&used);
        let _ = self.user_ledger.create(&name, &names::instant(self.since.unix));
        let spent = match self.ports.codes.spent(&found.folder, found.id) {
            Ok(spent) => spent,
            Err(fault) => return CodeSetOutcome::Faulty(CodesError::Set(fault)),
        };
        match code_match::left(&found.set, &spent) {
            0 => self.end_set(account, found.last(generation)),
            left => CodeSetOutcome::Granted(Accepted::BackupCode {
                shape: found.set.shape,
                left: Some(left),
            }),
        }
    }
}

fn owner_of_set<'a>(person: Option<&(&'a Account, Snapshot)>) -> Option<(&'a Account, SetId)> {
    let (account, snapshot) = person?;
    Some((account, snapshot.record.codes?))
}
