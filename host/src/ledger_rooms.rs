//! All folders of the ledger, one after the other, and how full it is.

use rustix::{
    fs::{self, AtFlags},
    io::Errno,
};
use twinlock_core::{
    account::Folder,
    fault::{LedgerFault, MachineFault},
    ports::{Entropy, Shelf},
};

use crate::{
    entropy::KernelEntropy,
    ledger::{HostLedger, HostShelf, io, store},
};

/// The folder that accounts' folders lie in.
const USERS: &str = "users";
/// The folders that all folders lie in.
const GROUPS: [&str; 2] = [USERS, "unknown"];
/// People in one ledger, at most: all that it holds.
const FOLDERS_MAX: usize = 131_072;

/// How much of something is taken, in percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fill {
    /// Of its names; 0 where the file system does not bound them.
    pub names: u64,
    /// Of its space.
    pub space: u64,
}

impl HostLedger {
    /// Visits each user's names, with the folder name of an account's. A folder that cannot be opened is passed over: the
    /// next login of its user says why.
    ///
    /// # Errors
    /// [`LedgerFault`] where the ledger is not what it must be.
    pub fn visit(
        &self,
        visit: &mut dyn FnMut(Option<&Folder>, &dyn Shelf),
    ) -> Result<(), LedgerFault> {
        let root = self.root()?;
        for called in GROUPS {
            let group = match root.below(called, self.owner) {
                Ok(group) => group,
                Err(fault) if crate::place::is_absent(fault) => continue,
                Err(fault) => return Err(store(fault)),
            };
            for name in group.names_up_to(FOLDERS_MAX).map_err(io)? {
                let user = Folder::name_of(&name).filter(|_| called == USERS);
                let folder = user.and_then(|user| Folder::of(&user).ok());
                if let Ok(room) = group.below(&name, self.owner) {
                    visit(folder.as_ref(), &HostShelf { room });
                }
            }
        }
        Ok(())
    }

    /// Makes a name and removes it again, as a login does.
    ///
    /// # Errors
    /// [`LedgerFault`] when no login can.
    pub fn try_writing(&self) -> Result<(), LedgerFault> {
        let root = self.root()?;
        let mut nonce = [0; 8];
        KernelEntropy.fill(&mut nonce).map_err(|MachineFault| io(Errno::IO))?;
        // Whatever is left of it by a process that is killed goes with the next new epoch.
        let name = format!("epoch.{:016x}", u64::from_ne_bytes(nonce));
        root.link(&name, "doctor").map_err(io)?;
        fs::unlinkat(root.fd(), &name, AtFlags::empty()).map_err(io)
    }

    /// How full the ledger is.
    ///
    /// # Errors
    /// [`LedgerFault`] when that cannot be said.
    pub fn fill(&self) -> Result<Fill, LedgerFault> {
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
