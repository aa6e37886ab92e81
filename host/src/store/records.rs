//! Records on disk: finds the newest `record.N.toml` of a user, or proves that the user has no record.

use std::borrow::Cow;

use rustix::{
    fs::{self, AtFlags, CWD},
    io::Errno,
};
use twinlock_core::{
    base::{
        account::{Account, Folder},
        decimal::Decimal,
        error::{CommitError, FileError, StoreError},
        request::SourceLabel,
        time::{Now, UnixTime},
    },
    ledger::names,
    ports::{Records, Snapshot},
    record::{Identity, Record, State, code_set_text, text as form},
};

use crate::{
    clock_mark,
    store::{
        commit, store_id,
        uid_link::{self, LinkPhase},
        uniform_reads,
    },
    trusted_dir::{self, Owner, TrustedDir},
};

/// The folder that contains one folder per user.
pub const USERS: &str = "users";
/// The folder of symbolic links from user ids to user names.
pub const UIDS: &str = "uids";
/// Prefix of the name that counts a user's consecutive failures. The number follows the prefix.
pub(crate) const FAILED: &str = "failed.";
/// Maximum number of known sources (client addresses or terminals) of a user. If there is one more, it replaces the
/// oldest.
const KNOWN_MAX: usize = 64;
/// Number of attempts to read a record while other processes replace it. After the last one, reading fails.
const ROUNDS: usize = 8;

/// The folder of all records.
#[derive(Debug)]
pub struct HostRecords {
    pub(crate) path: Cow<'static, str>,
    pub(crate) store_id_copy: String,
    pub(crate) owner: Owner,
}

/// The names in a user's folder, by kind.
#[derive(Debug, Default)]
pub(crate) struct FolderListing {
    pub(crate) sequences: Vec<u64>,
    /// Temporary files of changes that are in progress or were interrupted.
    pub(crate) temporary: Vec<String>,
    /// Names of code sets and of spent codes.
    pub(crate) of_sets: Vec<String>,
    known: Vec<SourceLabel>,
    failures: u32,
    /// Failure counts that are lower than the current one. Processes that counted at the same time have left them.
    outdated: Vec<u32>,
}

impl HostRecords {
    /// Returns the records in the folder `path`; nothing is opened yet. `store_id_copy` is the path of the copy of the
    /// store-id (the random id that ties the records to the settings) next to the settings.
    #[must_use]
    pub fn new(path: impl Into<Cow<'static, str>>, store_id_copy: &str, owner: Owner) -> Self {
        Self { path: path.into(), store_id_copy: store_id_copy.into(), owner }
    }

    /// Returns the newest record in a folder, without checking which user it belongs to; `None` if the folder is
    /// missing or has no record.
    ///
    /// # Errors
    /// [`StoreError`] if the folder or the record cannot be trusted or read.
    pub fn newest_in(&self, folder: &Folder) -> Result<Option<Snapshot>, StoreError> {
        Ok(self.look_in(folder)?.0)
    }

    fn look_in(&self, folder: &Folder) -> Result<(Option<Snapshot>, FolderContent), StoreError> {
        for _ in 0..ROUNDS {
            let dir = match self.open(folder) {
                Err(fault) if trusted_dir::is_absent(fault) => {
                    return Ok((None, FolderContent::Nothing));
                }
                opened => opened?,
            };
            match newest_of(&dir, self.owner)? {
                Newest::Read(snapshot) => {
                    let left = FolderContent::of(&snapshot);
                    return Ok((Some(*snapshot), left));
                }
                Newest::Empty => return Ok((None, FolderContent::Folder)),
                Newest::Superseded => {}
            }
        }
        Err(StoreError::File(FileError::Io { errno: Errno::AGAIN.raw_os_error() }))
    }

    /// Opens a user's folder. Also checks the records folder and refuses it if other users can write to it.
    pub(crate) fn open(&self, folder: &Folder) -> Result<TrustedDir, StoreError> {
        let path = [&*self.path, "/", USERS, "/", folder.as_str()].concat();
        Ok(TrustedDir::open_in(&self.path, &path, self.owner)?)
    }

    /// Opens the records folder.
    ///
    /// # Errors
    /// [`StoreError`] if it is missing or cannot be trusted.
    pub fn root(&self) -> Result<TrustedDir, StoreError> {
        Ok(TrustedDir::open(&self.path, self.owner)?)
    }

