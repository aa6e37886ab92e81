//! The context in which a dialogue runs, and the errors that end the dialogue.

use alloc::string::String;

use crate::{
    answer::Code,
    base::{
        account::{Account, Folder},
        error::{CommitError, FileError, StoreError},
        request::SourceLabel,
        secret::Typed,
        time::{Now, UnixTime},
    },
    dialogue::final_message::FinalMessage,
    event::Reason,
    message::{Message, change::Change, new_codes::NewCodes, set_up::SetUp},
    notify::notification::{Notification, NotificationKind},
    otp::otpauth,
    policy::{Echo, Policy},
    ports::{Conversation, ConversationError, Ports, UserLedger},
    record::{enrollment::ChangeStamp, extras::AuditStamp},
    text,
    verify::{attempt::Outcome, generate, record_update::ChangeError},
};

/// The context of a dialogue with a user whose first factor is proven.
pub struct DialogueContext<'a> {
    /// The settings of the host.
    pub policy: &'a Policy,
    /// The ports of the host.
    pub ports: Ports<'a>,
    /// The user's account.
    pub account: &'a Account,
    /// The name of the user's folder below the records folder.
    pub folder: &'a Folder,
    /// The user's entries in the ledger.
    pub user_ledger: &'a dyn UserLedger,
    /// The PAM service, or `twinlock` for the command.
    pub service: &'a str,
    /// The source of the login or of the command.
    pub source: &'a SourceLabel,
    /// The fingerprint of the user's verified public key; `None` if none was verified.
    pub fingerprint: Option<String>,
    /// The messages to show after the login is logged.
    pub final_message: &'a FinalMessage,
}

/// A function that verifies a code with the same checks, in the same order, as a login, and returns the outcome.
pub type Judge<'a> = &'a mut dyn FnMut(&Code) -> Outcome;

/// Why a dialogue ended early. A dialogue that ends early leaves no partial change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DialogueError {
    /// The conversation failed, so there is no answer.
    CutOff,
    /// The user cancelled or gave wrong answers. Holds the reason.
    Declined(Reason),
    /// A fault of the host ended the dialogue. Holds the reason.
    Broken(Reason),
}

impl core::fmt::Display for DialogueError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::CutOff => ConversationError.fmt(f),
            Self::Declined(reason) | Self::Broken(reason) => f.write_str(reason.word()),
        }
    }
}

impl core::error::Error for DialogueError {}

impl From<ConversationError> for DialogueError {
    fn from(_: ConversationError) -> Self {
        Self::CutOff
    }
}

impl From<CommitError> for DialogueError {
    fn from(fault: CommitError) -> Self {
        Self::Broken(match fault {
            CommitError::Overtaken => Reason::RecordChanging,
            CommitError::Store(fault) => Reason::Unwritten(fault),
        })
    }
}

impl From<ChangeError<DialogueError>> for DialogueError {
    fn from(fault: ChangeError<Self>) -> Self {
        match fault {
            ChangeError::Declined(stop) => stop,
            ChangeError::Store(fault) => Self::Broken(Reason::Unwritten(fault)),
            ChangeError::Changing => Self::Broken(Reason::RecordChanging),
        }
    }
}

/// The error for a record that another process changed during the dialogue.
pub const OVERTAKEN: DialogueError = DialogueError::Declined(Reason::RecordChanging);

