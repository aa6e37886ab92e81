//! Errors of files, records, backup-code sets, the ledger, accounts and clocks. Each error has a sentence for users. An
//! error that is logged also has a stable name.

use core::{
    error::Error,
    fmt::{Display, Formatter, Result},
};

pub use crate::base::fleet_error::FleetError;

use crate::base::account::NameTooLongError;

/// Why a file or folder cannot be trusted or read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileError {
    /// The file or folder, or a parent folder, is missing.
    Missing,
    /// The path contains a symbolic link.
    Symlink,
    /// A folder was found where a file was expected, a file where a folder was expected, or something that is neither.
    WrongKind,
    /// The file or folder is not owned by root.
    WrongOwner,
    /// The file or folder is accessible to users other than its owner.
    TooOpen,
    /// The file has more than one name (hard link).
    HardLink,
    /// The file is larger than its maximum size.
    TooLarge,
    /// A file or folder could not be read or written.
    Io {
        /// The error number that the system call returned (`errno`).
        errno: i32,
    },
}

impl Display for FileError {
    /// Writes what is wrong as the end of a sentence that begins with the path, such as `is missing`. The texts assume
    /// that every user may read the file and only root may write it.
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Missing => write!(f, "is missing"),
            Self::Symlink => write!(f, "is a symbolic link, or lies behind one"),
            Self::WrongKind => write!(f, "is not a regular file"),
            Self::WrongOwner => write!(f, "does not belong to root"),
            Self::TooOpen => write!(f, "can be written to by users other than root"),
            Self::HardLink => write!(f, "has a second name (a hard link)"),
            Self::TooLarge => write!(f, "is larger than 64 KiB"),
            Self::Io { errno } => write!(f, "cannot be read or written (errno {errno})"),
        }
    }
}

impl Error for FileError {}

/// Why a record or the records folder cannot be trusted. The login fails closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreError {
    /// A file or folder of the records cannot be trusted or read.
    File(FileError),
    /// The records folder has no `store-id`. Usually, the file system that holds the records is not mounted there.
    StoreIdMissing,
    /// `/etc/twinlock` has no `store-id`, or its `store-id` differs from the one in the records folder.
    StoreIdMismatch,
    /// The text is not a valid record.
    Malformed {
        /// Line of the first error, from 1.
        line: u32,
    },
    /// The record was written by a newer version of twinlock.
    Newer {
        /// The format version in the record.
        version: u32,
    },
    /// The record has another user id than the account.
    OtherUid,
    /// A record under another user name has this account's user id.
    UidOfAnother,
    /// The record has another user name than its folder.
    OtherName,
    /// The user had a record, and now has neither a record nor the tombstone that a removed user keeps.
    RecordLost,
    /// The percent-encoded user name is too long for a folder name.
    NameTooLong,
    /// The fleet's record could not be read, proven or written.
    Fleet(FleetError),
}

impl StoreError {
    /// Returns the stable name of this error in log lines and in `twinlock why`.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::File(FileError::Missing) => "records_missing",
            Self::File(FileError::Symlink) => "record_symlink",
            Self::File(FileError::WrongKind) => "record_wrong_kind",
            Self::File(FileError::WrongOwner) => "record_wrong_owner",
            Self::File(FileError::TooOpen) => "record_too_open",
            Self::File(FileError::HardLink) => "record_hard_link",
            Self::File(FileError::TooLarge) => "record_too_large",
            Self::File(FileError::Io { .. }) => "record_io",
            Self::StoreIdMissing => "store_id_missing",
            Self::StoreIdMismatch => "store_id_mismatch",
            Self::Malformed { .. } => "record_malformed",
            Self::Newer { .. } => "record_newer",
            Self::OtherUid => "record_other_uid",
            Self::UidOfAnother => "uid_of_another",
            Self::OtherName => "record_other_name",
            Self::RecordLost => "record_lost",
            Self::NameTooLong => "name_too_long",
            Self::Fleet(fault) => fault.reason(),
        }
    }
}

