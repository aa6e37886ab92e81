//! Accepts a remembered device at a login in place of a code.

use crate::{
    base::account::{Account, Folder},
    dialogue::{
        context::DialogueContext,
        remember::{self, Remembered},
    },
    event::{Accepted, Kind},
    login::{
        LoginCandidate, LoginFlow,
        after_code::{AfterCode, DialogueShown, is_as_judged},
    },
};

impl LoginFlow<'_> {
    pub(super) fn offer_to_remember(&self, context: &DialogueContext<'_>, after: &mut AfterCode) {
        if self.policy.remember_for == 0 {
            return;
        }
        let record = self.newest(context).filter(|record| is_as_judged(record, after));
        let Some(record) = record else { return };
        let binding =
            remember::binding(self.policy, self.request, context.account, record.generation);
        if let Some(binding) = binding {
            after.shown = DialogueShown::Something;
            if remember::offer(context, &binding) == Ok(Remembered::Yes) {
                self.log(Some(context.account), Kind::DeviceRemembered, None, None);
            }
        }
    }

    /// Accepts a remembered device in place of a code. Returns `None` if the device is not remembered, if the record
    /// requires a dialogue that can only follow a code, or if `held` is not the newest record.
    pub(super) fn of_remembered_device(
        &self,
        account: Option<&Account>,
        held: &LoginCandidate,
    ) -> Option<Accepted> {
        if self.policy.remember_for == 0 || !self.can_talk() {
            return None;
        }
        let (account, found) = (account?, held.record.as_ref()?);
        let seen = found.record.authenticators.iter().any(|one| one.seen.is_some());
        if seen || found.record.extras.owed_codes.is_some() {
            // The dialogue about a seen key or about new backup codes follows only a code, so the user is asked for a
            // code.
            return None;
        }
        let generation = found.record.generation;
        let binding = remember::binding(self.policy, self.request, account, generation)?;
        let user_ledger = self.open_user_ledger(Some(account)).ok()?;
        let now = self.ports.clock.now().ok()?;
        let known = remember::is_remembered(user_ledger.as_ref(), &binding, now);
        let folder = Folder::of(&account.name).ok()?;
        let newest = known && self.ports.records.is_newest(&folder, found) == Ok(true);
        newest.then_some(Accepted::Device)
    }
}
