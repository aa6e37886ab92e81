//! Reports the end of a login to the user, the log and the ledger, by mail, and as a verdict.

use alloc::string::String;

use crate::login::LoginFlow;
use crate::{
    base::{
        account::{Account, Folder},
        error::{CodesError, StoreError},
        request::{FirstFactor, Source},
    },
    dialogue::asking::AskingEnd,
    event::{Accepted, Event, Kind, Reason, verdict::Verdict},
    ledger::throttle::Familiarity,
    message::Message,
    notify::notification::{Notification, NotificationKind},
    text,
    verify::refusal_log,
};

impl LoginFlow<'_> {
    /// Logs the end of the login, stores it for `twinlock why`, and returns the verdict. `account` is `None` for a name
    /// that NSS does not know.
    pub(super) fn conclude(&self, account: Option<&Account>, end: AskingEnd) -> Verdict {
        match &end {
            AskingEnd::Granted(accepted) => {
                self.log(account, Kind::Accepted, None, Some(accepted.clone()));
                self.asking(account).tell_accepted(accepted);
                self.write_accepted(account, accepted);
            }
            AskingEnd::Denied(reason) if reason.is_told_at_once() => {}
            // Another process has changed the record, so this login cannot tell the user another reason.
            AskingEnd::Denied(Reason::RecordChanging)
            | AskingEnd::Broken(Reason::RecordChanging)
                if self.can_talk() =>
            {
                self.note(account, Kind::Refused, Reason::RecordChanging);
                self.final_message.leave(text::login(self.policy.language, &Message::Overtaken));
            }
            AskingEnd::Denied(reason) => self.note(account, Kind::Refused, *reason),
            AskingEnd::LastCode(_) | AskingEnd::Ticket(_) => {
                self.note(account, Kind::Refused, Reason::Unconfirmed);
            }
            AskingEnd::Stopped => self.note(account, Kind::Refused, Reason::Stopped),
            AskingEnd::CutOff => self.note(account, Kind::Refused, Reason::Conversation),
            AskingEnd::Broken(reason) => {
                if !reason.is_told_at_once() {
                    self.note(account, Kind::Refused, *reason);
                }
                self.asking(account).explain(&fault_message(*reason, name_of(account)));
            }
        }
        if matches!(end, AskingEnd::Granted(_)) {
            self.final_message.tell(self.ports.conversation);
        } else {
            self.say_last();
        }
        verdict_of(&end)
    }

    /// Tells the user why access is denied, after the refusal is logged.
    pub(super) fn say_last(&self) {
        self.final_message.say(self.policy, self.ports.conversation);
    }

    /// Notifies the user by mail if a backup code was accepted.
    fn write_accepted(&self, account: Option<&Account>, accepted: &Accepted) {
        if let Accepted::BackupCode { left, .. } = *accepted {
            self.write(account, NotificationKind::BackupCodeUsed, left);
            let codes = self.policy.backup_codes;
            // After the last code of a set, `left` is the size of the new set, of which the user need not be warned.
            if left.is_some_and(|left| left <= codes.warn_below && left < codes.count) {
                self.write(account, NotificationKind::FewCodesLeft, left);
            }
        }
    }

    /// Queues a mail to the user, best effort; does nothing without an account. `left` is the number of unused backup
    /// codes; `None` if the mail does not mention it.
    pub(super) fn write(
        &self,
        account: Option<&Account>,
        kind: NotificationKind,
        left: Option<u8>,
    ) {
        let (Some(account), Ok(now)) = (account, self.ports.clock.now()) else { return };
        self.ports.outbox.put(&Notification {
            user: account.name.clone(),
            kind,
            at: now.unix,
            service: self.request.service.clone(),
            source: self.source.clone(),
            by: None,
            left,
            to: None,
            life: None,
        });
    }

    /// After a granted login, stores the current time as the clock mark (the latest trusted time) and, if it is new,
    /// the source. Best effort.
    pub(super) fn afterwards(&self, account: Option<&Account>, familiarity: Familiarity) {
        let Ok(now) = self.ports.clock.now() else { return };
        self.ports.records.mark_clock(now);
        let folder = account.and_then(|account| Folder::of(&account.name).ok());
        // If the first factor is not proven, the user is not logged in yet. An unknown source cannot be remembered.
        let lasting =
            self.first_factor == FirstFactor::Proven && self.request.source != Source::Unknown;
        let new = lasting && familiarity == Familiarity::Stranger;
        if let Some(folder) = folder.filter(|_| new) {
            self.ports.records.remember_source(&folder, &self.source, now.unix);
        }
    }

    /// Logs a refusal or an exemption, and stores a refusal in the ledger. If the first factor is not proven, an
    /// exemption is stored too, so that an observer cannot tell an exemption from a refusal by the system calls.
    pub(super) fn note(&self, account: Option<&Account>, kind: Kind, reason: Reason) {
        self.log(account, kind, Some(reason), None);
        if kind == Kind::Refused || self.first_factor != FirstFactor::Proven {
            refusal_log::keep(&self.ports, &self.ledger_key(account), self.request, reason);
        }
    }

    pub(super) fn log(
        &self,
        account: Option<&Account>,
        kind: Kind,
        reason: Option<Reason>,
        accepted: Option<Accepted>,
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

/// Returns the account name without terminal control characters; an empty text for `None`.
pub(super) fn name_of(account: Option<&Account>) -> String {
    account.map_or_else(String::new, Account::plain_name)
}

/// Returns the end of a login in which no code could be correct: `end` with `reason` as the reason of the denial.
/// Returns `end` unchanged if the user cancelled, the conversation failed, or the last code is logged already.
pub(super) fn with_reason(end: AskingEnd, reason: Reason) -> AskingEnd {
    match end {
        // Each refused code was logged with its own reason already.
        AskingEnd::Denied(last) if last.is_told_at_once() => end,
        AskingEnd::Granted(_)
        | AskingEnd::LastCode(_)
        | AskingEnd::Ticket(_)
        | AskingEnd::Denied(_)
        | AskingEnd::Broken(_) => AskingEnd::Denied(reason),
        AskingEnd::Stopped | AskingEnd::CutOff => end,
    }
}

/// Returns the end of a login in which no code was compared: a denial gets `reason`, and any other end is unchanged.
pub(super) fn unjudged(end: AskingEnd, reason: Reason) -> AskingEnd {
    match end {
        AskingEnd::Denied(_) => AskingEnd::Denied(reason),
        AskingEnd::Granted(_)
        | AskingEnd::LastCode(_)
        | AskingEnd::Ticket(_)
        | AskingEnd::Stopped
        | AskingEnd::CutOff
        | AskingEnd::Broken(_) => end,
    }
}

pub(super) fn verdict_of(end: &AskingEnd) -> Verdict {
    match end {
        AskingEnd::Granted(_) => Verdict::Granted,
        AskingEnd::LastCode(_)
        | AskingEnd::Ticket(_)
        | AskingEnd::Denied(_)
        | AskingEnd::Stopped => Verdict::Denied,
        AskingEnd::CutOff => Verdict::NoConversation,
        AskingEnd::Broken(_) => Verdict::Unavailable,
    }
}

fn fault_message(reason: Reason, user: String) -> Message {
    match reason {
        Reason::NotEnrolled => Message::NotEnrolled { user },
        Reason::CallerNotRoot { .. } => Message::CallerNotRoot,
        Reason::Store(StoreError::NameTooLong) => Message::MachineFault { user },
        Reason::Store(_) | Reason::Codes(CodesError::Record(_)) => {
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
        | Reason::Agent(_)
        | Reason::Ledger(_)
        | Reason::Codes(_)
        | Reason::RecordChanging => Message::MachineFault { user },
    }
}
