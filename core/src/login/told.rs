//! The part of a login in which its end is told: to the person, the log, the ledger, by mail, and as a verdict.

use alloc::string::String;

use crate::login::Visit;
use crate::{
    account::{Account, Folder},
    dialogue::asking::End,
    event::{Accepted, Event, Kind, Reason},
    fault::{CodesFault, StoreFault},
    letter::{Letter, LetterKind},
    message::Message,
    refusals,
    request::{Source, Standing},
    text,
    throttle::Familiarity,
    verdict::Verdict,
};

impl Visit<'_> {
    /// Notes the end in the log and for `twinlock why`, and makes it a verdict.
    pub(super) fn conclude(&self, account: Option<&Account>, end: End) -> Verdict {
        match &end {
            End::Granted(accepted) => {
                self.log(account, Kind::Accepted, (None, Some(accepted.clone())));
                self.asking(account).tell_accepted(accepted);
                self.write_accepted(account, accepted);
            }
            End::Denied(reason) if reason.is_told_at_once() => {}
            // Whoever changes a record has the last word, and this login knows no more than that.
            End::Denied(Reason::RecordChanging) | End::Broken(Reason::RecordChanging)
                if self.can_talk() =>
            {
                self.note(account, Kind::Refused, Reason::RecordChanging);
                self.parting.leave(text::login(self.policy.language, &Message::Overtaken));
            }
            End::Denied(reason) => self.note(account, Kind::Refused, *reason),
            End::LastCode(_) | End::Ticket(_) => {
                self.note(account, Kind::Refused, Reason::Unconfirmed);
            }
            End::Stopped => self.note(account, Kind::Refused, Reason::Stopped),
            End::CutOff => self.note(account, Kind::Refused, Reason::Conversation),
            End::Broken(reason) => {
                if !reason.is_told_at_once() {
                    self.note(account, Kind::Refused, *reason);
                }
                self.asking(account).explain(&fault_message(*reason, name_of(account)));
            }
        }
        if matches!(end, End::Granted(_)) {
            self.parting.tell(self.ports.conversation);
        } else {
            self.say_last();
        }
        verdict_of(&end)
    }

    /// Why somebody does not get in, once it stands in the log.
    pub(super) fn say_last(&self) {
        self.parting.say(self.policy, self.ports.conversation);
    }

    /// A code from the drawer is worth a letter: its owner knows whether it was theirs.
    fn write_accepted(&self, account: Option<&Account>, accepted: &Accepted) {
        if let Accepted::BackupCode { left, .. } = *accepted {
            self.write(account, LetterKind::BackupCodeUsed, left);
            let codes = self.policy.backup_codes;
            // After the last one there is a whole new set.
            if left.is_some_and(|left| left <= codes.warn_below && left < codes.count) {
                self.write(account, LetterKind::FewCodesLeft, left);
            }
        }
    }

    /// Lets the person hear of something by mail, as well as it goes.
    pub(super) fn write(&self, account: Option<&Account>, kind: LetterKind, left: Option<u8>) {
        let (Some(account), Ok(now)) = (account, self.ports.clock.now()) else { return };
        self.ports.outbox.put(&Letter {
            user: account.name.clone(),
            kind,
            at: now.unix,
            service: self.request.service.clone(),
            source: self.source.clone(),
            by: None,
            left,
            to: None,
        });
    }

    /// What a success leaves behind, as well as it goes: the clock mark, and a source that was new.
    pub(super) fn afterwards(&self, account: Option<&Account>, familiarity: Familiarity) {
        let Ok(now) = self.ports.clock.now() else { return };
        self.ports.records.mark_clock(now);
        let folder = account.and_then(|account| Folder::of(&account.name).ok());
        // A code without its first factor is no login, and nobody in particular sits at no place.
        let lasting = self.standing == Standing::Proven && self.request.source != Source::Unknown;
        let new = lasting && familiarity == Familiarity::Stranger;
        if let Some(folder) = folder.filter(|_| new) {
            self.ports.records.remember_source(&folder, &self.source, now.unix);
        }
    }

    /// Notes a refusal or an exemption in the log, and in the ledger a refusal; before a first factor nobody may see
    /// which of the two it is.
    pub(super) fn note(&self, account: Option<&Account>, kind: Kind, reason: Reason) {
        self.log(account, kind, (Some(reason), None));
        if kind == Kind::Refused || self.standing != Standing::Proven {
            refusals::keep(&self.ports, &self.seat(account), self.request, reason);
        }
    }

    pub(super) fn log(
        &self,
        account: Option<&Account>,
        kind: Kind,
        (reason, accepted): (Option<Reason>, Option<Accepted>),
    ) {
        self.ports.journal.note(&Event {
            kind,
            user: account.map(|account| account.name.clone()),
            service: self.request.service.clone(),
            source: self.source.clone(),
            first_factor: self.request.claim.word(),
            accepted,
            reason,
        });
    }
}

/// An account's name without anything that a terminal takes for a command.
pub(super) fn name_of(account: Option<&Account>) -> String {
    account.map_or_else(String::new, Account::plain_name)
}

/// The end of a dialogue in which no code could be right, with what kept it from being.
pub(super) fn with_reason(end: End, reason: Reason) -> End {
    match end {
        // Each code has been noted with the reason already.
        End::Denied(last) if last.is_told_at_once() => end,
        End::Granted(_) | End::LastCode(_) | End::Ticket(_) | End::Denied(_) | End::Broken(_) => {
            End::Denied(reason)
        }
        End::Stopped | End::CutOff => end,
    }
}

/// The end of a dialogue in which no code was held against anything, and so none was noted.
pub(super) fn unjudged(end: End, reason: Reason) -> End {
    match end {
        End::Denied(_) => End::Denied(reason),
        End::Granted(_)
        | End::LastCode(_)
        | End::Ticket(_)
        | End::Stopped
        | End::CutOff
        | End::Broken(_) => end,
    }
}

pub(super) fn verdict_of(end: &End) -> Verdict {
    match end {
        End::Granted(_) => Verdict::Granted,
        End::LastCode(_) | End::Ticket(_) | End::Denied(_) | End::Stopped => Verdict::Denied,
        End::CutOff => Verdict::NoConversation,
        End::Broken(_) => Verdict::Unavailable,
    }
}

fn fault_message(reason: Reason, user: String) -> Message {
    match reason {
        Reason::NotEnrolled => Message::NotEnrolled { user },
        Reason::CallerNotRoot { .. } => Message::CallerNotRoot,
        Reason::Store(StoreFault::NameTooLong) => Message::MachineFault { user },
        Reason::Store(_) | Reason::Codes(CodesFault::Record(_)) => {
            Message::RecordUnreadable { user }
        }
        Reason::Unwritten(_) => Message::RecordUnwritable { user },
        Reason::WrongCode
        | Reason::Replayed
        | Reason::Spent
        | Reason::BeforeEpoch
        | Reason::ClockOff
        | Reason::Throttled
        | Reason::Locked
        | Reason::NotACode
        | Reason::Stopped
        | Reason::Conversation
        | Reason::NoFirstPass
        | Reason::NotSetUp
        | Reason::NoTicket
        | Reason::NotHandedOver
        | Reason::Unconfirmed
        | Reason::Reminded
        | Reason::UnknownUser
        | Reason::NoPublicKey
        | Reason::FirstFactorFailed
        | Reason::LookupFailed
        | Reason::Clock
        | Reason::Rule(_)
        | Reason::Ledger(_)
        | Reason::Codes(_)
        | Reason::RecordChanging => Message::MachineFault { user },
    }
}
