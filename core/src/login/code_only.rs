//! Logins that ask for a code only: what the record owes is postponed, and the user is told.

use crate::{
    account::{Account, Folder},
    attempt::Trial,
    dialogue::{
        asking::End,
        hand_over,
        new_key::Place,
        talk::{Stop, Talk},
    },
    event::{Accepted, Reason},
    login::{Visit, beyond::ended},
    message::{Message, change::Change},
    policy::Questions,
    text,
};

impl Visit<'_> {
    /// Queues the message that the user must log in another way to continue.
    pub(super) fn leave_for_another_login(&self) {
        self.parting.leave(text::login(self.policy.language, &Message::Elsewhere));
    }

    /// Postpones what the record owes after a correct code.
    pub(super) fn put_off(&self, account: &Account, trial: &Trial<'_>, end: End) -> End {
        match end {
            End::Granted(accepted) => match self.put_off_new_key(account, trial, &accepted) {
                Ok(()) => End::Granted(accepted),
                Err(stop) => ended(stop),
            },
            End::Ticket(ticket) => {
                self.leave_for_another_login();
                End::Ticket(ticket)
            }
            other @ (End::LastCode(_)
            | End::Denied(_)
            | End::Stopped
            | End::CutOff
            | End::Broken(_)) => other,
        }
    }

    /// Tells a user that a key must be replaced. Counts the postponement if the PAM line prevents the dialogue.
    /// Programs that a local user runs count nothing: the login of that user already did.
    fn put_off_new_key(
        &self,
        account: &Account,
        trial: &Trial<'_>,
        accepted: &Accepted,
    ) -> Result<(), Stop> {
        let Ok(folder) = Folder::of(&account.name) else { return Ok(()) };
        let place = self.seen_place(trial, accepted);
        let Some((at, (_, snapshot))) = place.zip(trial.person.as_ref()) else { return Ok(()) };
        let record = &snapshot.record;
        let Some(found) = record.authenticators.get(at) else { return Ok(()) };
        let Some(seen) = &found.seen else { return Ok(()) };
        let place = Place { place: at, name: found.name.clone(), generation: record.generation };
        let talk: Talk<'_> = self.talk(account, &folder, trial.shelf);
        if self.policy.questions() == Questions::CodeOnly {
            hand_over::put_off(&talk, &place, seen).inspect_err(|stop| {
                if *stop == Stop::Declined(Reason::NotHandedOver) {
                    self.leave_for_another_login();
                }
            })?;
        }
        let told = Change::SeenElsewhere { by: seen.trace.by.clone(), at: seen.trace.at };
        talk.person().tell(&talk.change(&told));
        Ok(())
    }
}
