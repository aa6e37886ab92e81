//! The sets of backup codes of a `World`.

use twinlock_core::{
    base::{
        account::Folder,
        error::{CommitError, FileError, MachineError, StoreError},
        time::UnixTime,
    },
    ports::{CodeSets, Creation},
    record::{
        Generation, Record, SetId,
        code_set::{CodeSet, Cost, Digest, Recipe, Shape},
        code_set_text, text as form,
    },
    verify::code_match,
};
use zeroize::Zeroizing;

use super::World;

impl World {
    /// Gives ada a set of the backup codes `codes` with the id `id`. Also writes ada's record anew, with `id` as its
    /// code set and as the id of its state.
    pub fn with_set(&self, id: u64, codes: &[&str]) {
        let recipe = Recipe { salt: [9; 16], cost: Cost::GUESSABLE };
        let hashes = codes.iter().map(|code| digest_of(code, &recipe)).collect();
        self.sets.borrow_mut().insert(id, CodeSet { shape: Shape::Digits8, recipe, hashes });
        let record = self.newest_record("ada");
        let record = Record { codes: Some(SetId(id)), generation: Generation(id), ..record };
        let mut records = self.records.borrow_mut();
        let sequence = records.get("ada").map_or(0, |(sequence, _)| *sequence);
        records.insert("ada".into(), (sequence + 1, form::write(&record).to_string()));
    }
}

impl World {
    /// Returns the index of a code in a set; `None` if the set does not contain the code.
    fn place_of(&self, id: SetId, code: &str) -> Option<u8> {
        let sets = self.sets.borrow();
        let set = sets.get(&id.0)?;
        code_match::place_in(set, &digest_of(code, &set.recipe))
    }

    /// Returns whether a code is in a set.
    pub fn is_of_set(&self, id: SetId, code: &str) -> bool {
        self.place_of(id, code).is_some()
    }

    /// Returns whether a code is in the set `id` and unspent; `false` if `id` is `None`.
    pub fn is_unspent(&self, id: Option<SetId>, code: &str) -> bool {
        let Some(id) = id else { return false };
        let place = self.place_of(id, code);
        place.is_some_and(|place| !self.spent.borrow().contains_key(&(id.0, place)))
    }
}

impl CodeSets for World {
    fn set(&self, _: &Folder, id: SetId) -> Result<CodeSet, StoreError> {
        if self.fails() {
            return Err(FileError::Io { errno: 5 }.into());
        }
        let sets = self.sets.borrow();
        let set = sets.get(&id.0).ok_or(StoreError::File(FileError::Missing))?;
        code_set_text::read(&code_set_text::write(set))
    }

    fn set_uniform(&self, of: Option<(&Folder, SetId)>) -> Result<CodeSet, StoreError> {
        of.map_or(Err(StoreError::File(FileError::Missing)), |(folder, id)| self.set(folder, id))
    }

    fn spent(&self, _: &Folder, id: SetId) -> Result<Vec<u8>, StoreError> {
        if self.fails() {
            return Err(FileError::Io { errno: 5 }.into());
        }
        let spent = self.spent.borrow();
        Ok(spent.keys().filter(|(set, _)| *set == id.0).map(|(_, place)| *place).collect())
    }

    fn spend(
        &self,
        _: &Folder,
        id: SetId,
        place: u8,
        now: UnixTime,
    ) -> Result<Creation, StoreError> {
        if self.fails() {
            return Err(FileError::Io { errno: 28 }.into());
        }
        if let Some(fault) = self.spend_fault.get() {
            return Err(fault);
        }
        let taken = self.spent.borrow_mut().insert((id.0, place), now).is_some();
        Ok(if taken { Creation::Taken } else { Creation::Made })
    }

    fn digest(&self, code: &str, recipe: &Recipe) -> Result<Digest, MachineError> {
        if self.fails() {
            return Err(MachineError);
        }
        self.hashed.borrow_mut().push(code.into());
        self.unix.set(self.unix.get() + self.late.get());
        self.boot.set(self.boot.get() + self.late.get());
        Ok(digest_of(code, recipe))
    }

    fn lay_down(
        &self,
        _: &Folder,
        shape: Shape,
        codes: &[Zeroizing<String>],
    ) -> Result<SetId, CommitError> {
        if self.fails() {
            return Err(FileError::Io { errno: 28 }.into());
        }
        let recipe = Recipe { salt: [7; 16], cost: shape.cost() };
        let hashes = codes.iter().map(|code| digest_of(code, &recipe)).collect();
        let id = self.sets.borrow().keys().last().map_or(1000, |last| last.max(&1000) + 1);
        self.sets.borrow_mut().insert(id, CodeSet { shape, recipe, hashes });
        Ok(SetId(id))
    }

    fn take_away(&self, _: &Folder, id: SetId) {
        self.sets.borrow_mut().remove(&id.0);
    }
}

/// Hashes a code with its salt. Argon2id, which is in the crate `host`, is not needed to tell codes apart.
fn digest_of(code: &str, recipe: &Recipe) -> Digest {
    let mut bytes = Zeroizing::new([0; 32]);
    let parts = recipe.salt.iter().copied().chain(code.bytes());
    for (place, part) in parts.enumerate() {
        if let Some(byte) = bytes.get_mut(place % 32) {
            *byte = u8::rotate_left(*byte, 3) ^ part;
        }
    }
    Digest::new(bytes)
}
