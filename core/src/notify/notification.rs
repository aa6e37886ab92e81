//! Mail notifications: changes that the user should know of, since another person may have made them.

use alloc::string::String;

use crate::{
    base::{request::SourceLabel, time::UnixTime},
    record::extras::Purpose,
};

/// One notification about a user's second factor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// The canonical account name.
    pub user: String,
    /// What happened.
    pub kind: NotificationKind,
    /// When it happened.
    pub at: UnixTime,
    /// The PAM service, or `twinlock` for a command.
    pub service: String,
    /// The source.
    pub source: SourceLabel,
    /// Who did it, if not the user.
    pub by: Option<String>,
    /// Backup codes left, if relevant.
    pub left: Option<u8>,
    /// Recipient: the previous address, or root. `None` for the address that is on record when the mail is sent.
    pub to: Option<String>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NotificationKind {
    /// A backup code was used.
    BackupCodeUsed,
    /// Few backup codes are left.
    FewCodesLeft,
    /// Set-up was finished.
    SetUpDone,
    /// An authenticator was replaced, added or removed.
    KeyChanged,
    /// There is a new set of backup codes; the old ones are invalid.
    CodesRenewed,
    /// An administrator reset the user.
    Reset,
    /// Wrong codes after a correct password or key.
    Guessed,
    /// An administrator issued a bypass code.
    BypassGiven,
    /// An administrator displayed the key.
    KeyShown,
    /// The record, with its keys, was exported for another host.
    KeyExported,
    /// A record exported by another host was imported.
    RecordImported,
    /// The mail address was changed; sent to the previous one.
    MailChanged,
    /// The enrollment was removed.
    Removed,
    /// Failed attempts were cleared.
    Unlocked,
    /// An administrator acted without entering a verification code; sent to root.
    BreakGlass,
    /// A new drift or counter was learned from two adjacent codes.
    Resynchronized,
    /// A login found the set-up ticket expired; a new one will be mailed.
    TicketExpired,
}

/// All kinds, with their words in file names.
pub const KINDS: [(NotificationKind, &str); 17] = [
    (NotificationKind::BackupCodeUsed, "backup-code-used"),
    (NotificationKind::FewCodesLeft, "few-codes-left"),
    (NotificationKind::SetUpDone, "set-up-done"),
    (NotificationKind::KeyChanged, "key-changed"),
    (NotificationKind::CodesRenewed, "codes-renewed"),
    (NotificationKind::Reset, "reset"),
    (NotificationKind::Guessed, "guessed"),
    (NotificationKind::BypassGiven, "bypass-given"),
    (NotificationKind::KeyShown, "key-shown"),
    (NotificationKind::KeyExported, "key-exported"),
    (NotificationKind::RecordImported, "record-imported"),
    (NotificationKind::MailChanged, "mail-changed"),
    (NotificationKind::Removed, "removed"),
    (NotificationKind::Unlocked, "unlocked"),
    (NotificationKind::BreakGlass, "break-glass"),
    (NotificationKind::Resynchronized, "resynchronized"),
    (NotificationKind::TicketExpired, "ticket-expired"),
];

impl NotificationKind {
    /// Returns the word used in file names.
    #[must_use]
    pub fn word(self) -> &'static str {
        KINDS.iter().find(|(kind, _)| *kind == self).map_or("", |(_, word)| word)
    }

    /// Returns whether one notification per hour is enough: for events that a stranger with a password can cause, and
    /// for reminders. All others report a change each and are never delayed.
    #[must_use]
    pub fn is_merged(self) -> bool {
        match self {
            Self::Guessed | Self::FewCodesLeft | Self::TicketExpired => true,
            Self::BackupCodeUsed
            | Self::SetUpDone
            | Self::KeyChanged
            | Self::CodesRenewed
            | Self::Reset
            | Self::BypassGiven
            | Self::KeyShown
            | Self::KeyExported
            | Self::RecordImported
            | Self::MailChanged
            | Self::Removed
            | Self::Unlocked
            | Self::BreakGlass
            | Self::Resynchronized => false,
        }
    }

    /// Returns the kind with that word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        KINDS.iter().find(|(_, known)| *known == word).map(|(kind, _)| *kind)
    }
}

/// The topic of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// An event.
    Event(NotificationKind),
    /// A ticket, which the mail contains.
    Ticket(Purpose),
}

impl Topic {
    /// Returns all topics. An expired ticket has no text of its own: the mail with the new ticket reports it.
    pub fn all() -> impl Iterator<Item = Self> {
        let tickets = [Purpose::SetUp, Purpose::Codes].into_iter().map(Self::Ticket);
        let told = KINDS.into_iter().filter(|(kind, _)| *kind != NotificationKind::TicketExpired);
        told.map(|(kind, _)| Self::Event(kind)).chain(tickets)
    }

    /// Returns the word used in the names of text files.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Event(kind) => kind.word(),
            Self::Ticket(Purpose::SetUp) => "ticket-set-up",
            Self::Ticket(Purpose::Codes) => "ticket-codes",
        }
    }

    /// Returns the placeholders that a text may contain.
    #[must_use]
    pub fn blanks(self) -> &'static [&'static str] {
        match self {
            Self::Event(_) => &["user", "host", "time", "service", "source", "by", "left"],
            Self::Ticket(_) => &["user", "host", "time", "by", "until", TICKET],
        }
    }
}

/// The placeholder that a ticket text must contain.
pub const TICKET: &str = "ticket";

/// A ticket to be mailed.
#[derive(Debug)]
pub struct TicketMail<'a> {
    /// The canonical account name.
    pub user: &'a str,
    /// Its purpose.
    pub purpose: Purpose,
    /// Its letters in groups.
    pub ticket: &'a str,
    /// Who issues it.
    pub by: &'a str,
    /// When the ticket was issued.
    pub at: UnixTime,
    /// Expiry.
    pub until: UnixTime,
}

/// Delivery progress of a notification that was taken from the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveryProgress {
    /// How often sending was begun.
    pub tries: u32,
    /// How often sending was begun, and its result is unknown.
    pub cuts: u32,
    /// When it is due.
    pub at: UnixTime,
}
