//! Errors of a command: what is wrong, what to do, and the exit status.

use core::fmt;

use twinlock_core::base::error::{
    CommitError, FileError, FleetError, LedgerError, LookupError, MachineError, StoreError,
};
use twinlock_host::fleet::membership::MembershipError;

/// The exit statuses of the command, other than 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// The operation ended with a negative result: a code is wrong, a check has failed, or some users could not be
    /// processed.
    Refused = 1,
    /// The command line is wrong.
    Usage = 2,
    /// The user, the file or the host is in a state in which the operation is not possible.
    NotInState = 3,
    /// The caller may not do the operation.
    NotAllowed = 4,
    /// Too many wrong codes were entered.
    Throttled = 5,
    /// The records or the ledger cannot be used.
    StoreUnreachable = 6,
    /// The user interrupted the command at a prompt.
    Interrupted = 130,
}

/// Why a command fails, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CliError {
    /// Exit status of the command.
    pub(crate) exit: Exit,
    /// What is wrong: a clause that begins in lower case and has no full stop.
    pub(crate) what: String,
    /// What to do, as whole sentences.
    pub(crate) remedy: String,
    /// Whether `what` still lacks the clause that says what the command has changed.
    bare: bool,
}

impl fmt::Display for CliError {
    /// Writes [`CliError::what`] only. The remedy is printed below it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl core::error::Error for CliError {}

impl CliError {
    /// Creates an error whose text also says what the command has changed. [`CliError::or`] and [`CliError::unchanged`]
    /// add nothing to it.
    pub(crate) fn new(exit: Exit, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { exit, what: what.into(), remedy: remedy.into(), bare: false }
    }

    /// Creates an error with exit status 6. The caller adds what the command has changed, by [`CliError::or`] or
    /// another method.
    pub(crate) fn bare(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { bare: true, ..Self::new(Exit::StoreUnreachable, what, remedy) }
    }

    /// Adds the clause `stands` even if the text already has such a clause. The clause says what the command has
    /// changed.
    #[must_use]
    pub(crate) fn but(self, stands: &str) -> Self {
        Self { what: format!("{}; {stands}", self.what), bare: false, ..self }
    }

    /// Adds the clause "nothing was changed", unless the text already says what the command has changed.
    #[must_use]
    pub(crate) fn unchanged(self) -> Self {
        self.or("nothing was changed")
    }

    /// Adds the clause `stands`, unless the text already has such a clause. The clause says what the command has
    /// changed.
    #[must_use]
    pub(crate) fn or(self, stands: &str) -> Self {
        if self.bare { self.but(stands) } else { self }
    }

    /// Creates an error without a message, for a command whose report has said what is wrong.
    pub(crate) fn told(exit: Exit) -> Self {
        Self::new(exit, "", "")
    }
}

impl From<&clap::Error> for CliError {
    /// Converts an error of clap. The first part of clap's message becomes `what`, and the rest (usage, hints) becomes
    /// `remedy`.
    fn from(error: &clap::Error) -> Self {
        let text = error.render().to_string();
        let in_a_line = |part: &str| part.split_whitespace().collect::<Vec<_>>().join(" ");
        let (what, rest) = text.split_once("\n\n").unwrap_or((&text, ""));
        let what = what.strip_prefix("error: ").unwrap_or(what);
        Self::new(Exit::Usage, in_a_line(what), in_a_line(rest))
    }
}

impl From<StoreError> for CliError {
    fn from(fault: StoreError) -> Self {
        Self::bare(format!("{fault} ({})", fault.reason()), store_remedy(fault))
    }
}

/// Returns the remedy for an error of the records.
#[expect(clippy::too_many_lines, reason = "a match whose arms are text")]
pub(crate) fn store_remedy(fault: StoreError) -> &'static str {
    match fault {
        StoreError::File(FileError::Missing) => {
            "Mount the records folder that belongs here; on a machine that never had one, run `twinlock epoch ensure`."
        }
        StoreError::StoreIdMissing => {
            "Mount the records folder; if it is lost, restore it from a backup. To start with an empty store, delete /etc/twinlock/store-id and run `twinlock epoch ensure`."
        }
        StoreError::StoreIdMismatch => {
            "The mounted records folder does not match /etc/twinlock/store-id. Mount the right one, or copy its store-id to /etc/twinlock."
        }
        StoreError::File(FileError::Symlink) => {
            "Replace the symbolic link by the folder itself, or set `records` to the real path."
        }
        StoreError::File(FileError::WrongKind) => {
            "The records folder has an entry that is neither a file nor a folder. Move it away."
        }
        StoreError::File(FileError::WrongOwner) => {
            "Find out why root is not the owner, then run chown -R root:root on the records folder."
        }
        StoreError::File(FileError::TooOpen) => {
            "Run chmod -R go= on the records folder. Other users may have read its keys."
        }
        StoreError::File(FileError::HardLink) => {
            "A record has a second hard link. Find it with `find -samefile`, and delete it."
        }
        StoreError::File(FileError::TooLarge) | StoreError::Malformed { .. } => {
            "Restore the user's newest record from a backup, or remove and enroll the user again."
        }
        StoreError::Newer { .. } => "Install the newer version of twinlock that wrote it.",
        StoreError::OtherUid => {
            "The account was created again under an old name. Run `twinlock remove` for the old record, then enroll the new user."
        }
        StoreError::UidOfAnother => {
            "Two accounts share this user id, or one was renamed. `twinlock list` shows which user has the record; run `twinlock remove` for that user."
        }
        StoreError::RecordLost => {
            "Restore the user's folder from a backup, or enroll the user again."
        }
        StoreError::OtherName => "A record was copied into another user's folder. Move it back.",
        StoreError::NameTooLong => {
            "The name is too long for a folder. Give the account a shorter name."
        }
        StoreError::File(FileError::Io { .. }) => "Check the disk and the kernel log (dmesg).",
        StoreError::Fleet(fault) => fleet_remedy(fault),
    }
}

