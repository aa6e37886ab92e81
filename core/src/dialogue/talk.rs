//! The person that a dialogue is with, and why it may not come to its end.

use alloc::string::String;

use crate::{
    account::{Account, Folder},
    answer::Code,
    attempt::Outcome,
    beside::Trace,
    change::ChangeFault,
    dialogue::parting::Parting,
    draw,
    enrolment::Stamp,
    event::Reason,
    fault::{CommitFault, StoreFault},
    letter::{Letter, LetterKind},
    message::{Message, change::Change, new_codes::NewCodes, set_up::SetUp},
    otp::otpauth,
    policy::{Echo, Policy},
    ports::{Conversation, ConversationFault, Ports, Shelf},
    request::SourceLabel,
    secret::Typed,
    text,
    time::{Now, UnixTime},
};

/// Somebody behind a proven first factor, and what is known about the visit.
pub struct Talk<'a> {
    /// The settings.
    pub policy: &'a Policy,
    /// The machine.
    pub ports: Ports<'a>,
    /// The account.
    pub account: &'a Account,
    /// Its folder.
    pub folder: &'a Folder,
    /// Its names in the ledger.
    pub shelf: &'a dyn Shelf,
    /// The PAM service, or `twinlock`.
    pub service: &'a str,
    /// Where the person sits.
    pub source: &'a SourceLabel,
    /// The fingerprint of the verified public key, where there is one.
    pub fingerprint: Option<String>,
    /// What is said at the end.
    pub parting: &'a Parting,
}

/// Judges a typed code as every login does.
pub type Judge<'a> = &'a mut dyn FnMut(&Code) -> Outcome;

/// Why a dialogue did not come to its end. Nothing is half done by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// The conversation failed.
    CutOff,
    /// The person did not go on, or not rightly.
    Declined(Reason),
    /// Something of the machine is broken.
    Broken(Reason),
}

impl From<ConversationFault> for Stop {
    fn from(_: ConversationFault) -> Self {
        Self::CutOff
    }
}

impl From<CommitFault> for Stop {
    fn from(fault: CommitFault) -> Self {
        Self::Broken(match fault {
            CommitFault::Overtaken => Reason::RecordChanging,
            CommitFault::Store(fault) => Reason::Unwritten(fault),
        })
    }
}

impl From<ChangeFault<Stop>> for Stop {
    fn from(fault: ChangeFault<Self>) -> Self {
        match fault {
            ChangeFault::Declined(stop) => stop,
            ChangeFault::Store(fault) => Self::Broken(Reason::Unwritten(fault)),
            ChangeFault::Changing => Self::Broken(Reason::RecordChanging),
        }
    }
}

/// What a changed record is to be: nobody else has changed it in a way that matters here.
pub const OVERTAKEN: Stop = Stop::Declined(Reason::RecordChanging);

impl Talk<'_> {
    /// The person.
    #[must_use]
    pub fn person(&self) -> &dyn Conversation {
        self.ports.conversation
    }

    /// Asks, and shows what is typed: a code is for once, and typing blind fails.
    ///
    /// # Errors
    /// [`Stop::CutOff`].
    pub fn ask(&self, text: &str) -> Result<Typed, Stop> {
        Ok(self.ports.conversation.ask(text, self.policy.echo)?)
    }

    /// Asks for what is no secret.
    ///
    /// # Errors
    /// [`Stop::CutOff`].
    pub fn ask_shown(&self, text: &str) -> Result<Typed, Stop> {
        Ok(self.ports.conversation.ask(text, Echo::Shown)?)
    }

    /// Leaves words for the end.
    pub fn leave_word(&self, words: String) {
        self.parting.leave(words);
    }

    /// Ends where the throttle lets no further code be judged, and leaves word of until when.
    #[must_use]
    pub fn throttled(&self, until: UnixTime, wait: u64) -> Stop {
        self.leave_word(self.login(&Message::Throttled { until, wait }));
        Stop::Declined(Reason::Throttled)
    }

    /// Ends where too many wrong codes were typed in a row, and leaves word of what helps.
    #[must_use]
    pub fn locked(&self) -> Stop {
        self.leave_word(self.login(&Message::Locked { user: self.name() }));
        Stop::Declined(Reason::Locked)
    }

    /// The account's name, fit for a terminal.
    #[must_use]
    pub fn name(&self) -> String {
        self.account.plain_name()
    }

    /// What the app shows above the code: the settings' name, or the host's.
    #[must_use]
    pub fn issuer(&self) -> String {
        let issuer = self.policy.issuer.clone();
        issuer.unwrap_or_else(|| self.ports.accounts.host_name())
    }

    /// The entry in the app of an authenticator of that name, such as `Example:ada (phone)`.
    #[must_use]
    pub fn entry(&self, authenticator: &str) -> String {
        let issuer = self.issuer();
        let account = otpauth::account_label(&issuer, &self.account.name, authenticator);
        alloc::format!("{issuer}:{account}")
    }

    /// Words of every login.
    #[must_use]
    pub fn login(&self, message: &Message) -> String {
        text::login(self.policy.language, message)
    }

    /// Words about set-up.
    #[must_use]
    pub fn set_up(&self, message: &SetUp) -> String {
        text::set_up(self.policy.language, message)
    }

    /// Words about changes.
    #[must_use]
    pub fn change(&self, message: &Change) -> String {
        text::change(self.policy.language, message)
    }

    /// Words about new codes.
    #[must_use]
    pub fn new_codes(&self, message: &NewCodes) -> zeroize::Zeroizing<String> {
        text::new_codes(self.policy.language, message)
    }

    /// Now.
    ///
    /// # Errors
    /// [`Stop::Broken`] when a clock does not answer.
    pub fn now(&self) -> Result<Now, Stop> {
        self.ports.clock.now().map_err(|_| Stop::Broken(Reason::Clock))
    }

    /// Another generation, and now.
    ///
    /// # Errors
    /// [`Stop::Broken`] without a clock or randomness.
    pub fn stamp(&self) -> Result<Stamp, Stop> {
        let now = self.now()?.unix;
        let generation = draw::generation(self.ports.entropy).map_err(|_| no_entropy())?;
        Ok((generation, now))
    }

    /// What the person did, now.
    #[must_use]
    pub fn own_trace(&self, at: UnixTime) -> Trace {
        Trace { by: self.account.name.clone(), at }
    }

    /// Lets the person hear of it by mail, as well as it goes.
    pub fn write(&self, kind: LetterKind, left: Option<u8>) {
        let Ok(now) = self.ports.clock.now() else { return };
        self.ports.outbox.put(&Letter {
            user: self.account.name.clone(),
            kind,
            at: now.unix,
            service: self.service.into(),
            source: self.source.clone(),
            by: None,
            left,
            to: None,
        });
    }
}

/// Nothing can be drawn without the kernel's randomness.
#[must_use]
pub fn no_entropy() -> Stop {
    Stop::Broken(Reason::Unwritten(StoreFault::Io { errno: 0 }))
}
