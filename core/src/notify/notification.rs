//! Mail notifications about changes that the user should know of, because another person may have made them.

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
    /// The event that the notification reports.
    pub kind: NotificationKind,
    /// Time at which the event happened.
    pub at: UnixTime,
    /// The PAM service, or `twinlock` for a command.
    pub service: String,
    /// The source of the login or command that caused the event.
    pub source: SourceLabel,
    /// The administrator who acted; `None` if it was the user.
    pub by: Option<String>,
    /// Number of unused backup codes; `None` if the mail does not mention it.
    pub left: Option<u8>,
    /// The recipient: the user's previous address, or root. `None` for the address that is on record when the mail is
    /// sent.
    pub to: Option<String>,
    /// Time in seconds, from [`Self::at`], for which the bypass code that is to be mailed is valid; `None` for all
    /// kinds but [`NotificationKind::BypassByMail`].
    pub life: Option<u64>,
}

/// The event that a mail notification reports.
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
    /// A new set of backup codes is valid, and the old codes are invalid.
    CodesRenewed,
    /// An administrator reset the user.
    Reset,
    /// Wrong codes were entered after a correct password or ssh key.
    Guessed,
    /// An administrator issued a bypass code.
    BypassGiven,
    /// An administrator displayed the key.
    KeyShown,
    /// The record, with its keys, was exported for another host.
    KeyExported,
    /// A record exported by another host was imported.
    RecordImported,
    /// The user's mail address was changed. This mail goes to the previous address.
    MailChanged,
    /// An administrator removed the user's enrollment.
    Removed,
    /// The user's failed attempts were cleared.
    Unlocked,
    /// An administrator used `--break-glass` and entered no verification code. This mail goes to root.
    BreakGlass,
    /// An administrator changed the settings or the rules of the host, or made all codes of earlier times count as
    /// used. This mail goes to root.
    HostChanged,
    /// The error of an authenticator's clock, or its counter, was learned from two adjacent codes.
    Resynchronized,
    /// A login found that the set-up ticket has expired. A new ticket will be mailed.
    TicketExpired,
    /// A member of a role acts on the user's account.
    RoleUsed,
    /// A member of a role acts on the user's account. This mail goes to the address that the role names.
    RoleReport,
    /// A member of a role has reset the user. A ticket will be mailed.
    TicketByMail,
    /// A member of a role has issued a bypass code. It will be generated and mailed.
    BypassByMail,
}

/// All kinds of notifications, each with its word in file names.
pub const KINDS: [(NotificationKind, &str); 22] = [
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
    (NotificationKind::HostChanged, "host-changed"),
    (NotificationKind::Resynchronized, "resynchronized"),
    (NotificationKind::TicketExpired, "ticket-expired"),
    (NotificationKind::RoleUsed, "role-used"),
    (NotificationKind::RoleReport, "role-report"),
    (NotificationKind::TicketByMail, "ticket-by-mail"),
    (NotificationKind::BypassByMail, "bypass-by-mail"),
];

impl NotificationKind {
    /// Returns the word of this kind in file names.
    #[must_use]
    pub fn word(self) -> &'static str {
        KINDS.iter().find(|(kind, _)| *kind == self).map_or("", |(_, word)| word)
    }

    /// Returns whether users get at most one mail of this kind per hour. This holds for reminders, and for events that
    /// a stranger who knows the password can cause repeatedly. Every other kind reports one change and is mailed at
    /// once.
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
            | Self::HostChanged
            | Self::Resynchronized
            | Self::RoleUsed
            | Self::RoleReport
            | Self::TicketByMail
            | Self::BypassByMail => false,
        }
    }

    /// Returns the topic of the mail that a notification of this kind requests: a mail with a ticket or a bypass code.
    /// Returns `None` for a kind that only reports an event.
    #[must_use]
    pub fn brings(self) -> Option<Topic> {
        match self {
            Self::TicketExpired | Self::TicketByMail => Some(Topic::Ticket(Purpose::SetUp)),
            Self::BypassByMail => Some(Topic::Bypass),
            Self::BackupCodeUsed
            | Self::FewCodesLeft
            | Self::SetUpDone
            | Self::KeyChanged
            | Self::CodesRenewed
            | Self::Reset
            | Self::Guessed
            | Self::BypassGiven
            | Self::KeyShown
            | Self::KeyExported
            | Self::RecordImported
            | Self::MailChanged
            | Self::Removed
            | Self::Unlocked
            | Self::BreakGlass
            | Self::HostChanged
            | Self::Resynchronized
            | Self::RoleUsed
            | Self::RoleReport => None,
        }
    }

    /// Returns the kind that has this word in file names; `None` if there is none.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        KINDS.iter().find(|(_, known)| *known == word).map(|(kind, _)| *kind)
    }
}

/// What a mail is about. Each topic has its own text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// The mail is a notification of this kind.
    Event(NotificationKind),
    /// The mail contains a ticket for this purpose.
    Ticket(Purpose),
    /// The mail contains a bypass code.
    Bypass,
}

impl Topic {
    /// Returns all topics that have a text. A notification that only requests a mail with a ticket or bypass code has
    /// no text, because that mail has a topic of its own.
    pub fn all() -> impl Iterator<Item = Self> {
        let tickets = [Purpose::SetUp, Purpose::Codes].into_iter().map(Self::Ticket);
        let told = KINDS.into_iter().filter(|(kind, _)| kind.brings().is_none());
        told.map(|(kind, _)| Self::Event(kind)).chain(tickets).chain([Self::Bypass])
    }

    /// Returns the word of this topic in the names of text files.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Event(kind) => kind.word(),
            Self::Ticket(Purpose::SetUp) => "ticket-set-up",
            Self::Ticket(Purpose::Codes) => "ticket-codes",
            Self::Bypass => "bypass-code",
        }
    }

    /// Returns the names of the placeholders that the text of this topic may contain.
    #[must_use]
    pub fn blanks(self) -> &'static [&'static str] {
        match self {
            Self::Event(_) => &["user", "host", "time", "service", "source", "by", "left"],
            Self::Ticket(_) | Self::Bypass => &["user", "host", "time", "by", "until", TICKET],
        }
    }
}

/// Name of the placeholder that the text of a ticket mail must contain.
pub const TICKET: &str = "ticket";

/// The content of a mail that contains a ticket or a bypass code.
#[derive(Debug)]
pub struct TicketMail<'a> {
    /// The canonical account name.
    pub user: &'a str,
    /// What the mail is about: [`Topic::Ticket`] or [`Topic::Bypass`].
    pub topic: Topic,
    /// The letters of the ticket or the digits of the bypass code, in groups.
    pub ticket: &'a str,
    /// The user who issued the ticket or bypass code.
    pub by: &'a str,
    /// Time at which the ticket or bypass code was issued.
    pub at: UnixTime,
    /// Time at which the ticket or bypass code expires.
    pub until: UnixTime,
}

/// The progress of delivering a notification by mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveryProgress {
    /// Number of times that sending was begun.
    pub tries: u32,
    /// Number of times that sending was interrupted, so that its outcome is unknown.
    pub cuts: u32,
    /// Time at which the next delivery is due.
    pub at: UnixTime,
}