impl Display for StoreError {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(match self {
            Self::File(FileError::Missing) => {
                "the records folder, or a folder above it, does not exist"
            }
            Self::File(FileError::Symlink) => "there is a symbolic link in the path of the record",
            Self::File(FileError::WrongKind) => {
                "the record, or a folder above it, is neither a file nor a folder"
            }
            Self::File(FileError::WrongOwner) => {
                "the record, or a folder above it, is not owned by root"
            }
            Self::File(FileError::TooOpen) => {
                "the record, or a folder above it, is accessible to other users"
            }
            Self::File(FileError::HardLink) => "the record has a second hard link",
            Self::File(FileError::TooLarge) => "the record is over 64 KiB",
            Self::File(FileError::Io { .. }) => "the record could not be read or written",
            Self::StoreIdMissing => {
                "the records folder has no store-id, so it is not the right one"
            }
            Self::StoreIdMismatch => "the records folder is not the one of this host",
            Self::Malformed { .. } => "the record is damaged, or was edited incorrectly",
            Self::Newer { .. } => "the record was written by a newer twinlock",
            Self::OtherUid => "the user id in the record is not that of the account",
            Self::UidOfAnother => "another user's record has this user id",
            Self::OtherName => "the name in the record is not that of its folder",
            Self::RecordLost => "there was a record, and it is missing although it was not removed",
            Self::NameTooLong => return NameTooLongError.fmt(f),
            Self::Fleet(fault) => return fault.fmt(f),
        })
    }
}

impl Error for StoreError {}

impl From<FileError> for StoreError {
    fn from(error: FileError) -> Self {
        Self::File(error)
    }
}

/// Why a backup code does not grant access, although it may be correct.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodesError {
    /// The set of backup codes cannot be trusted.
    Set(StoreError),
    /// There is not enough memory to hash the code.
    Memory,
    /// The code is correct and was marked as spent, but the user's record could not be read after that.
    Record(StoreError),
    /// The code is correct, but it cannot be marked as spent.
    Spend(StoreError),
}

impl CodesError {
    /// Returns the stable name of this error in log lines and in `twinlock why`.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Set(StoreError::File(FileError::Missing)) => "codes_missing",
            Self::Set(StoreError::Malformed { .. }) => "codes_malformed",
            Self::Set(StoreError::Newer { .. }) => "codes_newer",
            Self::Set(StoreError::File(FileError::Io { .. })) => "codes_io",
            Self::Set(StoreError::Fleet(fault)) | Self::Spend(StoreError::Fleet(fault)) => {
                fault.reason()
            }
            Self::Set(_) => "codes_untrusted",
            Self::Memory => "codes_memory",
            Self::Record(fault) => fault.reason(),
            Self::Spend(_) => "code_not_spent",
        }
    }
}

impl Display for CodesError {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(match self {
            Self::Set(StoreError::File(FileError::Missing)) => {
                "the file of the user's backup codes is missing"
            }
            Self::Set(StoreError::File(FileError::Io { .. })) => {
                "the file of the user's backup codes could not be read from the disk"
            }
            Self::Set(StoreError::Malformed { .. }) => {
                "the file of the user's backup codes is damaged, or was edited incorrectly"
            }
            Self::Set(StoreError::Newer { .. }) => {
                "the file of the user's backup codes was written by a newer twinlock"
            }
            Self::Set(StoreError::Fleet(fault)) | Self::Spend(StoreError::Fleet(fault)) => {
                return fault.fmt(f);
            }
            Self::Set(_) => "the file of the user's backup codes has a wrong owner, mode or type",
            Self::Memory => "there was no memory to check a backup code (it takes 19 MiB)",
            Self::Record(error) => return error.fmt(f),
            Self::Spend(_) => {
                "a correct backup code could not be marked as used, so it was refused"
            }
        })
    }
}

impl Error for CodesError {}

