//! Faults of the host's stores, each with its stable name for the log.

/// Why a record, folder or store cannot be trusted; the login fails closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreError {
    /// The records folder or a parent folder is missing.
    FolderMissing,
    /// The records folder has no `store-id`: nothing or something else is mounted there.
    StoreIdMissing,
    /// `/etc/twinlock` has no `store-id`, or it differs from that of the records folder.
    StoreIdMismatch,
    /// The path contains a symbolic link.
    Symlink,
    /// Neither a regular file nor a folder.
    WrongKind,
    /// Not owned by root.
    WrongOwner,
    /// Accessible to users other than the owner.
    TooOpen,
    /// The file has a second name.
    HardLink,
    /// Larger than 64 KiB.
    TooLarge,
    /// Not a valid record.
    Malformed {
        /// Line of the first error, from 1.
        line: u32,
    },
    /// Written by a newer twinlock.
    Newer {
        /// Its version.
        version: u32,
    },
    /// The record has a user id other than the account's.
    OtherUid,
    /// The record of another user name has this account's user id.
    UidOfAnother,
    /// The record has a name other than its folder's.
    OtherName,
    /// The user id belonged to a record of this name that is gone without a tombstone.
    RecordLost,
    /// The encoded name is too long for a folder name.
    NameTooLong,
    /// A read or write failed.
    Io {
        /// The errno.
        errno: i32,
    },
}

impl StoreError {
    /// Returns the stable name in log lines and in `twinlock why`.
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

/// Why a code of a set, which may be correct, does not grant access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodesError {
    /// The set cannot be trusted.
    Set(StoreError),
    /// There is not enough memory to hash the code.
    Memory,
    /// The code is correct and spent, but the record cannot be read again.
    Record(StoreError),
    /// The code is correct, but cannot be stored as spent.
    Spend(StoreError),
}

impl CodesError {
    /// Returns the stable name in log lines and in `twinlock why`.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Set(StoreError::FolderMissing) => "codes_missing",
            Self::Set(StoreError::Malformed { .. }) => "codes_malformed",
            Self::Set(StoreError::Newer { .. }) => "codes_newer",
            Self::Set(StoreError::Io { .. }) => "codes_io",
            Self::Set(_) => "codes_untrusted",
            Self::Memory => "codes_memory",
            Self::Record(fault) => fault.reason(),
            Self::Spend(_) => "code_not_spent",
        }
    }
}

/// Why the ledger cannot be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LedgerError {
    /// The ledger is not a mount point, and the settings do not allow that.
    NotMounted,
    /// Not on tmpfs, and the settings do not allow that.
    NotTmpfs,
    /// The folder is a symbolic link, not owned by root or accessible to other users.
    Untrusted,
    /// The remaining names are reserved for logins behind a proven first factor.
    Reserved,
    /// Reading or creating a name failed.
    Io {
        /// The errno.
        errno: i32,
    },
}

impl LedgerError {
    /// Returns the stable name in log lines.
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

/// Why a change was not committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitError {
    /// Another process changed the record first, or built upon this change: reload it and decide again.
    Overtaken,
    /// The store failed. Either the old record is in force, or the new one is but may not survive a power failure.
    Store(StoreError),
}

/// NSS could not determine whether an account or a group exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LookupError;

/// A clock or the entropy source could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MachineError;