/// Returns the remedy for an error of the fleet.
#[expect(clippy::too_many_lines, reason = "a match whose arms are text")]
pub(crate) fn fleet_remedy(fault: FleetError) -> &'static str {
    match fault {
        FleetError::Unreachable | FleetError::Busy => {
            "Run `twinlock fleet status`: it shows which servers of etcd answer. Root's own login does not need them."
        }
        FleetError::Full => {
            "Compact, defragment and disarm etcd, as twinlock-fleet(8) describes under FULL."
        }
        FleetError::Denied => {
            "Check the certificate and the password of this host (`twinlock fleet status`), and whether its user of etcd has the role manage, which changes of records need."
        }
        FleetError::RolledBack => {
            "If etcd was restored from a backup, run `twinlock fleet recover` once; if this host was, run `twinlock fleet rejoin` here."
        }
        FleetError::Cloned => {
            "Find the other machine with this name and take it out of the fleet; then run `twinlock fleet rejoin` here."
        }
        FleetError::NotJoined => "Run `twinlock fleet join` on this host.",
        FleetError::NoDaemon => "Run: systemctl start twinlock-fleet.socket",
        FleetError::NoConnection => {
            "Give the calling program more descriptors or memory, and try again."
        }
        FleetError::Broken => "Install the same version of twinlock and twinlock-fleet.",
        FleetError::Key | FleetError::KeyMissing => {
            "Copy /etc/twinlock/fleet.key from another host of the fleet (owner root, mode 0600)."
        }
        FleetError::NewerFormat => "Install the newer version of twinlock on this host.",
        FleetError::Seal => "Try again; see the kernel log (dmesg) if it stays.",
        FleetError::Unsealed
        | FleetError::MetaMissing
        | FleetError::RecordOlder
        | FleetError::RecordGone
        | FleetError::RecordDiffers => {
            "etcd was changed, or restored from a backup. Find out who can write to it; then run `twinlock fleet recover`."
        }
        FleetError::RecordChanged | FleetError::ChargeGone => "Try again.",
        FleetError::OpenWithoutRecord => {
            "Set `not_enrolled = \"deny\"`, or \"enroll\" with `enroll_needs_ticket = true`, take `nullok` out of the PAM lines, and run: twinlock settings apply"
        }
        FleetError::OtherUid => {
            "Give the account the same user id on every host, or set `uids = \"local\"` in [fleet]."
        }
    }
}

impl From<FleetError> for CliError {
    fn from(fault: FleetError) -> Self {
        Self::from(StoreError::Fleet(fault))
    }
}

impl From<MembershipError> for CliError {
    fn from(fault: MembershipError) -> Self {
        match fault {
            MembershipError::Fleet(fault) => fault.into(),
            MembershipError::Store(fault) => fault.into(),
            MembershipError::Ledger(fault) => fault.into(),
            MembershipError::Commit(fault) => fault.into(),
            MembershipError::Changed => {
                Self::new(Exit::NotInState, fault.to_string(), "Run the same command again.")
            }
        }
    }
}

impl From<LedgerError> for CliError {
    fn from(fault: LedgerError) -> Self {
        Self::bare(format!("{fault} ({})", fault.reason()), ledger_remedy(fault))
    }
}

/// Returns the remedy for an error of the ledger.
pub(crate) fn ledger_remedy(fault: LedgerError) -> &'static str {
    match fault {
        LedgerError::NotMounted => {
            "Start the mount unit first: systemctl start run-twinlock.mount. Without systemd, mount a tmpfs at /run/twinlock (mode=0700), or set `ledger_mounted = false`."
        }
        LedgerError::NotTmpfs => {
            "Start run-twinlock.mount, or set `ledger_persistent = true` if it is meant to lie on a disk."
        }
        LedgerError::Untrusted => {
            "Replace the ledger: systemctl restart run-twinlock.mount (without systemd, mount it anew), then `twinlock epoch ensure`; codes of the last minute are then refused as used."
        }
        LedgerError::Reserved => {
            "Remove expired entries (twinlock epoch sweep), find out who guesses (twinlock why USER), and give the ledger more inodes: nr_inodes= in a drop-in of run-twinlock.mount."
        }
        LedgerError::Fleet(fault) => fleet_remedy(fault),
        LedgerError::Io { .. } => {
            "Check whether the ledger folder is full (df -i), and the kernel log (dmesg)."
        }
    }
}

impl From<CommitError> for CliError {
    fn from(fault: CommitError) -> Self {
        match fault {
            CommitError::Overtaken => Self::new(
                Exit::NotInState,
                fault.to_string(),
                "Check `twinlock status`, then try again.",
            ),
            CommitError::Store(fault) => fault.into(),
        }
    }
}

impl From<LookupError> for CliError {
    fn from(fault: LookupError) -> Self {
        Self::bare(fault.to_string(), "Check the name service (getent passwd NAME).")
    }
}

impl From<MachineError> for CliError {
    fn from(fault: MachineError) -> Self {
        Self::bare(fault.to_string(), "Check the clock (date): it must be after 1970.")
    }
}
