//! Verifies codes of a user outside of a login, for the command and the agent. Each code is counted and logged, and
//! causes a mail, as at a login.

use crate::{
    answer::Code,
    base::{
        account::{Account, Folder},
        request::{Claim, PublicKey, Request, Source},
        time::UnixTime,
    },
    event::{Accepted, Event, Kind, Reason},
    notify::notification::{Notification, NotificationKind},
    ports::{LedgerKey, Ports},
    verify::{
        attempt::{Attempt, Outcome},
        refusal_log,
    },
};

/// Name of the service in log lines and mail, for codes that the command or the agent verifies.
pub const SERVICE: &str = "twinlock";

/// The verification of the codes of one user.
pub struct OwnerCode<'a> {
    /// The user's account.
    pub account: &'a Account,
    /// The verification of one code. Its `source` is the label of [`Self::source`].
    pub attempt: Attempt<'a>,
    /// The source of the codes, such as a terminal or the agent.
    pub source: Source,
}

impl OwnerCode<'_> {
    /// Verifies a code. If it is correct, makes it unusable for every other login. Logs an accepted or a refused code,
    /// and queues the mail that an accepted code causes. Does not log a fault of the host; the caller logs it with
    /// [`Self::note`].
    pub fn judge(&mut self, code: &Code) -> Outcome {
        let outcome = self.attempt.verify(code);
        if let Some(reason) = outcome.rejection() {
            self.note(reason);
        }
        if let Outcome::Granted(accepted) = &outcome {
            self.accept(accepted);
        }
        outcome
    }

    /// Logs why no code was accepted, and stores the reason for `twinlock why`.
    pub fn note(&self, reason: Reason) {
        self.attempt.ports.journal.note(&self.event(Kind::Refused, Some(reason), None));
        let ledger_key = LedgerKey::of(Some(self.account), &self.account.name);
        refusal_log::keep(&self.attempt.ports, &ledger_key, &self.request(), reason);
    }

    /// Does what a login does after a correct code: stores the time and the source, queues the mail that the code
    /// causes, and writes a line to the log.
    fn accept(&self, accepted: &Accepted) {
        let Ports { records, clock, journal, outbox, .. } = self.attempt.ports;
        if let Ok(now) = clock.now() {
            records.mark_clock(now);
            match (&self.source, Folder::of(&self.account.name)) {
                // Malware of the user could make a source known through the agent, and known sources have limits of
                // their own.
                (Source::Agent(_), _) | (_, Err(_)) => {}
                (_, Ok(folder)) => records.remember_source(&folder, self.attempt.source, now.unix),
            }
            match accepted {
                Accepted::BackupCode { left, .. } => {
                    outbox.put(&self.letter(NotificationKind::BackupCodeUsed, now.unix, *left));
                }
                Accepted::App { resynced: Some(_), .. } => {
                    outbox.put(&self.letter(NotificationKind::Resynchronized, now.unix, None));
                }
                Accepted::App { .. }
                | Accepted::Bypass { .. }
                | Accepted::Ticket
                | Accepted::Device => {}
            }
        }
        journal.note(&self.event(Kind::Accepted, None, Some(accepted.clone())));
    }

    /// Logs that the user has changed something. `accepted` is the code that permitted the change; `None` if that code
    /// is already logged.
    pub fn note_change(&self, kind: Kind, accepted: Option<Accepted>) {
        self.attempt.ports.journal.note(&self.event(kind, None, accepted));
    }

    fn letter(&self, kind: NotificationKind, at: UnixTime, left: Option<u8>) -> Notification {
        Notification {
            user: self.account.name.clone(),
            kind,
            at,
            service: SERVICE.into(),
            source: self.attempt.source.clone(),
            by: None,
            left,
            to: None,
            life: None,
        }
    }

    fn event(&self, kind: Kind, reason: Option<Reason>, accepted: Option<Accepted>) -> Event {
        Event {
            kind,
            user: Some(self.account.name.clone()),
            service: SERVICE.into(),
            source: self.attempt.source.clone(),
            first_factor: self.request().claim.word(),
            accepted,
            reason,
        }
    }

    /// Returns a login request with a proven first factor: the user has logged in, and the agent has checked the
    /// password.
    fn request(&self) -> Request {
        Request {
            service: SERVICE.into(),
            typed_user: Some(self.account.name.clone()),
            source: self.source.clone(),
            claim: Claim::Stack,
            public_key: PublicKey::Absent,
            keys: None,
        }
    }
}
