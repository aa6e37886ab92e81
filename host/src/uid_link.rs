//! Whose a user id is: a symbolic link for each, made before the first record of its name and marked until that stands.

use rustix::{
    fs::{self, AtFlags},
    io::{self, Errno},
};
use twinlock_core::{
    account::Folder,
    fault::{CommitFault, StoreFault},
};

use crate::{
    place::{self, Room},
    records::{HostRecords, UIDS},
};

/// Before the name; no folder's name has it. Behind the number it marks the link that is to replace another.
const MARK: char = '+';

/// Who a user id was last given to, whatever has become of the record.
pub(crate) struct Link {
    /// The folder of the name.
    pub(crate) folder: Folder,
    /// How far that name has come.
    pub(crate) phase: Phase,
}

#[cfg(feature = "tools")]
impl Link {
    /// Whether the first record of the name stood.
    pub(crate) fn is_held(&self) -> bool {
        self.phase == Phase::Held
    }
}

/// How far a name has come to hold a user id.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Its first record was on the way, and is not known to have got there: without one, nothing was lost.
    Begun,
    /// Its first record stood.
    Held,
}

/// Reads the link of a user id; nothing where it was given to nobody.
pub(crate) fn read(records: &HostRecords, uid: u32) -> Result<Option<Link>, StoreFault> {
    let uids = records.root()?.below(UIDS, records.owner)?;
    let target = match fs::readlinkat(uids.fd(), uid.to_string(), Vec::new()) {
        Ok(target) => target,
        Err(Errno::NOENT) => return Ok(None),
        Err(errno) => return Err(place::fault(errno)),
    };
    let target = target.into_string().map_err(|_| StoreFault::Malformed { line: 0 })?;
    let (phase, folder) = match target.strip_prefix(MARK) {
        Some(folder) => (Phase::Begun, folder),
        None => (Phase::Held, target.as_str()),
    };
    let name = Folder::name_of(folder).ok_or(StoreFault::Malformed { line: 0 })?;
    let folder = Folder::of(&name).map_err(|_| StoreFault::NameTooLong)?;
    Ok(Some(Link { folder, phase }))
}

/// A name on its way to a user id.
pub(crate) struct Claim<'a> {
    /// Where the records are.
    pub(crate) records: &'a HostRecords,
    /// Their folder.
    pub(crate) root: &'a Room,
    /// What the person's folder is called.
    pub(crate) folder: &'a Folder,
    /// The user id.
    pub(crate) uid: u32,
}

impl Claim<'_> {
    /// Takes the user id, before the record stands, so that no instant has a record without a link.
    pub(crate) fn begin(&self) -> Result<Phase, CommitFault> {
        self.take().map_err(CommitFault::Store)
    }

    fn take(&self) -> Result<Phase, StoreFault> {
        self.root.make(UIDS, self.records.owner).map_err(place::fault)?;
        let link = read(self.records, self.uid)?;
        match link {
            // A lost record is made good by the one that follows, and stays lost until that stands.
            Some(Link { folder, phase }) if folder == *self.folder => return Ok(phase),
            Some(Link { folder, .. }) if self.records.holds(&folder, self.uid)? => {
                return Err(StoreFault::UidOfAnother);
            }
            Some(_) => self.unlink(&self.uid.to_string()).map_err(place::fault)?,
            None => {}
        }
        let uids = self.root.below(UIDS, self.records.owner)?;
        let marked = format!("{MARK}{}", self.folder.as_str());
        match fs::symlinkat(marked, uids.fd(), self.uid.to_string()) {
            Ok(()) => {}
            // Of two who enrol the same person at one instant the record decides.
            Err(Errno::EXIST) => return self.rival(),
            Err(errno) => return Err(place::fault(errno)),
        }
        fs::fsync(uids.fd()).map_err(place::fault)?;
        Ok(Phase::Begun)
    }

    fn rival(&self) -> Result<Phase, StoreFault> {
        match read(self.records, self.uid)? {
            Some(link) if link.folder == *self.folder => Ok(link.phase),
            Some(_) | None => Err(StoreFault::UidOfAnother),
        }
    }

    /// Takes the mark away, behind a record that stands. Best effort: it costs no more than that a loss of the record
    /// would not be noticed, and whoever enrols or changes something next tries again.
    pub(crate) fn finish(&self) {
        let _ = self.replace();
    }

    /// What a cut leaves beside the link is replaced by the next one, and named by nobody.
    fn replace(&self) -> io::Result<()> {
        let (link, aside) = (format!("{UIDS}/{}", self.uid), format!("{UIDS}/{}", self.aside()));
        self.unlink(&self.aside())?;
        fs::symlinkat(self.folder.as_str(), self.root.fd(), &aside)?;
        fs::renameat(self.root.fd(), aside, self.root.fd(), link)
    }

    /// Lets go of the user id. Best effort: a link to somebody who is removed holds nothing.
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