/// Why the ledger cannot be trusted or used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LedgerError {
    /// The ledger is not a mount point, and the settings require one.
    NotMounted,
    /// The ledger is not on tmpfs, and the settings require tmpfs.
    NotTmpfs,
    /// The ledger folder is a symbolic link, is not owned by root, or is accessible to other users.
    Untrusted,
    /// The ledger is nearly full, and its free space is reserved for logins with a proven first factor.
    Reserved,
    /// The fleet's store did not take the entry, or its entries could not be read.
    Fleet(FleetError),
    /// A file name of the ledger could not be read or created.
    Io {
        /// The error number that the system call returned (`errno`).
        errno: i32,
    },
}

impl LedgerError {
    /// Returns the stable name of this error in log lines.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::NotMounted => "ledger_not_mounted",
            Self::NotTmpfs => "ledger_not_tmpfs",
            Self::Untrusted => "ledger_untrusted",
            Self::Reserved => "ledger_reserved",
            Self::Fleet(fault) => fault.reason(),
            Self::Io { .. } => "ledger_io",
        }
    }
}

impl Display for LedgerError {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(match self {
            Self::NotMounted => "nothing is mounted at the ledger folder",
            Self::NotTmpfs => "the ledger folder is not on a tmpfs",
            Self::Untrusted => {
                "the ledger folder is a link, not root-owned, open to other users or damaged"
            }
            Self::Reserved => {
                "half of the ledger is in use; the rest is reserved for proven first factors"
            }
            Self::Fleet(fault) => return fault.fmt(f),
            Self::Io { .. } => "the ledger could not be read or written",
        })
    }
}

impl Error for LedgerError {}

/// Why a change of a record was not committed. The store holds numbered versions of each record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitError {
    /// Another process changed the record first, or has already replaced the version that this process wrote. The
    /// caller reloads the record and decides again.
    Overtaken,
    /// The store failed. Either the old version is still valid, or the new version is valid but may be lost in a power
    /// failure.
    Store(StoreError),
}

impl Display for CommitError {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Overtaken => write!(
                f,
                "another process changed this record at the same time; nothing was changed here"
            ),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl Error for CommitError {}

impl From<StoreError> for CommitError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<FileError> for CommitError {
    fn from(error: FileError) -> Self {
        Self::Store(StoreError::File(error))
    }
}

/// Why the agent gave no verdict about a code. A program that does not run as root cannot verify a code and asks the
/// agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgentError {
    /// No process accepts connections at the agent's socket, or this process cannot open a connection.
    Unreachable,
    /// The process at the socket does not run as root.
    Untrusted,
    /// This user has too many connections to the agent, or all users together have too many.
    Busy,
    /// The agent did not answer within the time limit of the client.
    Late,
    /// The agent closed the connection, or sent data that the protocol does not allow at this point.
    Broken,
    /// The agent ended the request before it asked for a code. The log of the agent says why.
    Refused,
}

impl AgentError {
    /// Returns the stable name of this error in log lines.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Unreachable => "agent_unreachable",
            Self::Untrusted => "agent_untrusted",
            Self::Busy => "agent_busy",
            Self::Late => "agent_late",
            Self::Broken => "agent_broken",
            Self::Refused => "agent_refused",
        }
    }
}

impl Display for AgentError {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(match self {
            Self::Unreachable => "twinlock-agent could not be reached",
            Self::Untrusted => "another user than root answers in place of twinlock-agent",
            Self::Busy => "twinlock-agent has too many connections of this user",
            Self::Late => "twinlock-agent did not answer within two seconds",
            Self::Broken => "twinlock-agent ended, or sent what does not belong there",
            Self::Refused => "twinlock-agent refused to verify a code",
        })
    }
}

impl Error for AgentError {}

/// NSS could not determine whether an account or a group exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LookupError;

impl Display for LookupError {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str("the account could not be looked up")
    }
}

impl Error for LookupError {}

/// A clock or the entropy source could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MachineError;

impl Display for MachineError {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str("the clock or the kernel's random source cannot be read")
    }
}

impl Error for MachineError {}

/// The user gave no answer, because the connection was closed or there is no user to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConversationError;

impl Display for ConversationError {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str("the connection was closed, or there is no user to ask")
    }
}

impl Error for ConversationError {}
