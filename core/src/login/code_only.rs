//! Logins that ask only for a code. Dialogues that the record requires are postponed, and the user is told.

use crate::{
    base::account::{Account, Folder},
    dialogue::{
        asking::AskingEnd,
        context::{DialogueContext, DialogueError},
        hand_over,
        new_key::KeySlot,
    },
    event::{Accepted, Reason},
    login::{LoginFlow, after_code::ended},
    message::{Message, change::Change},
    policy::Questions,
    text,
    verify::attempt::Attempt,
};

impl LoginFlow<'_> {
    /// After the login is logged, tells the user to log in through another program, because a dialogue is needed that
    /// this login cannot show.
    pub(super) fn leave_for_another_login(&self) {
        self.final_message.leave(text::login(self.policy.language, &Message::Elsewhere));
    }

    /// Postpones the dialogues that the record requires after a correct code. Returns how the login ends.
    pub(super) fn put_off(
        &self,
        account: &Account,
        attempt: &Attempt<'_>,
        end: AskingEnd,
    ) -> AskingEnd {
        match end {
            AskingEnd::Granted(accepted) => match self.put_off_new_key(account, attempt, &accepted)
            {
                Ok(()) => AskingEnd::Granted(accepted),
                Err(stop) => ended(stop),
            },
            AskingEnd::Ticket(ticket) => {
                self.leave_for_another_login();
                AskingEnd::Ticket(ticket)
            }
            other @ (AskingEnd::LastCode(_)
            | AskingEnd::Denied(_)
            | AskingEnd::Stopped
            | AskingEnd::CutOff
            | AskingEnd::Broken(_)) => other,
        }
    }

    /// Tells the user that another user has seen the key, so the key must be replaced. If the PAM line allows no
    /// dialogue, this login counts as one postponement of the replacement. If the user is already logged in and runs a
    /// program such as sudo, nothing is counted, because the earlier login was counted.
    ///
    /// # Errors
    /// [`DialogueError`] if the key cannot be replaced later: no postponement is left, or the postponement cannot be
    /// stored.
    fn put_off_new_key(
        &self,
        account: &Account,
        attempt: &Attempt<'_>,
        accepted: &Accepted,
    ) -> Result<(), DialogueError> {
        let Ok(folder) = Folder::of(&account.name) else { return Ok(()) };
        let place = self.seen_place(attempt, accepted);
        let Some((at, (_, snapshot))) = place.zip(attempt.person.as_ref()) else { return Ok(()) };
        let record = &snapshot.record;
        let Some(found) = record.authenticators.get(at) else { return Ok(()) };
        let Some(seen) = &found.seen else { return Ok(()) };
        let place = KeySlot { place: at, name: found.name.clone(), generation: record.generation };
        let context: DialogueContext<'_> = self.context(account, &folder, attempt.user_ledger);
        if self.policy.questions() == Questions::CodeOnly {
            hand_over::put_off(&context, &place, seen).inspect_err(|stop| {
                if *stop == DialogueError::Declined(Reason::NotHandedOver) {
                    self.leave_for_another_login();
                }
            })?;
        }
        let told = Change::SeenElsewhere { by: seen.audit.by.clone(), at: seen.audit.at };
        context.person().tell(&context.change(&told));
        Ok(())
    }
}
