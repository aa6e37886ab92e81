//! Failures of a command: what is wrong, what to do, and the exit status of DESIGN.md.

use std::{io::Write, process::ExitCode};

use twinlock_core::fault::{CommitFault, LedgerFault, LookupFault, MachineFault, StoreFault};

use crate::{
    keyboard::tell,
    wording::{Notation, WIDTH, harmless, wrap},
};

/// Exit statuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// A wrong code, or a negative result.
    Refused = 1,
    /// Wrong usage.
    Usage = 2,
    /// The user, file or host is not in a state that allows it.
    NotInState = 3,
    /// Not allowed.
    NotAllowed = 4,
    /// Too many wrong codes.
    Throttled = 5,
    /// Records or ledger are unusable.
    StoreUnreachable = 6,
    /// Interrupted at a prompt.
    Interrupted = 130,
}

/// A failure: one sentence says what is wrong, one says what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The exit status.
    pub exit: Exit,
    /// What is wrong, and where.
    pub what: String,
    /// What to do.
    pub remedy: String,
    /// Whether the failure comes unchanged from records, ledger, accounts or clock, and does not say yet what state it
    /// left.
    bare: bool,
}

impl Failure {
    /// Creates a failure.
    pub fn new(exit: Exit, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { exit, what: what.into(), remedy: remedy.into(), bare: false }
    }

    /// Creates a failure that happened before anything was changed.
    pub fn bare(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { bare: true, ..Self::new(Exit::StoreUnreachable, what, remedy) }
    }

    /// Adds the state that is left after the failure.
    #[must_use]
    pub fn but(self, stands: &str) -> Self {
        Self { what: format!("{}; {stands}", self.what), bare: false, ..self }
    }

    /// Adds that nothing was changed, unless the failure says already what state it left: it happened before the first
    /// write.
    #[must_use]
    pub fn unchanged(self) -> Self {
        self.or("nothing was changed")
    }

    /// Adds the state that is left, unless the failure says it already.
    #[must_use]
    pub fn or(self, stands: &str) -> Self {
        if self.bare { self.but(stands) } else { self }
    }

    /// Creates a failure that the command's own report has described already.
    pub fn told(exit: Exit) -> Self {
        Self::new(exit, "", "")
    }

    /// Prints the failure as text or JSON and returns the exit status.
    pub fn print(&self, json: bool) -> ExitCode {
        if self.what.is_empty() {
            return ExitCode::from(self.exit as u8);
        }
        if json {
            let object = serde_json::json!({
                "error": self.what, "remedy": self.remedy, "exit": self.exit as u8,
            });
            // A caller that has closed standard output relies on the exit status.
            let object = object.to_string();
            let _ = writeln!(std::io::stdout(), "{}", harmless(&object, Notation::Json));
        } else {
            let what = wrap(&format!("twinlock: {}", self.what), WIDTH, 0);
            tell(&format!("{what}\n{}\n", wrap(&self.remedy, WIDTH, 0)));
        }
        ExitCode::from(self.exit as u8)
    }
}

impl From<&clap::Error> for Failure {
    /// Takes the first part of clap's message, which says what is wrong; usage and hints follow it.
    fn from(error: &clap::Error) -> Self {
        let text = error.render().to_string();
        let in_a_line = |part: &str| part.split_whitespace().collect::<Vec<_>>().join(" ");
        let (what, rest) = text.split_once("\n\n").unwrap_or((&text, ""));
        let what = what.strip_prefix("error: ").unwrap_or(what);
        Self::new(Exit::Usage, in_a_line(what), in_a_line(rest))
    }
}

impl From<StoreFault> for Failure {
    fn from(fault: StoreFault) -> Self {
        let what = format!("the records cannot be used ({})", fault.reason());
        Self::bare(what, store_remedy(fault))
    }
}

