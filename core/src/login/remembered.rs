//! Remembered devices at a login: accepts one in place of a code.

use crate::{
    account::{Account, Folder},
    dialogue::{
        remember::{self, Remembered},
        talk::Talk,
    },
    event::{Accepted, Kind},
    login::{
        Held, Visit,
        beyond::{Course, Shown, is_as_judged},
    },
};

impl Visit<'_> {
    pub(super) fn offer_to_remember(&self, talk: &Talk<'_>, course: &mut Course) {
        if self.policy.remember_for == 0 {
            return;
        }
        let record = self.newest(talk).filter(|record| is_as_judged(record, course));
        let Some(record) = record else { return };
        let binding = remember::binding(self.policy, self.request, talk.account, record.generation);
        if let Some(binding) = binding {
            course.shown = Shown::Something;
            if remember::offer(talk, &binding) == Ok(Remembered::Yes) {
                self.log(Some(talk.account), Kind::DeviceRemembered, (None, None));
            }
        }
    }

    /// Accepts a remembered device in place of a code, if its record is the newest.
    pub(super) fn of_remembered_device(
        &self,
        account: Option<&Account>,
        held: &Held,
    ) -> Option<Accepted> {
        if self.policy.remember_for == 0 || !self.can_talk() {
            return None;
        }
        let (account, found) = (account?, held.record.as_ref()?);
        let seen = found.record.authenticators.iter().any(|one| one.seen.is_some());
        if seen || found.record.beside.owed_codes.is_some() {
            // Codes that are owed are shown after a code only.
            return None;
        }
        let generation = found.record.generation;
        let binding = remember::binding(self.policy, self.request, account, generation)?;
        let shelf = self.open_shelf(Some(account)).ok()?;
        let now = self.ports.clock.now().ok()?;
        let known = remember::is_remembered(shelf.as_ref(), &binding, now);
        let folder = Folder::of(&account.name).ok()?;
        let newest = known && self.ports.records.is_newest(&folder, found) == Ok(true);
        newest.then_some(Accepted::Device)
    }
}
