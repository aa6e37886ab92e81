//! Asks for the codes of a login, verifies each, and continues after a correct one.

use alloc::boxed::Box;
use core::cell::Cell;

use crate::login::{LoginCandidate, LoginFlow, outcome};
use crate::{
    answer::Code,
    base::{
        account::{Account, Folder},
        error::LedgerError,
        request::FirstFactor,
    },
    dialogue::asking::{Asking, AskingEnd, Backup, Wish},
    event::{Kind, Reason},
    ledger::Budget,
    notify::notification::NotificationKind,
    ports::{LedgerKey, UserLedger},
    record::extras::{Purpose, Ticket},
    verify::{
        attempt::{Attempt, Outcome},
        resync::Memory,
    },
};

impl LoginFlow<'_> {
    /// Asks for codes and verifies each. After a correct code, runs the dialogues that follow. Returns how the login
    /// ends. `account` is `None` for a name that NSS does not know.
    pub(super) fn ask_and_judge(
        &self,
        account: Option<&Account>,
        held: LoginCandidate,
    ) -> AskingEnd {
        let (backup, has_ticket) = (self.backup(account, &held), self.has_ticket(&held));
        let asking = Asking { backup, has_ticket, ..self.asking(account) };
        let user_ledger = match self.open_user_ledger(account) {
            Ok(user_ledger) => user_ledger,
            Err(fault) if self.first_factor == FirstFactor::Proven => {
                return AskingEnd::Broken(self.blamed(Reason::Ledger(fault)));
            }
            Err(fault) => {
                let reason = self.blamed(Reason::Ledger(fault));
                return outcome::unjudged(asking.ask(&mut |_| None), reason);
            }
        };
        let noted_as = held.noted_as;
        let mut attempt = self.attempt(account, held, user_ledger.as_ref());
        let end = asking.ask(&mut |code| Some(self.judge(account, &mut attempt, noted_as, code)));
        match account {
            Some(account) if self.can_talk() => {
                self.go_on(account, &mut attempt, end, asking.wish.get())
            }
            Some(account) if self.asks_code_only() => self.put_off(account, &attempt, end),
            _ => end,
        }
    }

    /// Verifies one code and logs the outcome; if `noted_as` is given, logs that kind and reason instead. `account` is
    /// `None` for a name that NSS does not know.
    pub(super) fn judge(
        &self,
        account: Option<&Account>,
        attempt: &mut Attempt<'_>,
        noted_as: Option<(Kind, Reason)>,
        code: &Code,
    ) -> Outcome {
        let outcome = attempt.verify(code);
        // A refusal is logged at once, so that a user who disconnects or kills this process after a wrong code leaves a
        // trace.
        if let Some(reason) = outcome.rejection() {
            let (kind, reason) = noted_as.unwrap_or((Kind::Refused, reason));
            self.note(account, kind, reason);
        }
        if outcome.is_resynchronized() {
            // The mail is sent at once, because the drift is stored however this login ends.
            self.write(account, NotificationKind::Resynchronized, None);
        }
        let guessed = matches!(outcome, Outcome::Throttled { .. } | Outcome::Locked);
        if guessed && self.first_factor == FirstFactor::Proven {
            // A user who guesses after a proven first factor may be an attacker who has the password or the ssh key.
            self.write(account, NotificationKind::Guessed, None);
        }
        outcome
    }

    pub(super) fn attempt<'t>(
        &'t self,
        account: Option<&'t Account>,
        held: LoginCandidate,
        user_ledger: &'t dyn UserLedger,
    ) -> Attempt<'t> {
        Attempt {
            policy: self.policy,
            ports: self.ports,
            user_ledger,
            person: account.zip(held.record),
            stand_in: held.stand_in,
            broken: held.noted_as.map(|(_, reason)| reason).filter(|it| it.is_machines_fault()),
            source: &self.source,
            budget: match (self.first_factor, held.noted_as) {
                (FirstFactor::Proven, _) => Budget::Proven,
                (FirstFactor::Ahead | FirstFactor::Decoy, Some((Kind::Exempt, _))) => {
                    Budget::Exempt
                }
                (FirstFactor::Ahead | FirstFactor::Decoy, _) => Budget::Unproven,
            },
            memory: Memory::new(self.policy.resync),
        }
    }

    pub(super) fn open_user_ledger(
        &self,
        account: Option<&Account>,
    ) -> Result<Box<dyn UserLedger + '_>, LedgerError> {
        let ledger_key = self.ledger_key(account);
        match self.first_factor {
            FirstFactor::Proven => self.ports.ledger.open(&ledger_key),
            FirstFactor::Ahead | FirstFactor::Decoy => self.ports.ledger.open_uniform(&ledger_key),
        }
    }

    pub(super) fn ledger_key(&self, account: Option<&Account>) -> LedgerKey {
        LedgerKey::of(account, self.request.typed_user.as_deref().unwrap_or_default())
    }

    pub(super) fn asking<'a>(&'a self, account: Option<&'a Account>) -> Asking<'a> {
        Asking {
            policy: self.policy,
            conversation: self.ports.conversation,
            first_factor: self.first_factor,
            account,
            backup: None,
            has_ticket: false,
            wish: Cell::new(Wish::Nothing),
            final_message: &self.final_message,
        }
    }

    /// Returns whether the user has a valid ticket for new backup codes and this login can show a dialogue for it.
    fn has_ticket(&self, held: &LoginCandidate) -> bool {
        let Some(found) = &held.record else { return false };
        let mut tickets = found.record.extras.tickets.iter();
        if self.first_factor != FirstFactor::Proven || !self.can_talk() || tickets.len() == 0 {
            return false;
        }
        let works =
            |ticket: &Ticket, now| ticket.purpose == Purpose::Codes && !ticket.voucher.is_over(now);
        self.ports.clock.now().is_ok_and(|now| tickets.any(|ticket| works(ticket, now)))
    }

    fn backup(&self, account: Option<&Account>, held: &LoginCandidate) -> Option<Backup<'_>> {
        let id = held.record.as_ref()?.record.codes?;
        let folder = Folder::of(&account?.name).ok()?;
        Some(Backup { codes: self.ports.codes, folder, id })
    }
}
