//! Letters: what a person is to hear about by mail, since somebody else may have done it.

use alloc::string::String;

use crate::{beside::Purpose, request::SourceLabel, time::UnixTime};

/// One thing that happened to a person's second lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// The canonical account name.
    pub user: String,
    /// What happened.
    pub kind: LetterKind,
    /// When.
    pub at: UnixTime,
    /// The PAM service, or `twinlock` where a command did it.
    pub service: String,
    /// Where from.
    pub source: SourceLabel,
    /// Who did it, where somebody else did.
    pub by: Option<String>,
    /// How many backup codes are left, where that is what it is about.
    pub left: Option<u8>,
    /// Where it goes, where not to the address on record at the time of sending: the address of before.
    pub to: Option<String>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LetterKind {
    /// A backup code was used.
    BackupCodeUsed,
    /// Few backup codes are left.
    FewCodesLeft,
    /// Set-up was finished.
    SetUpDone,
    /// An authenticator was replaced, added or taken away.
    KeyChanged,
    /// There is a new set of backup codes; the old ones are dead.
    CodesRenewed,
    /// An administrator has reset the person.
    Reset,
    /// Wrong codes behind a right password or key.
    Guessed,
    /// An administrator has given out a bypass.
    BypassGiven,
    /// An administrator has looked at the key.
    KeyShown,
    /// The record, with its keys, was exported for another host.
    KeyExported,
    /// A record that another host has exported is in force.
    RecordImported,
    /// Mail goes to another address from now on; sent to the one of before.
    MailChanged,
    /// The enrollment was ended.
    Removed,
    /// Wrong codes were cleared, so that more can be tried.
    Unlocked,
    /// An administrator acted without a code of their own; sent to root.
    BreakGlass,
    /// Two codes in a row have said where an authenticator stands, and logins go by that from now on.
    Resynchronized,
    /// A login has found the set-up ticket expired, and a fresh one is to be mailed.
    TicketExpired,
}

/// All kinds, with the word of each in file names.
pub const KINDS: [(LetterKind, &str); 17] = [
    (LetterKind::BackupCodeUsed, "backup-code-used"),
    (LetterKind::FewCodesLeft, "few-codes-left"),
    (LetterKind::SetUpDone, "set-up-done"),
    (LetterKind::KeyChanged, "key-changed"),
    (LetterKind::CodesRenewed, "codes-renewed"),
    (LetterKind::Reset, "reset"),
    (LetterKind::Guessed, "guessed"),
    (LetterKind::BypassGiven, "bypass-given"),
    (LetterKind::KeyShown, "key-shown"),
    (LetterKind::KeyExported, "key-exported"),
    (LetterKind::RecordImported, "record-imported"),
    (LetterKind::MailChanged, "mail-changed"),
    (LetterKind::Removed, "removed"),
    (LetterKind::Unlocked, "unlocked"),
    (LetterKind::BreakGlass, "break-glass"),
    (LetterKind::Resynchronized, "resynchronized"),
    (LetterKind::TicketExpired, "ticket-expired"),
];

impl LetterKind {
    /// The word in file names.
    #[must_use]
    pub fn word(self) -> &'static str {
        KINDS.iter().find(|(kind, _)| *kind == self).map_or("", |(_, word)| word)
    }

    /// Returns whether one letter within the hour says enough, however often it happens: what a stranger with a password can
    /// bring about, and what only reminds. All others tell of a change of their own, and wait for none.
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

    /// The kind of a word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        KINDS.iter().find(|(_, known)| *known == word).map(|(kind, _)| *kind)
    }
}

/// What a mail is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// Something that happened.
    Event(LetterKind),
    /// A ticket, which is in the mail.
    Ticket(Purpose),
}

impl Topic {
    /// All of them. An expired ticket is told by the mail that brings the fresh one, and has no text of its own.
    pub fn all() -> impl Iterator<Item = Self> {
        let tickets = [Purpose::SetUp, Purpose::Codes].into_iter().map(Self::Ticket);
        let told = KINDS.into_iter().filter(|(kind, _)| *kind != LetterKind::TicketExpired);
        told.map(|(kind, _)| Self::Event(kind)).chain(tickets)
    }

    /// The word in the names of files with a text for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Event(kind) => kind.word(),
            Self::Ticket(Purpose::SetUp) => "ticket-set-up",
            Self::Ticket(Purpose::Codes) => "ticket-codes",
        }
    }

    /// The words that may stand in braces in a text for it.
    #[must_use]
    pub fn blanks(self) -> &'static [&'static str] {
        match self {
            Self::Event(_) => &["user", "host", "time", "service", "source", "by", "left"],
            Self::Ticket(_) => &["user", "host", "time", "by", "until", TICKET],
        }
    }
}

/// The blank that a text for a ticket must have.
pub const TICKET: &str = "ticket";

/// A ticket on its way to whom it is for.
#[derive(Debug)]
pub struct Handout<'a> {
    /// The canonical account name.
    pub user: &'a str,
    /// What it is for.
    pub purpose: Purpose,
    /// Its letters, in groups.
    pub ticket: &'a str,
    /// Who gives it out.
    pub by: &'a str,
    /// When.
    pub at: UnixTime,
    /// From this instant on it works no more.
    pub until: UnixTime,
}

/// How far a letter has come that was taken out of the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// How often its sending was begun.
    pub tries: u32,
    /// How often it was begun and nobody knows how it ended: it may have been sent then.
    pub cuts: u32,
    /// While it waits: from when on it is sent. While it is sent: by when that has ended.
    pub at: UnixTime,
}