impl DialogueContext<'_> {
    /// Returns the port that asks the user.
    #[must_use]
    pub fn person(&self) -> &dyn Conversation {
        self.ports.conversation
    }

    /// Asks for a code. The setting `echo` decides whether the answer is shown while the user types it.
    ///
    /// # Errors
    /// [`DialogueError::CutOff`] if the user gives no answer.
    pub fn ask(&self, text: &str) -> Result<Typed, DialogueError> {
        Ok(self.ports.conversation.ask(text, self.policy.echo)?)
    }

    /// Asks a question whose answer is not secret, and shows the answer while the user types it.
    ///
    /// # Errors
    /// [`DialogueError::CutOff`] if the user gives no answer.
    pub fn ask_shown(&self, text: &str) -> Result<Typed, DialogueError> {
        Ok(self.ports.conversation.ask(text, Echo::Shown)?)
    }

    /// Keeps a message, which is shown to the user after the login is logged.
    pub fn leave_word(&self, words: String) {
        self.final_message.leave(words);
    }

    /// Returns the error that ends a dialogue because there were too many wrong codes recently. After the login is
    /// logged, the user gets a message that the next code is accepted at `until`, which is `wait` seconds from now.
    #[must_use]
    pub fn throttled(&self, until: UnixTime, wait: u64) -> DialogueError {
        self.leave_word(self.login(&Message::Throttled { until, wait }));
        DialogueError::Declined(Reason::Throttled)
    }

    /// Returns the error that ends a dialogue because the user is locked out. After the login is logged, the user gets
    /// a message that says what to do.
    #[must_use]
    pub fn locked(&self) -> DialogueError {
        self.leave_word(self.login(&Message::Locked { user: self.name() }));
        DialogueError::Declined(Reason::Locked)
    }

    /// Returns the account name without terminal control characters.
    #[must_use]
    pub fn name(&self) -> String {
        self.account.plain_name()
    }

    /// Returns the issuer that the app shows: the one in the settings, or else the host name.
    #[must_use]
    pub fn issuer(&self) -> String {
        let issuer = self.policy.issuer.clone();
        issuer.unwrap_or_else(|| self.ports.accounts.host_name())
    }

    /// Returns the name under which the app lists an authenticator, such as `Example:ada (phone)`.
    #[must_use]
    pub fn entry(&self, authenticator: &str) -> String {
        let issuer = self.issuer();
        let account = otpauth::account_label(&issuer, &self.account.name, authenticator);
        alloc::format!("{issuer}:{account}")
    }

    /// Returns, in the configured language, the text of a login message.
    #[must_use]
    pub fn login(&self, message: &Message) -> String {
        text::login(self.policy.language, message)
    }

    /// Returns, in the configured language, the text of a set-up message.
    #[must_use]
    pub fn set_up(&self, message: &SetUp) -> String {
        text::set_up(self.policy.language, message)
    }

    /// Returns, in the configured language, the text of a message about a change that the user can make at a login.
    #[must_use]
    pub fn change(&self, message: &Change) -> String {
        text::change(self.policy.language, message)
    }

    /// Returns, in the configured language, the text of a message about new backup codes. The text contains the codes.
    #[must_use]
    pub fn new_codes(&self, message: &NewCodes) -> zeroize::Zeroizing<String> {
        text::new_codes(self.policy.language, message)
    }

    /// Returns the current time.
    ///
    /// # Errors
    /// [`DialogueError::Broken`] if a clock cannot be read.
    pub fn now(&self) -> Result<Now, DialogueError> {
        self.ports.clock.now().map_err(|_| DialogueError::Broken(Reason::Clock))
    }

    /// Returns a new random generation (an id that changes with each change of the record) and the current time, for
    /// one change of the record.
    pub fn stamp(&self) -> Result<ChangeStamp, DialogueError> {
        let now = self.now()?.unix;
        let generation = generate::generation(self.ports.entropy).map_err(|_| no_entropy())?;
        Ok(ChangeStamp { generation, at: now })
    }

    /// Returns an audit stamp that names the user as the acting user at the given time.
    #[must_use]
    pub fn own_audit(&self, at: UnixTime) -> AuditStamp {
        AuditStamp { by: self.account.name.clone(), at }
    }

    /// Queues a mail to the user, best effort. `left` is the number of unused backup codes; `None` if the mail does not
    /// mention it.
    pub fn write(&self, kind: NotificationKind, left: Option<u8>) {
        let Ok(now) = self.ports.clock.now() else { return };
        self.ports.outbox.put(&Notification {
            user: self.account.name.clone(),
            kind,
            at: now.unix,
            service: self.service.into(),
            source: self.source.clone(),
            by: None,
            left,
            to: None,
            life: None,
        });
    }
}

/// Returns the error for missing random bytes.
#[must_use]
pub fn no_entropy() -> DialogueError {
    DialogueError::Broken(Reason::Unwritten(StoreError::File(FileError::Io { errno: 0 })))
}
