//! Asks for codes during a login, verifies each, and continues after a correct one.

use alloc::boxed::Box;
use core::cell::Cell;

use crate::login::{Held, Visit, told};
use crate::{
    account::{Account, Folder},
    answer::Code,
    attempt::{Outcome, Trial},
    beside::{Purpose, Ticket},
    dialogue::asking::{Asking, Backup, End, Wish},
    event::{Kind, Reason},
    fault::LedgerFault,
    ledger::Budget,
    letter::LetterKind,
    ports::{Seat, Shelf},
    request::Standing,
    resync::Memory,
};

impl Visit<'_> {
    /// Asks for codes and verifies each; after a correct one, runs the dialogues that follow.
    pub(super) fn ask_and_judge(&self, account: Option<&Account>, held: Held) -> End {
        let (backup, has_ticket) = (self.backup(account, &held), self.has_ticket(&held));
        let asking = Asking { backup, has_ticket, ..self.asking(account) };
        let shelf = match self.open_shelf(account) {
            Ok(shelf) => shelf,
            Err(fault) if self.standing == Standing::Proven => {
                return End::Broken(self.blamed(Reason::Ledger(fault)));
            }
            Err(fault) => {
                let reason = self.blamed(Reason::Ledger(fault));
                return told::unjudged(asking.ask(&mut |_| None), reason);
            }
        };
        let noted_as = held.noted_as;
        let mut trial = self.trial(account, held, shelf.as_ref());
        let end = asking.ask(&mut |code| Some(self.judge(account, (&mut trial, noted_as), code)));
        match account {
            Some(account) if self.can_talk() => {
                self.go_on(account, &mut trial, (end, asking.wish.get()))
            }
            Some(account) if self.asks_code_only() => self.put_off(account, &trial, end),
            _ => end,
        }
    }

    /// Verifies and logs one code.
    pub(super) fn judge(
        &self,
        account: Option<&Account>,
        (trial, noted_as): (&mut Trial<'_>, Option<(Kind, Reason)>),
        code: &Code,
    ) -> Outcome {
        let outcome = trial.attempt(code);
        // Logged at once: a user who disconnects or kills this process after a wrong code must still leave a trace.
        if let Some(reason) = outcome.rebuff() {
            let (kind, reason) = noted_as.unwrap_or((Kind::Refused, reason));
            self.note(account, kind, reason);
        }
        if outcome.is_resynchronized() {
            // Sent at once: the drift is stored, however this login ends.
            self.write(account, LetterKind::Resynchronized, None);
        }
        let guessed = matches!(outcome, Outcome::Throttled { .. } | Outcome::Locked);
        if guessed && self.standing == Standing::Proven {
            // An attacker who guesses here has the password or the key.
            self.write(account, LetterKind::Guessed, None);
        }
        outcome
    }

    pub(super) fn trial<'t>(
        &'t self,
        account: Option<&'t Account>,
        held: Held,
        shelf: &'t dyn Shelf,
    ) -> Trial<'t> {
        Trial {
            policy: self.policy,
            ports: self.ports,
            shelf,
            person: account.zip(held.record),
            stand_in: held.stand_in,
            broken: held.noted_as.map(|(_, reason)| reason).filter(|it| it.is_machines_fault()),
            source: &self.source,
            budget: match (self.standing, held.noted_as) {
                (Standing::Proven, _) => Budget::Proven,
                (Standing::Ahead | Standing::Decoy, Some((Kind::Exempt, _))) => Budget::Exempt,
                (Standing::Ahead | Standing::Decoy, _) => Budget::Unproven,
            },
            memory: Memory::new(self.policy.resync),
        }
    }

    pub(super) fn open_shelf(
        &self,
        account: Option<&Account>,
    ) -> Result<Box<dyn Shelf + '_>, LedgerFault> {
        let seat = self.seat(account);
        match self.standing {
            Standing::Proven => self.ports.ledger.open(&seat),
            Standing::Ahead | Standing::Decoy => self.ports.ledger.open_alike(&seat),
        }
    }

    pub(super) fn seat(&self, account: Option<&Account>) -> Seat {
        Seat::of(account, self.request.typed_user.as_deref().unwrap_or_default())
    }

    pub(super) fn asking(&self, account: Option<&Account>) -> Asking<'_> {
        Asking {
            policy: self.policy,
            conversation: self.ports.conversation,
            standing: self.standing,
            user: told::name_of(account),
            backup: None,
            has_ticket: false,
            wish: Cell::new(Wish::Nothing),
            parting: &self.parting,
        }
    }

    /// Returns whether a ticket for new backup codes works here. It needs a dialogue.
    fn has_ticket(&self, held: &Held) -> bool {
        let Some(found) = &held.record else { return false };
        let mut tickets = found.record.beside.tickets.iter();
        if self.standing != Standing::Proven || !self.can_talk() || tickets.len() == 0 {
            return false;
        }
        let works =
            |ticket: &Ticket, now| ticket.purpose == Purpose::Codes && !ticket.voucher.is_over(now);
        self.ports.clock.now().is_ok_and(|now| tickets.any(|ticket| works(ticket, now)))
    }

    fn backup(&self, account: Option<&Account>, held: &Held) -> Option<Backup<'_>> {
        let id = held.record.as_ref()?.record.codes?;
        let folder = Folder::of(&account?.name).ok()?;
        Some(Backup { codes: self.ports.codes, folder, id })
    }
}