/// Returns the remedy for each fault of the records.
pub fn store_remedy(fault: StoreFault) -> &'static str {
    match fault {
        StoreFault::FolderMissing => {
            "Mount the records folder that belongs here; on a machine that never had one, run `twinlock epoch ensure`."
        }
        StoreFault::StoreIdMissing => {
            "Mount the records folder; if it is lost, restore it from a backup. To begin anew, delete /etc/twinlock/store-id and run `twinlock epoch ensure`."
        }
        StoreFault::StoreIdMismatch => {
            "Another records folder is mounted than /etc/twinlock/store-id belongs to. Mount the right one, or copy its store-id to /etc/twinlock."
        }
        StoreFault::Symlink => {
            "Replace the symbolic link by the folder itself, or set `records` to the real path."
        }
        StoreFault::WrongKind => {
            "Something that is neither file nor folder stands among the records; move it away."
        }
        StoreFault::WrongOwner => {
            "Make root the owner: chown -R root:root on the records folder, after looking why it was not."
        }
        StoreFault::TooOpen => {
            "Close it: chmod -R go= on the records folder, and treat its keys as seen by others."
        }
        StoreFault::HardLink => {
            "A record has a second name somewhere; find it with `find -samefile`, and delete it."
        }
        StoreFault::TooLarge | StoreFault::Malformed { .. } => {
            "Restore the person's newest record from a backup, or remove and enroll the person again."
        }
        StoreFault::Newer { .. } => "Install the newer twinlock that wrote it.",
        StoreFault::OtherUid => {
            "The account was made anew under an old name. `twinlock remove` the old record, then enroll the new person."
        }
        StoreFault::UidOfAnother => {
            "Two accounts share this user id, or one was renamed. `twinlock list` shows whose it is; `twinlock remove` that one."
        }
        StoreFault::RecordLost => {
            "Restore the person's folder from a backup, or enroll the person again."
        }
        StoreFault::OtherName => "A record was copied into another person's folder; put it back.",
        StoreFault::NameTooLong => {
            "No file system holds a folder of that name; give the account a shorter one."
        }
        StoreFault::Io { .. } => "Look at the disk and at the kernel's log (dmesg).",
    }
}

impl From<LedgerFault> for Failure {
    fn from(fault: LedgerFault) -> Self {
        let what = format!("the ledger cannot be used ({})", fault.reason());
        let remedy = match fault {
            LedgerFault::NotMounted => {
                "Start the mount unit first: systemctl start run-twinlock.mount. Without systemd, mount a tmpfs there (mode=0700), or set `ledger_mounted = false`."
            }
            LedgerFault::NotTmpfs => {
                "Start run-twinlock.mount, or set `ledger_persistent = true` if it is meant to lie on a disk."
            }
            LedgerFault::Untrusted => {
                "Begin the ledger anew: systemctl restart run-twinlock.mount (without systemd, mount it anew), then `twinlock epoch ensure`; for a minute codes are then refused as used."
            }
            LedgerFault::Reserved => {
                "Remove what is expired: `twinlock epoch sweep`; or give the ledger more names: nr_inodes= in a drop-in of run-twinlock.mount."
            }
            LedgerFault::Io { .. } => {
                "Look at the ledger folder (df -i), and at the kernel's log (dmesg)."
            }
        };
        Self::bare(what, remedy)
    }
}

impl From<CommitFault> for Failure {
    fn from(fault: CommitFault) -> Self {
        match fault {
            CommitFault::Overtaken => Self::new(
                Exit::NotInState,
                "somebody else changed this record at the same time; nothing was changed here",
                "Look at `twinlock status`, then try again.",
            ),
            CommitFault::Store(fault) => fault.into(),
        }
    }
}

impl From<LookupFault> for Failure {
    fn from(LookupFault: LookupFault) -> Self {
        Self::bare(
            "the account could not be looked up",
            "Look at the name service (getent passwd NAME).",
        )
    }
}

impl From<MachineFault> for Failure {
    fn from(MachineFault: MachineFault) -> Self {
        Self::bare(
            "the clock or the kernel's randomness did not answer",
            "Look at the clock (date); it must stand after 1970.",
        )
    }
}
