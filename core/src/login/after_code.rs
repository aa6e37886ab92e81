//! The part of a login after a correct code: key replacement, new backup codes, self-service, and remembered devices.
//! Also set-up, which takes the place of the code.

use crate::login::{LoginCandidate, LoginFlow};
use crate::{
    base::{
        account::{Account, Folder},
        error::StoreError,
        fingerprint,
    },
    dialogue::{
        asking::{AskingEnd, Wish},
        context::{DialogueContext, DialogueError, OVERTAKEN},
        fresh_ticket,
        hand_over::{self, HandOver},
        new_codes,
        new_key::KeySlot,
        self_service::{self, Served},
        set_up::{self, Came, CodesShown, Owed},
    },
    event::{Accepted, Kind, Reason, verdict::Verdict},
    ledger::throttle::Familiarity,
    message::{
        change::Change,
        new_codes::{NewCodes, Why},
    },
    policy::admission::Offer,
    ports::{Snapshot, UserLedger},
    record::{
        Generation, Record, State,
        enrollment::{self, ChangeStamp},
        extras::{Purpose, Ticket},
    },
    verify::{attempt::Attempt, code_set_verify::LastCode, record_update::change},
};

impl LoginFlow<'_> {
    /// Offers set-up to a user who is not enrolled, and concludes the login.
    pub(super) fn set_up(
        &self,
        account: Option<&Account>,
        held: LoginCandidate,
        offer: Offer,
    ) -> Verdict {
        let Some((account, folder)) =
            account.and_then(|account| Folder::of(&account.name).ok().map(|it| (account, it)))
        else {
            return self.refuse(account, Reason::Store(StoreError::NameTooLong));
        };
        let user_ledger = match self.open_user_ledger(Some(account)) {
            Ok(user_ledger) => user_ledger,
            Err(fault) => return self.refuse(Some(account), Reason::Ledger(fault)),
        };
        let reset = held.record.as_ref().and_then(|found| found.record.extras.reset.clone());
        let mut attempt = self.attempt(Some(account), held, user_ledger.as_ref());
        let context = self.context(account, &folder, user_ledger.as_ref());
        fresh_ticket::request(
            &context,
            offer,
            attempt.person.as_ref().map(|(_, found)| &found.record),
        );
        let came = set_up::offer(&context, offer, reset.as_ref(), &mut |code| {
            self.judge(Some(account), &mut attempt, None, code)
        });
        match came {
            Ok(Came::Without) => {
                self.note(Some(account), Kind::Exempt, Reason::Reminded);
                Verdict::Exempt
            }
            Ok(Came::Enrolled(accepted, generation)) => {
                self.log(Some(account), Kind::Enrolled, None, Some(accepted.clone()));
                let after = AfterCode { generation, shown: DialogueShown::Something };
                match self.still_stands(&context, &after) {
                    Ok(()) => {
                        self.afterwards(Some(account), Familiarity::Stranger);
                        self.conclude(Some(account), AskingEnd::Granted(accepted))
                    }
                    Err(stop) => self.conclude(Some(account), ended(stop)),
                }
            }
            Err(stop) => self.conclude(Some(account), ended(stop)),
        }
    }

    pub(super) fn context<'t>(
        &'t self,
        account: &'t Account,
        folder: &'t Folder,
        user_ledger: &'t dyn UserLedger,
    ) -> DialogueContext<'t> {
        DialogueContext {
            policy: self.policy,
            ports: self.ports,
            account,
            folder,
            user_ledger,
            service: &self.request.service,
            source: &self.source,
            fingerprint: self.request.keys.as_deref().map(fingerprint::of),
            final_message: &self.final_message,
        }
    }

    /// Runs the dialogues that follow a correct code, the last backup code or a ticket. Returns how the login ends,
    /// which is `end` itself if no dialogue follows. Call this only if the login may show a dialogue.
    pub(super) fn go_on(
        &self,
        account: &Account,
        attempt: &mut Attempt<'_>,
        end: AskingEnd,
        wish: Wish,
    ) -> AskingEnd {
        let Ok(folder) = Folder::of(&account.name) else { return end };
        let user_ledger = attempt.user_ledger;
        let context = self.context(account, &folder, user_ledger);
        let done = match end {
            AskingEnd::Granted(accepted) => self.after_code(&context, attempt, accepted, wish),
            AskingEnd::LastCode(last) => self.after_last(&context, attempt, last, wish),
            AskingEnd::Ticket(ticket) if ticket.purpose == Purpose::Codes => {
                self.after_ticket(&context, attempt, &ticket, wish)
            }
            other @ (AskingEnd::Ticket(_)
            | AskingEnd::Denied(_)
            | AskingEnd::Stopped
            | AskingEnd::CutOff
            | AskingEnd::Broken(_)) => return other,
        };
        done.map_or_else(ended, AskingEnd::Granted)
    }

    /// Runs the dialogues that follow a correct code: first those that the record requires, then the change that the
    /// user wants. Returns an error if another process has changed the record since the code was compared.
    fn after_code(
        &self,
        context: &DialogueContext<'_>,
        attempt: &mut Attempt<'_>,
        accepted: Accepted,
        wish: Wish,
    ) -> Result<Accepted, DialogueError> {
        // A bypass code grants one login and no lasting change.
        let Some(judged) = generation_of(attempt).filter(|_| !is_bypass(&accepted)) else {
            return Ok(accepted);
        };
        let mut after = AfterCode { generation: judged, shown: DialogueShown::Nothing };
        if let Some(place) = self.seen_place(attempt, &accepted) {
            self.hand_over(context, attempt, place, &mut after)?;
            self.show_successor(context, &mut after);
        }
        if let Some(why) = self.owed(attempt, &accepted) {
            self.show_owed(context, why, &mut after);
        }
        self.finish(context, attempt, wish, &mut after).map(|()| accepted)
    }

    /// Runs the change that the user wants, and then offers to remember the device.
    fn finish(
        &self,
        context: &DialogueContext<'_>,
        attempt: &mut Attempt<'_>,
        wish: Wish,
        after: &mut AfterCode,
    ) -> Result<(), DialogueError> {
        if wish == Wish::Change {
            self.serve(context, attempt, after)?;
        }
        self.offer_to_remember(context, after);
        self.still_stands(context, after)
    }

    /// Shows the backup codes that the record says must be shown. If this fails, access is granted nevertheless,
    /// because the code was correct, and the next login shows the codes.
    fn show_owed(&self, context: &DialogueContext<'_>, why: Why, after: &mut AfterCode) {
        after.shown = DialogueShown::Something;
        let shown = set_up::codes_or_later(context, why, after.generation);
        if shown.codes == CodesShown::InForce {
            self.log(Some(context.account), Kind::CodesRenewed, None, None);
        }
        after.generation = shown.generation;
    }

    /// Shows a new set of backup codes if the last code of the old set was the second code of a change.
    fn show_successor(&self, context: &DialogueContext<'_>, after: &mut AfterCode) {
        let record = self.newest(context).filter(|record| is_as_judged(record, after));
        let used_up = |record: &Record| {
            let owed = record.extras.owed_codes.as_ref();
            record.codes.is_none() && owed.is_some_and(|owed| owed.by == record.user)
        };
        if record.as_ref().is_some_and(used_up) {
            self.show_owed(context, Why::None, after);
        }
    }

    /// Returns an error if a dialogue was shown and the record is no longer readable, or another process changed it.
    fn still_stands(
        &self,
        context: &DialogueContext<'_>,
        after: &AfterCode,
    ) -> Result<(), DialogueError> {
        if after.shown == DialogueShown::Nothing {
            return Ok(());
        }
        match self.ports.records.newest(context.account) {
            Ok(Some(found)) if is_as_judged(&found.record, after) => Ok(()),
            Ok(_) => Err(OVERTAKEN),
            Err(fault) => Err(DialogueError::Broken(Reason::Store(fault))),
        }
    }

    /// Returns the index of the authenticator whose code was accepted, if another user has seen its key; otherwise
    /// `None`.
    pub(super) fn seen_place(&self, attempt: &Attempt<'_>, accepted: &Accepted) -> Option<usize> {
        let Accepted::App { authenticator, .. } = accepted else { return None };
        let (_, snapshot) = attempt.person.as_ref()?;
        let mut all = snapshot.record.authenticators.iter();
        all.position(|one| one.name == *authenticator && one.seen.is_some())
    }

    fn hand_over(
        &self,
        context: &DialogueContext<'_>,
        attempt: &mut Attempt<'_>,
        at: usize,
        after: &mut AfterCode,
    ) -> Result<(), DialogueError> {
        let Some((place, seen)) = attempt.person.as_ref().and_then(|(_, snapshot)| {
            let found = snapshot.record.authenticators.get(at)?;
            let (name, generation) = (found.name.clone(), snapshot.record.generation);
            Some((KeySlot { place: at, name, generation }, found.seen.clone()?))
        }) else {
            return Ok(());
        };
        let account = Some(context.account);
        let done = hand_over::hand_over(context, &place, &seen, &mut |code| {
            self.judge(account, attempt, None, code)
        })?;
        after.shown = DialogueShown::Something;
        if let HandOver::Replaced(generation) = done {
            after.generation = generation;
            self.log(account, Kind::KeyChanged, None, None);
        }
        Ok(())
    }

    /// Returns why the user must be shown new backup codes after this code; `None` if there is no reason.
    fn owed(&self, attempt: &Attempt<'_>, accepted: &Accepted) -> Option<Why> {
        let record = attempt.person.as_ref().map(|(_, snapshot)| &snapshot.record)?;
        let used_up = matches!(accepted, Accepted::BackupCode { left: Some(0), .. });
        (used_up || record.extras.owed_codes.is_some()).then(|| new_codes::why_owed(record))
    }

    /// Runs the change that the user chooses from the menu. Access is granted even if the user changes nothing.
    fn serve(
        &self,
        context: &DialogueContext<'_>,
        attempt: &mut Attempt<'_>,
        after: &mut AfterCode,
    ) -> Result<(), DialogueError> {
        let judged = |record: &Record| is_as_judged(record, after);
        let found = self.newest_snapshot(context).filter(|found| judged(&found.record));
        let (Some(found), Some(record)) = (found, self.newest(context).filter(judged)) else {
            return Err(OVERTAKEN);
        };
        // A second code is compared with the newest record, and thus also with backup codes that were just shown.
        if let Some((_, snapshot)) = &mut attempt.person {
            *snapshot = found;
        }
        let account = Some(context.account);
        after.shown = DialogueShown::Something;
        let served = self_service::serve(context, &record, &mut |code| {
            self.judge(account, attempt, None, code)
        });
        match served {
            Ok(Served::Nothing) => {}
            Ok(Served::Codes(generation)) => {
                after.generation = generation;
                self.log(account, Kind::CodesRenewed, None, None);
            }
            Ok(Served::Key(generation)) => {
                after.generation = generation;
                self.log(account, Kind::KeyChanged, None, None);
                self.show_successor(context, after);
            }
            // If the store failed after the change, `still_stands` decides by the record that is now in force.
            Err(_) if self.newest(context).is_some_and(|newest| is_as_judged(&newest, after)) => {
                context.person().tell(&context.change(&Change::Unchanged));
            }
            Err(_) => {}
        }
        Ok(())
    }

    pub(super) fn newest(&self, context: &DialogueContext<'_>) -> Option<Record> {
        self.newest_snapshot(context).map(|found| found.record)
    }

    fn newest_snapshot(&self, context: &DialogueContext<'_>) -> Option<Snapshot> {
        let found = self.ports.records.newest(context.account).ok().flatten();
        found.filter(enrollment::is_enrolled)
    }

    /// Shows a new set after the user entered the last backup code of a set. Access is granted only after one change of
    /// the record makes the new set valid and the entered code invalid.
    fn after_last(
        &self,
        context: &DialogueContext<'_>,
        attempt: &mut Attempt<'_>,
        last: LastCode,
        wish: Wish,
    ) -> Result<Accepted, DialogueError> {
        let generation = context.stamp()?.generation;
        let renewed = new_codes::renew(context, Why::LastTyped, &mut |id| {
            let stamp = ChangeStamp { generation, at: context.now()?.unix };
            let spent = context.ports.codes.spent(context.folder, last.id);
            if spent
                .map_err(|fault| DialogueError::Broken(Reason::Store(fault)))?
                .contains(&last.place)
            {
                return Err(OVERTAKEN);
            }
            Ok(change(context.ports.records, context.account, &mut |found| match found {
                Some(found) if last.is_of(&found.record) => {
                    Ok(enrollment::with_codes(found.record, id, stamp))
                }
                _ => Err(OVERTAKEN),
            })?)
        });
        if renewed == Err(DialogueError::Declined(Reason::Unconfirmed)) {
            context.leave_word((*context.new_codes(&NewCodes::OldOneStays)).clone());
        }
        let left = renewed?;
        attempt.forgive_late();
        self.log(Some(context.account), Kind::CodesRenewed, None, None);
        let mut after = AfterCode { generation, shown: DialogueShown::Something };
        self.finish(context, attempt, wish, &mut after)?;
        Ok(Accepted::BackupCode { shape: last.shape, left: Some(left) })
    }

    /// Shows new backup codes after the user entered a ticket for them. Access is granted only after one change of the
    /// record makes the codes valid and the ticket invalid.
    fn after_ticket(
        &self,
        context: &DialogueContext<'_>,
        attempt: &mut Attempt<'_>,
        ticket: &Ticket,
        wish: Wish,
    ) -> Result<Accepted, DialogueError> {
        let record = attempt.person.as_ref().map(|(_, snapshot)| &snapshot.record);
        let why = record.map_or(Why::None, new_codes::why_owed);
        let judged = generation_of(attempt).ok_or(OVERTAKEN)?;
        let owed = Owed { generation: judged, ticket: Some(ticket) };
        let generation = context.stamp()?.generation;
        let shown = set_up::first_codes(context, why, &owed, generation);
        if matches!(shown, Err(DialogueError::Declined(Reason::Unconfirmed))) {
            context.leave_word((*context.new_codes(&NewCodes::TicketStays)).clone());
        }
        shown?;
        attempt.forgive_late();
        self.log(Some(context.account), Kind::CodesRenewed, None, None);
        let mut after = AfterCode { generation, shown: DialogueShown::Something };
        // A login with a ticket does not offer to remember the device.
        if wish == Wish::Change {
            self.serve(context, attempt, &mut after)?;
        }
        self.still_stands(context, &after)?;
        Ok(Accepted::Ticket)
    }
}

/// The state after a correct code: the record that the later steps apply to, and whether a dialogue was shown.
pub(super) struct AfterCode {
    pub(super) generation: Generation,
    pub(super) shown: DialogueShown,
}

/// Whether the user was asked anything since the code was entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DialogueShown {
    Nothing,
    Something,
}

pub(super) fn is_as_judged(record: &Record, after: &AfterCode) -> bool {
    record.state == State::Active && record.generation == after.generation
}

fn generation_of(attempt: &Attempt<'_>) -> Option<Generation> {
    attempt.person.as_ref().map(|(_, snapshot)| snapshot.record.generation)
}

fn is_bypass(accepted: &Accepted) -> bool {
    matches!(accepted, Accepted::Bypass { .. })
}

pub(super) fn ended(stop: DialogueError) -> AskingEnd {
    match stop {
        DialogueError::CutOff => AskingEnd::CutOff,
        DialogueError::Declined(reason) => AskingEnd::Denied(reason),
        DialogueError::Broken(reason) => AskingEnd::Broken(reason),
    }
}