    /// Proves that a user has no record. The store-id must show that the right records folder is mounted, no other user
    /// name may have the user id, and the user's own record must not be lost. The record of a removed user is not lost:
    /// a tombstone remains. `left` tells what remains in the user's folder.
    ///
    /// Fails if one of these conditions is not met.
    pub(crate) fn prove_absence(
        &self,
        account: &Account,
        folder: &Folder,
        left: FolderContent,
    ) -> Result<(), StoreError> {
        let root = self.root()?;
        store_id::prove(&root, &self.store_id_copy, self.owner)?;
        // This folder and the folder of user ids are created together with the store-id. If one of them is missing, the
        // records are damaged.
        root.below(USERS, self.owner)?;
        let Some(link) = uid_link::read(self, account.uid)? else { return Ok(()) };
        if link.folder == *folder {
            return match (link.phase, left) {
                // The user's folder is created before the link, so a link without a folder means that the record was
                // lost.
                (_, FolderContent::Tombstone) | (LinkPhase::Begun, FolderContent::Folder) => Ok(()),
                (LinkPhase::Begun, FolderContent::Nothing) | (LinkPhase::Held, _) => {
                    Err(StoreError::RecordLost)
                }
            };
        }
        let held = self.holds(&link.folder, account.uid)?;
        if held { Err(StoreError::UidOfAnother) } else { Ok(()) }
    }

    pub(crate) fn holds(&self, folder: &Folder, uid: u32) -> Result<bool, StoreError> {
        let found = self.newest_in(folder)?;
        Ok(found.is_some_and(|found| found.record.state.holds_uid() && found.record.uid == uid))
    }

    /// Returns the record that an enrollment will replace. `None` if there is no record or if it was lost, because an
    /// enrollment repairs such a loss.
    ///
    /// # Errors
    /// The errors of [`Records::newest`], except for a lost record.
    pub fn before_enrollment(&self, account: &Account) -> Result<Option<Snapshot>, StoreError> {
        match self.newest(account) {
            Err(StoreError::RecordLost) => Ok(None),
            found => found,
        }
    }
}

#[cfg(feature = "tools")]
impl HostRecords {
    /// Completes a first enrollment that was interrupted after its record was written. Best effort. Call this only if
    /// the record was found.
    pub fn finish_first(&self, account: &Account) {
        let _ = commit::finish(self, account);
    }
}

impl Records for HostRecords {
    fn newest(&self, account: &Account) -> Result<Option<Snapshot>, StoreError> {
        let folder = Folder::of(&account.name).map_err(|_| StoreError::NameTooLong)?;
        let (found, left) = self.look_in(&folder)?;
        if let Some(found) = &found {
            belongs_to(found, account)?;
        }
        if found.as_ref().is_none_or(|found| found.record.state == State::Removed) {
            self.prove_absence(account, &folder, left)?;
        }
        Ok(found)
    }

    fn newest_uniform(
        &self,
        account: Option<&Account>,
    ) -> (Result<Option<Snapshot>, StoreError>, Option<Snapshot>) {
        uniform_reads::newest(self, account)
    }

    fn note_failures(&self, folder: Option<&Folder>, before: u32, after: u32, now: UnixTime) {
        uniform_reads::note_failures(self, folder, before, after, now);
    }

    fn failed_at(&self, folder: &Folder) -> Option<UnixTime> {
        let dir = self.open(folder).ok()?;
        let number = list(&dir).ok()?.failures;
        let text = fs::readlinkat(dir.fd(), format!("{FAILED}{number}"), Vec::new()).ok()?;
        names::read_instant(text.to_str().ok()?)
    }

    fn forget_failures(&self, folder: &Folder) {
        let Ok(dir) = self.open(folder) else { return };
        let noted = dir.names().unwrap_or_default();
        for name in noted.iter().filter(|name| name.starts_with(FAILED)) {
            let _ = fs::unlinkat(dir.fd(), name.as_str(), AtFlags::empty());
        }
    }

    fn is_newest(&self, folder: &Folder, snapshot: &Snapshot) -> Result<bool, StoreError> {
        // The successor is looked up first. If then the old record exists and its successor does not, the old record
        // was the newest.
        let next = snapshot.sequence.checked_add(1).ok_or(StoreError::File(FileError::TooLarge))?;
        let superseded = self.identity_of(folder, next)?.is_some();
        Ok(!superseded && self.identity_of(folder, snapshot.sequence)? == Some(snapshot.identity))
    }

    fn commit(&self, folder: &Folder, after: u64, record: &Record) -> Result<(), CommitError> {
        commit::commit(self, folder, after, record)
    }

    fn remember_source(&self, folder: &Folder, source: &SourceLabel, now: UnixTime) {
        let Ok(dir) = self.open(folder) else { return };
        let Ok(listing) = list(&dir) else { return };
        if listing.known.len() >= KNOWN_MAX
            && let Some(oldest) = oldest(&dir, &listing.known)
        {
            let _ = fs::unlinkat(dir.fd(), known_name(oldest), AtFlags::empty());
        }
        let _ = dir.link(&known_name(source), &names::instant(now));
    }

    fn mark_clock(&self, now: Now) {
        clock_mark::advance(&self.path, now);
    }
}

