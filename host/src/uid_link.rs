//! Whose a user id is: a symbolic link for each, made before the first record of its name stands.

use rustix::{
    fs::{self, AtFlags},
    io::Errno,
};
use twinlock_core::{
    account::Folder,
    fault::{CommitFault, StoreFault},
};

use crate::{
    place::{self, Room},
    records::{HostRecords, UIDS},
};

/// Who a user id was last given to, whatever has become of the record.
pub(crate) fn linked_to(records: &HostRecords, uid: u32) -> Result<Option<Folder>, StoreFault> {
    target(records, &uid.to_string())
}

/// Whether the first record of that name was on the way, and is not known to have got there: without a record nothing
/// was lost.
pub(crate) fn is_begun(
    records: &HostRecords,
    uid: u32,
    folder: &Folder,
) -> Result<bool, StoreFault> {
    Ok(target(records, &mark(uid))?.is_some_and(|begun| begun == *folder))
}

fn target(records: &HostRecords, link: &str) -> Result<Option<Folder>, StoreFault> {
    let uids = records.root()?.below(UIDS, records.owner)?;
    let target = match fs::readlinkat(uids.fd(), link, Vec::new()) {
        Ok(target) => target,
        Err(Errno::NOENT) => return Ok(None),
        Err(errno) => return Err(place::fault(errno)),
    };
    let target = target.into_string().map_err(|_| StoreFault::Malformed { line: 0 })?;
    let name = Folder::name_of(&target).ok_or(StoreFault::Malformed { line: 0 })?;
    Folder::of(&name).map(Some).map_err(|_| StoreFault::NameTooLong)
}

fn mark(uid: u32) -> String {
    format!("{uid}+")
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
    pub(crate) fn begin(&self) -> Result<(), CommitFault> {
        self.take().map_err(CommitFault::Store)
    }

    fn take(&self) -> Result<(), StoreFault> {
        self.root.make(UIDS, self.records.owner).map_err(place::fault)?;
        match self.records.holder_of(self.uid)? {
            Some(holder) if holder == *self.folder => return Ok(()),
            Some(_) => return Err(StoreFault::UidOfAnother),
            None => {}
        }
        // A lost record is made good by the one that follows, and stays lost until that stands.
        if linked_to(self.records, self.uid)?.is_some_and(|linked| linked == *self.folder) {
            return Ok(());
        }
        let uids = self.root.below(UIDS, self.records.owner)?;
        self.point(&uids, &mark(self.uid))?;
        fs::fsync(uids.fd()).map_err(place::fault)?;
        self.point(&uids, &self.uid.to_string())?;
        fs::fsync(uids.fd()).map_err(place::fault)
    }

    fn point(&self, uids: &Room, link: &str) -> Result<(), StoreFault> {
        match fs::unlinkat(uids.fd(), link, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(errno) => return Err(place::fault(errno)),
        }
        match fs::symlinkat(self.folder.as_str(), uids.fd(), link) {
            Ok(()) => Ok(()),
            // Of two who enrol the same person at one instant the record decides.
            Err(Errno::EXIST) if self.is_ours(link)? => Ok(()),
            Err(Errno::EXIST) => Err(StoreFault::UidOfAnother),
            Err(errno) => Err(place::fault(errno)),
        }
    }

    fn is_ours(&self, link: &str) -> Result<bool, StoreFault> {
        Ok(target(self.records, link)?.is_none_or(|target| target == *self.folder))
    }

    /// Takes the mark away, behind a record that stands.
    pub(crate) fn finish(&self) {
        finish(self.root, self.uid);
    }

    /// Lets go of the user id. Best effort: a link to somebody who is removed holds nothing.
    pub(crate) fn let_go(&self) {
        finish(self.root, self.uid);
        unlink(self.root, &self.uid.to_string());
    }
}

/// Takes the mark of a user id away whose record stands. Best effort: it costs no more than that a loss of the record
/// would not be noticed, and whoever enrols or changes something next tries again.
pub(crate) fn finish(root: &Room, uid: u32) {
    unlink(root, &mark(uid));
}

fn unlink(root: &Room, link: &str) {
    let _ = fs::unlinkat(root.fd(), format!("{UIDS}/{link}"), AtFlags::empty());
}
