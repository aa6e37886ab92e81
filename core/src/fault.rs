//! What can be wrong with the machine's stores, each with its stable name for the log.

/// A record, folder or store that proves nothing, so that the login is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreFault {
    /// The records folder or one above it is not there.
    FolderMissing,
    /// The records folder has no `store-id`: something else is mounted there, or nothing.
    StoreIdMissing,
    /// `/etc/twinlock` has no `store-id`, or another one than the records folder.
    StoreIdMismatch,
    /// A symbolic link stands in the path.
    Symlink,
    /// Something other than a regular file or a folder.
    WrongKind,
    /// Another owner than root.
    WrongOwner,
    /// Open to others than its owner.
    TooOpen,
    /// A second name for the same file.
    HardLink,
    /// Over 64 KiB.
    TooLarge,
    /// Not in the form of a record; the line is counted from 1.
    Malformed {
        /// Where the first mistake stands.
        line: u32,
    },
    /// Written by a newer twinlock.
    Newer {
        /// The version it carries.
        version: u32,
    },
    /// The record carries another user id than the account.
    OtherUid,
    /// Another name's record carries this account's user id.
    UidOfAnother,
    /// The record carries another name than its folder.
    OtherName,
    /// The user id was given to this name by a record that is gone, without a tombstone.
    RecordLost,
    /// The encoded name is too long for a folder.
    NameTooLong,
    /// Reading or writing failed.
    Io {
        /// The errno.
        errno: i32,
    },
}

impl StoreFault {
    /// The stable name in log lines and in `twinlock why`.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::FolderMissing => "records_missing",
            Self::StoreIdMissing => "store_id_missing",
            Self::StoreIdMismatch => "store_id_mismatch",
            Self::Symlink => "record_symlink",
            Self::WrongKind => "record_wrong_kind",
            Self::WrongOwner => "record_wrong_owner",
            Self::TooOpen => "record_too_open",
            Self::HardLink => "record_hard_link",
            Self::TooLarge => "record_too_large",
            Self::Malformed { .. } => "record_malformed",
            Self::Newer { .. } => "record_newer",
            Self::OtherUid => "record_other_uid",
            Self::UidOfAnother => "uid_of_another",
            Self::OtherName => "record_other_name",
            Self::RecordLost => "record_lost",
            Self::NameTooLong => "name_too_long",
            Self::Io { .. } => "record_io",
        }
    }
}

/// Why a code of a set, though it may be right, lets nobody in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodesFault {
    /// The set proves nothing.
    Set(StoreFault),
    /// There is no memory to hash the code.
    Memory,
    /// The code is right and burned, and the record cannot be looked at once more.
    Record(StoreFault),
    /// The code is right, and that it was used cannot be written down.
    Spend(StoreFault),
}

impl CodesFault {
    /// The stable name in log lines and in `twinlock why`.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Set(StoreFault::FolderMissing) => "codes_missing",
            Self::Set(StoreFault::Malformed { .. }) => "codes_malformed",
            Self::Set(StoreFault::Newer { .. }) => "codes_newer",
            Self::Set(StoreFault::Io { .. }) => "codes_io",
            Self::Set(_) => "codes_untrusted",
            Self::Memory => "codes_memory",
            Self::Record(fault) => fault.reason(),
            Self::Spend(_) => "code_not_spent",
        }
    }
}

/// Why the ledger cannot say whether something happened already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LedgerFault {
    /// Nothing is mounted where the ledger lies, and the settings do not say that this is meant.
    NotMounted,
    /// Not on tmpfs, and the settings do not say that this is meant.
    NotTmpfs,
    /// The folder is a link, not root's, or open to others.
    Untrusted,
    /// What is left of its names is kept for logins behind a proven first factor.
    Reserved,
    /// Reading or creating a name failed.
    Io {
        /// The errno.
        errno: i32,
    },
}

impl LedgerFault {
    /// The stable name in log lines.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::NotMounted => "ledger_not_mounted",
            Self::NotTmpfs => "ledger_not_tmpfs",
            Self::Untrusted => "ledger_untrusted",
            Self::Reserved => "ledger_reserved",
            Self::Io { .. } => "ledger_io",
        }
    }
}

/// Why a change was not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitFault {
    /// Somebody else changed the record first, or built upon this change: load it and decide again.
    Overtaken,
    /// The store failed; the old record stands, or the new one does and may not outlive a power cut.
    Store(StoreFault),
}

/// NSS could not say whether an account or a group exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LookupFault;

/// A clock or the entropy source did not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MachineFault;
