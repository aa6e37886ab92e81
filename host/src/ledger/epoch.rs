//! The ledger's epoch: the time from which the ledger knows the used codes. The epoch is stored as one symbolic link.
//! The first process that uses the ledger after a boot creates the link, and a later epoch replaces the link
//! atomically.

use rustix::{
    fs::{self, AtFlags, CWD, Mode, OFlags, RenameFlags},
    io::Errno,
};
use twinlock_core::{
    base::{
        error::{LedgerError, MachineError},
        time::{Now, UnixTime},
    },
    ledger::{Epoch, Horizon, epoch, epoch_text},
    policy::LedgerKind,
    ports::Entropy,
};

use crate::ledger::{HostLedger, io, layout::EPOCH, text_of};
use crate::{clock_mark, entropy::KernelEntropy, trusted_dir::TrustedDir};

/// Number of times that this process tries to create a temporary link while other processes remove it.
const ROUNDS: usize = 8;
/// The file in which the kernel shows the boot id.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

impl HostLedger {
    /// Returns when the ledger began, as it is stored; `None` if it is not stored or its text is damaged.
    ///
    /// # Errors
    /// [`LedgerError`] if the ledger cannot be trusted or read.
    pub fn epoch(&self) -> Result<Option<Epoch>, LedgerError> {
        let root = self.root()?;
        Ok(text_of(root.fd(), EPOCH)?.and_then(|text| epoch_text::read(&text)))
    }

    /// Returns whether the ledger began in the current boot; `false` if the boot id cannot be read.
    #[must_use]
    pub fn is_of_this_boot(&self, epoch: &Epoch) -> bool {
        self.this_boot().is_ok_and(|boot_id| boot_id == epoch.boot_id)
    }

    /// Stores the current time as the one from which the ledger knows all used codes, and returns it in seconds. Codes
    /// of earlier times then count as used.
    ///
    /// # Errors
    /// [`LedgerError`] if the time cannot be written.
    pub fn begin_epoch(&self, now: Now) -> Result<UnixTime, LedgerError> {
        self.begin_anew(now).map(|horizon| horizon.floor)
    }

    /// Begins the first epoch of the ledger: stores the current time as the one from which the ledger knows all used
    /// codes. If another process has just done so, returns what that process stored.
    pub(super) fn begin_first(&self, now: Now) -> Result<Horizon, LedgerError> {
        let epoch = self.new_epoch(now)?;
        match self.root()?.link(EPOCH, &epoch_text::write(&epoch)) {
            Ok(()) => of_new(epoch, now),
            // If another login has just begun the epoch that exists, it is kept. If it is unusable, it is replaced.
            Err(Errno::EXIST) => match self.of_standing(now)? {
                Some(horizon) => Ok(horizon),
                None => self.begin_anew(now),
            },
            Err(errno) => Err(io(errno)),
        }
    }

    fn begin_anew(&self, now: Now) -> Result<Horizon, LedgerError> {
        let epoch = self.new_epoch(now)?;
        replace(self.root()?, &epoch_text::write(&epoch))?;
        of_new(epoch, now)
    }

    /// Returns the times for which the ledger does not know the used codes, according to the stored beginning of the
    /// ledger. Returns `None` if no beginning is stored, if its text is damaged, or if it is from another boot.
    pub(super) fn of_standing(&self, now: Now) -> Result<Option<Horizon>, LedgerError> {
        let text = text_of(CWD, &[&*self.path, "/", EPOCH].concat())?;
        let Some(known) = text.and_then(|text| epoch_text::read(&text)) else { return Ok(None) };
        match self.kind {
            // A tmpfs always belongs to the current boot, because a reboot empties it.
            LedgerKind::Tmpfs => {
                let boot_id = known.boot_id.clone();
                Ok(epoch::horizon(known, &boot_id, now))
            }
            LedgerKind::Persistent => Ok(epoch::horizon(known, &self.this_boot()?, now)),
        }
    }

    fn new_epoch(&self, now: Now) -> Result<Epoch, LedgerError> {
        let known = clock_mark::read(&self.records).map_err(io)?;
        let (mark, ahead) =
            known.map_or((None, Vec::new()), |known| (Some(known.mark.at), known.ahead));
        let mark = epoch::mark_from(mark);
        Ok(Epoch { boot_id: self.this_boot()?, begun: now.boot, mark, ahead })
    }

    pub(super) fn this_boot(&self) -> Result<String, LedgerError> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let fd = fs::openat(CWD, BOOT_ID, flags, Mode::empty()).map_err(io)?;
        let mut buffer = [0; 64];
        let length = rustix::io::read(&fd, &mut buffer).map_err(io)?;
        let text = str::from_utf8(buffer.get(..length).unwrap_or_default());
        Ok(epoch_text::boot_id(text.unwrap_or_default()))
    }
}

/// Atomically replaces the stored beginning of the ledger.
fn replace(root: &TrustedDir, text: &str) -> Result<(), LedgerError> {
    for _ in 0..ROUNDS {
        match replace_once(root, text) {
            Err(LedgerError::Io { errno }) if errno == Errno::NOENT.raw_os_error() => {}
            done => return done,
        }
    }
    Err(io(Errno::AGAIN))
}

fn replace_once(root: &TrustedDir, text: &str) -> Result<(), LedgerError> {
    let mut nonce = [0; 8];
    KernelEntropy.fill(&mut nonce).map_err(|MachineError| LedgerError::Io { errno: 0 })?;
    let temporary = format!("epoch.{:016x}", u64::from_ne_bytes(nonce));
    root.link(&temporary, text).map_err(io)?;
    let placed = fs::renameat_with(root.fd(), &temporary, root.fd(), EPOCH, RenameFlags::empty());
    if placed.is_err() {
        let _ = fs::unlinkat(root.fd(), &temporary, AtFlags::empty());
    }
    placed.map_err(io)?;
    // Temporary links of interrupted processes are removed. If a process is still running, it creates its link once
    // more.
    for cut_off in root.names().unwrap_or_default() {
        if cut_off.starts_with("epoch.") {
            let _ = fs::unlinkat(root.fd(), &cut_off, AtFlags::empty());
        }
    }
    Ok(())
}

fn of_new(epoch: Epoch, now: Now) -> Result<Horizon, LedgerError> {
    let boot_id = epoch.boot_id.clone();
    epoch::horizon(epoch, &boot_id, now).ok_or(LedgerError::Untrusted)
}
