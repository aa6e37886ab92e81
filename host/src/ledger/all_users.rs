//! Visits the ledger folders of all users, and measures what share of the ledger's names and space is used.

use rustix::{
    fs::{self, AtFlags},
    io::Errno,
};
use twinlock_core::{
    base::{
        account::Folder,
        error::{LedgerError, MachineError},
    },
    ports::{Entropy, UserLedger},
};

use crate::{
    entropy::KernelEntropy,
    ledger::{HostLedger, HostUserLedger, io, of_folder},
};

/// The folder that contains one folder for each account.
const USERS: &str = "users";
/// The two folders that contain the users' folders: one for accounts, one for user names without an account.
const GROUPS: [&str; 2] = [USERS, "unknown"];
/// Maximum number of folders: as many as the ledger can hold.
const FOLDERS_MAX: usize = 131_072;

/// Used share of the ledger, 0 to 100 percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fill {
    /// Used share of the names (inodes) in percent; 0 if the file system does not limit them.
    pub names: u64,
    /// Used share of the space (blocks) in percent; 0 if the file system does not limit it.
    pub space: u64,
}

impl HostLedger {
    /// Calls `visit` with the folder of each user. The first argument of `visit` names the account. It is `None` for
    /// one of the 256 folders that user names without an account share. A folder that cannot be opened is skipped: the
    /// next login of its user reports the error.
    ///
    /// # Errors
    /// [`LedgerError`] if the ledger cannot be trusted.
    pub fn visit(
        &self,
        visit: &mut dyn FnMut(Option<&Folder>, &dyn UserLedger),
    ) -> Result<(), LedgerError> {
        let root = self.root()?;
        for called in GROUPS {
            let group = match root.below(called, self.owner) {
                Ok(group) => group,
                Err(fault) if crate::trusted_dir::is_absent(fault) => continue,
                Err(fault) => return Err(of_folder(fault)),
            };
            for name in group.names_up_to(FOLDERS_MAX).map_err(io)? {
                let user = Folder::name_of(&name).filter(|_| called == USERS);
                let folder = user.and_then(|user| Folder::of(&user).ok());
                if let Ok(dir) = group.below(&name, self.owner) {
                    visit(folder.as_ref(), &HostUserLedger { dir, is_of_all: false });
                }
            }
        }
        Ok(())
    }

    /// Creates a name in the ledger and removes it, to prove that a login could write to the ledger.
    ///
    /// # Errors
    /// [`LedgerError`] if the name cannot be created or removed.
    pub fn try_writing(&self) -> Result<(), LedgerError> {
        let root = self.root()?;
        let mut nonce = [0; 8];
        KernelEntropy.fill(&mut nonce).map_err(|MachineError| io(Errno::IO))?;
        // If this process is killed before it removes the name, the process that begins the next epoch removes it.
        let name = format!("epoch.{:016x}", u64::from_ne_bytes(nonce));
        root.link(&name, "doctor").map_err(io)?;
        fs::unlinkat(root.fd(), &name, AtFlags::empty()).map_err(io)
    }

    /// Returns how full the ledger is.
    ///
    /// # Errors
    /// [`LedgerError`] if the ledger cannot be trusted or the file system does not answer.
    pub fn fill(&self) -> Result<Fill, LedgerError> {
        let stat = fs::fstatfs(self.root()?.fd()).map_err(io)?;
        Ok(Fill {
            names: percent(stat.f_files, stat.f_ffree),
            space: percent(stat.f_blocks, stat.f_bavail),
        })
    }
}

fn percent(all: u64, free: u64) -> u64 {
    all.saturating_sub(free).saturating_mul(100).checked_div(all).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_bounded_is_not_full() {
        assert_eq!(percent(0, 0), 0);
        assert_eq!(percent(131_072, 65_536), 50);
        assert_eq!(percent(10, 11), 0);
        assert_eq!(percent(u64::MAX, 0), 1);
    }
}