impl HostRecords {
    fn identity_of(&self, folder: &Folder, sequence: u64) -> Result<Option<Identity>, StoreError> {
        let name = record_name(sequence);
        let path = [&*self.path, "/", USERS, "/", folder.as_str(), "/", &name].concat();
        match fs::statat(CWD, path.as_str(), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(trusted_dir::identity(&stat))),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(trusted_dir::fault(errno).into()),
        }
    }
}

/// Checks that the record has the name and the user id of the account for which it is stored. The user id of a
/// tombstone is not checked, because another user may have it by now.
pub(crate) fn belongs_to(found: &Snapshot, account: &Account) -> Result<(), StoreError> {
    if found.record.user != account.name {
        return Err(StoreError::OtherName);
    }
    if found.record.state.holds_uid() && found.record.uid != account.uid {
        return Err(StoreError::OtherUid);
    }
    Ok(())
}

fn parsed(
    bytes: Vec<u8>,
    identity: Identity,
    sequence: u64,
    listing: FolderListing,
) -> Result<Snapshot, StoreError> {
    // The bytes are wrapped before anything can fail, so that they are wiped in every case.
    let bytes = zeroize::Zeroizing::new(bytes);
    let text = std::str::from_utf8(&bytes).map_err(|_| StoreError::Malformed { line: 0 })?;
    Ok(Snapshot {
        sequence,
        identity,
        record: form::read(text)?,
        known: listing.known,
        failures: listing.failures,
    })
}

/// What remains in the folder of a user. It is the evidence that the user has no record.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum FolderContent {
    /// The user has no folder.
    Nothing,
    /// The user has a folder without a tombstone.
    Folder,
    /// The user has a folder with a tombstone, which marks a removed user.
    Tombstone,
}

impl FolderContent {
    /// Returns what remains of a record that was found: a tombstone, or a folder without a tombstone.
    pub(crate) fn of(found: &Snapshot) -> Self {
        if found.record.state == State::Removed { Self::Tombstone } else { Self::Folder }
    }
}

/// The newest record, by one listing of a user's folder.
pub(crate) enum Newest {
    Read(Box<Snapshot>),
    Empty,
    /// The record was replaced and removed between listing and reading, so the folder must be listed again.
    Superseded,
}

/// Reads the newest record in an open folder. Removes outdated failure counts.
pub(crate) fn newest_of(dir: &TrustedDir, owner: Owner) -> Result<Newest, StoreError> {
    let listing = list(dir)?;
    for number in listing.outdated.iter().filter(|number| **number < listing.failures) {
        let _ = fs::unlinkat(dir.fd(), format!("{FAILED}{number}"), AtFlags::empty());
    }
    let Some(sequence) = listing.sequences.iter().max().copied() else {
        return Ok(Newest::Empty);
    };
    match dir.read_known(&record_name(sequence), owner, form::RECORD_MAX) {
        Ok((bytes, identity)) => {
            Ok(Newest::Read(Box::new(parsed(bytes, identity, sequence, listing)?)))
        }
        Err(fault) if trusted_dir::is_absent(fault) => Ok(Newest::Superseded),
        Err(fault) => Err(fault.into()),
    }
}

/// Sorts the names in a user's folder by kind. Fails if a name begins like that of a record but is not valid.
pub(crate) fn list(dir: &TrustedDir) -> Result<FolderListing, StoreError> {
    let mut listing = FolderListing::default();
    for name in dir.names().map_err(trusted_dir::fault)? {
        if let Some(source) = name.strip_prefix("known.") {
            listing.known.extend(SourceLabel::read(source));
        } else if let Some(failures) = name.strip_prefix(FAILED) {
            // An invalid number counts as 0. This does not clear the user's failures, because the ledger counts them as
            // well.
            let failures = failures.parse().unwrap_or_default();
            listing.outdated.push(listing.failures.min(failures));
            listing.failures = listing.failures.max(failures);
        } else if name.starts_with("tmp.") {
            listing.temporary.push(name);
        } else if code_set_text::set_of(&name).is_some() {
            listing.of_sets.push(name);
        } else if let Some(number) = name.strip_prefix("record.") {
            let number = number.strip_suffix(".toml").and_then(|number| number.parse().ok());
            // A damaged name may be that of the newest record. Without its number, the newest record is not known.
            listing.sequences.push(number.ok_or(StoreError::Malformed { line: 0 })?);
        }
    }
    Ok(listing)
}

pub(crate) fn record_name(sequence: u64) -> String {
    ["record.", Decimal::of(sequence).as_str(), ".toml"].concat()
}

fn known_name(source: &SourceLabel) -> String {
    ["known.", source.as_str()].concat()
}

fn oldest<'a>(dir: &TrustedDir, known: &'a [SourceLabel]) -> Option<&'a SourceLabel> {
    known.iter().min_by_key(|source| {
        let text = fs::readlinkat(dir.fd(), known_name(source), Vec::new()).ok();
        text.and_then(|text| names::read_instant(text.to_str().ok()?))
    })
}
