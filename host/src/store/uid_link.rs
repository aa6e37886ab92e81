//! Symbolic links from user ids to user names, `uids/UID`. The target begins with `+` while a first enrollment is in
//! progress. A link is created before the first record of its user name.

use rustix::{
    fs::{self, AtFlags},
    io::{self, Errno},
};
use twinlock_core::base::{
    account::Folder,
    error::{CommitError, StoreError},
};

use crate::{
    store::records::{HostRecords, UIDS},
    trusted_dir::{self, TrustedDir},
};

/// In the target of a link, this character precedes the user name while a first enrollment is in progress. In the name
/// of a link, it follows the user id if the link is a temporary one. No folder name contains it.
const MARK: char = '+';

/// The target of a symbolic link `uids/UID`: the user name that last had the user id. This user need not have a record.
pub(crate) struct Link {
    /// The folder of the user name.
    pub(crate) folder: Folder,
    /// Whether the first enrollment of this user name is still in progress, or complete.
    pub(crate) phase: LinkPhase,
}

#[cfg(feature = "tools")]
impl Link {
    /// Returns whether the first record of the user name was committed, so that the user name owns the user id.
    pub(crate) fn is_held(&self) -> bool {
        self.phase == LinkPhase::Held
    }
}

/// Whether the first enrollment of a user name is still in progress, or complete.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum LinkPhase {
    /// The first enrollment is in progress. If there is no record, it may not have been written yet, so it does not
    /// count as lost.
    Begun,
    /// The first enrollment is complete. The first record was committed; if it is missing, it was lost.
    Held,
}

/// Reads the symbolic link `uids/UID`; `None` if there is none.
pub(crate) fn read(records: &HostRecords, uid: u32) -> Result<Option<Link>, StoreError> {
    let uids = records.root()?.below(UIDS, records.owner)?;
    let target = match fs::readlinkat(uids.fd(), uid.to_string(), Vec::new()) {
        Ok(target) => target,
        Err(Errno::NOENT) => return Ok(None),
        Err(errno) => return Err(trusted_dir::fault(errno).into()),
    };
    let target = target.into_string().map_err(|_| StoreError::Malformed { line: 0 })?;
    let (phase, folder) = match target.strip_prefix(MARK) {
        Some(folder) => (LinkPhase::Begun, folder),
        None => (LinkPhase::Held, target.as_str()),
    };
    let name = Folder::name_of(folder).ok_or(StoreError::Malformed { line: 0 })?;
    let folder = Folder::of(&name).map_err(|_| StoreError::NameTooLong)?;
    Ok(Some(Link { folder, phase }))
}

/// A user id that is reserved for a user name.
pub(crate) struct UidClaim<'a> {
    /// The records of this host.
    pub(crate) records: &'a HostRecords,
    /// The records folder.
    pub(crate) root: &'a TrustedDir,
    /// The folder of the user name.
    pub(crate) folder: &'a Folder,
    /// The user id to reserve or release.
    pub(crate) uid: u32,
}

impl UidClaim<'_> {
    /// Reserves the user id before the record is written, so that no record exists without a link. Returns whether the
    /// first enrollment of the user name is in progress or complete.
    pub(crate) fn begin(&self) -> Result<LinkPhase, CommitError> {
        self.take().map_err(CommitError::Store)
    }

    fn take(&self) -> Result<LinkPhase, StoreError> {
        self.root.make(UIDS, self.records.owner).map_err(trusted_dir::fault)?;
        let link = read(self.records, self.uid)?;
        match link {
            // The user name has this user id already. If its record was lost, it continues to count as lost until the
            // new record is written.
            Some(Link { folder, phase }) if folder == *self.folder => return Ok(phase),
            Some(Link { folder, .. }) if self.records.holds(&folder, self.uid)? => {
                return Err(StoreError::UidOfAnother);
            }
            Some(_) => self.unlink(&self.uid.to_string()).map_err(trusted_dir::fault)?,
            None => {}
        }
        let uids = self.root.below(UIDS, self.records.owner)?;
        let marked = format!("{MARK}{}", self.folder.as_str());
        match fs::symlinkat(marked, uids.fd(), self.uid.to_string()) {
            Ok(()) => {}
            // If two processes enroll the same user at once, both continue, and only one can commit the record.
            Err(Errno::EXIST) => return self.rival(),
            Err(errno) => return Err(trusted_dir::fault(errno).into()),
        }
        fs::fsync(uids.fd()).map_err(trusted_dir::fault)?;
        Ok(LinkPhase::Begun)
    }

    fn rival(&self) -> Result<LinkPhase, StoreError> {
        match read(self.records, self.uid)? {
            Some(link) if link.folder == *self.folder => Ok(link.phase),
            Some(_) | None => Err(StoreError::UidOfAnother),
        }
    }

    /// Removes the mark `+` from the link after the record is written. Best effort. If the mark remains, a loss of the
    /// record is not noticed until the next enrollment or change removes the mark.
    pub(crate) fn finish(&self) {
        let _ = self.replace();
    }

    /// Replaces the link by one without the mark `+`. Overwrites a temporary link that an interrupted process left.
    /// Temporary links are never read.
    fn replace(&self) -> io::Result<()> {
        let (link, aside) = (format!("{UIDS}/{}", self.uid), format!("{UIDS}/{}", self.aside()));
        self.unlink(&self.aside())?;
        fs::symlinkat(self.folder.as_str(), self.root.fd(), &aside)?;
        fs::renameat(self.root.fd(), aside, self.root.fd(), link)
    }

    /// Releases the user id of a removed user. Best effort: another user name can get the user id even if the link
    /// remains.
    pub(crate) fn let_go(&self) {
        let _ = self.unlink(&self.uid.to_string());
        let _ = self.unlink(&self.aside());
    }

    fn aside(&self) -> String {
        format!("{}{MARK}", self.uid)
    }

    fn unlink(&self, link: &str) -> io::Result<()> {
        match fs::unlinkat(self.root.fd(), format!("{UIDS}/{link}"), AtFlags::empty()) {
            Err(Errno::NOENT) => Ok(()),
            unlinked => unlinked,
        }
    }
}
