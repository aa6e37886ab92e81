//! The ledger on its tmpfs. Each entry is a symbolic link. Only one process can create the name of the link, and the
//! target of the link is the text of the entry.

use std::{borrow::Cow, cell::OnceCell, os::fd::BorrowedFd};

use rustix::{
    fs::{self, AtFlags, CWD, Mode},
    io::Errno,
};
use twinlock_core::{
    base::{
        error::{FileError, LedgerError},
        time::Now,
    },
    ledger::{Capacity, Horizon, reserve},
    policy::{LedgerKind, Places},
    ports::{Creation, Ledger, LedgerKey, UserLedger},
};

use crate::{
    ledger::mount,
    trusted_dir::{self, Owner, TrustedDir},
};

/// `TMPFS_MAGIC` of linux/magic.h.
const TMPFS: i64 = 0x0102_1994;
/// Maximum number of names that are read from one folder. The ledger cannot contain more.
const NAMES_MAX: usize = 131_072;
/// Maximum length in bytes of a link's text. The texts of the ledger have fewer than 128.
const TEXT_MAX: usize = 256;

/// The ledger folder of this host. It is opened at its first use.
#[derive(Debug)]
pub struct HostLedger {
    pub(super) path: Cow<'static, str>,
    pub(super) kind: LedgerKind,
    is_mounted: bool,
    pub(crate) owner: Owner,
    pub(super) records: Cow<'static, str>,
    root: OnceCell<TrustedDir>,
    called_by_root: bool,
}

impl HostLedger {
    /// Returns the ledger in the folder that the settings name. The clock mark is in the records folder, so `places`
    /// names both.
    #[must_use]
    pub fn new(places: &Places, owner: Owner) -> Self {
        Self {
            path: places.ledger.clone(),
            kind: places.ledger_kind,
            is_mounted: places.ledger_mounted,
            owner,
            records: places.records.clone(),
            root: OnceCell::new(),
            called_by_root: false,
        }
    }

    /// Declares that root called this process. New links then do not need a change of their group, which saves a system
    /// call. A wrong declaration does no harm, because the group of a link is never checked.
    pub fn set_called_by_root(&mut self) {
        self.called_by_root = true;
    }

    fn user_ledger(&self, dir: TrustedDir, is_of_all: bool) -> Box<dyn UserLedger + '_> {
        if self.called_by_root {
            // The folder was just opened, so this value is not yet set.
            let _ = dir.foreign_group.set(false);
        }
        Box::new(HostUserLedger { dir, is_of_all })
    }

    pub(crate) fn root(&self) -> Result<&TrustedDir, LedgerError> {
        if let Some(root) = self.root.get() {
            return Ok(root);
        }
        let dir = self.open_root()?;
        self.lies_right(&dir)?;
        Ok(self.root.get_or_init(|| dir))
    }

    fn lies_right(&self, dir: &TrustedDir) -> Result<(), LedgerError> {
        let on_tmpfs = fs::fstatfs(dir.fd()).map_err(io)?.f_type == TMPFS;
        let right = on_tmpfs || self.kind == LedgerKind::Persistent;
        right.then_some(()).ok_or(LedgerError::NotTmpfs)
    }

    fn open_root(&self) -> Result<TrustedDir, LedgerError> {
        if self.is_mounted {
            return mount::open(&self.path, self.owner);
        }
        match TrustedDir::open(&self.path, self.owner) {
            Err(fault) if trusted_dir::is_absent(fault) => {
                trusted_dir::make_folder(CWD, &self.path, self.owner).map_err(io)?;
                TrustedDir::open(&self.path, self.owner).map_err(of_folder)
            }
            opened => opened.map_err(of_folder),
        }
    }

    /// Returns whether a user has a folder in the ledger, without creating one.
    #[must_use]
    pub fn has(&self, ledger_key: &LedgerKey) -> bool {
        let (group, name) = place_of(ledger_key);
        let path = [&*self.path, "/", group, "/", &name].concat();
        fs::statat(CWD, path.as_str(), AtFlags::SYMLINK_NOFOLLOW).is_ok()
    }

    /// Empties the folder that the mount of the ledger hides. This folder may contain names from a time without the
    /// mount.
    ///
    /// # Errors
    /// [`LedgerError`] if a name remains.
    #[cfg(feature = "tools")]
    pub(crate) fn empty_below(&self) -> Result<(), LedgerError> {
        crate::ledger::below_mount::empty(&self.path, self.owner).map_err(io)
    }

    /// Creates the 256 folders that user names without an account share.
    ///
    /// # Errors
    /// [`LedgerError`] if a folder cannot be created.
    pub fn make_buckets(&self) -> Result<(), LedgerError> {
        (0..=u8::MAX)
            .try_for_each(|bucket| self.open_ledger_key(&LedgerKey::Bucket(bucket)).map(drop))
    }

    fn open_ledger_key(&self, ledger_key: &LedgerKey) -> Result<TrustedDir, LedgerError> {
        let (group, name) = place_of(ledger_key);
        let path = [&*self.path, "/", group, "/", &name].concat();
        let opened = if self.is_mounted {
            mount::check(&self.path, self.owner)?;
            TrustedDir::open(&path, self.owner)
        } else {
            TrustedDir::open_in(&self.path, &path, self.owner)
        };
        match opened {
            Err(fault) if trusted_dir::is_absent(fault) => {
                let root = self.root()?;
                root.make(group, self.owner).map_err(io)?;
                let group = root.below(group, self.owner).map_err(of_folder)?;
                group.make(&name, self.owner).map_err(io)?;
                group.below(&name, self.owner).map_err(of_folder)
            }
            Err(fault) => Err(of_folder(fault)),
            Ok(dir) => self.lies_right(&dir).map(|()| dir),
        }
    }
}

fn place_of(ledger_key: &LedgerKey) -> (&'static str, String) {
    match ledger_key {
        LedgerKey::Account(folder) => ("users", folder.as_str().to_owned()),
        LedgerKey::Bucket(bucket) => ("unknown", format!("{bucket:02x}")),
    }
}

impl Ledger for HostLedger {
    fn open(&self, ledger_key: &LedgerKey) -> Result<Box<dyn UserLedger + '_>, LedgerError> {
        Ok(self.user_ledger(self.open_ledger_key(ledger_key)?, false))
    }

    fn open_uniform(
        &self,
        ledger_key: &LedgerKey,
    ) -> Result<Box<dyn UserLedger + '_>, LedgerError> {
        let root = self.root()?;
        // While the ledger is nearly full, no attempt is charged to a user, and no folder is created, because a folder
        // would need a name.
        let is_of_all = reserve::has_begun(self.capacity()?);
        let ledger_key = if is_of_all { &LedgerKey::Bucket(0) } else { ledger_key };
        let (group, name) = place_of(ledger_key);
        let path = [group, "/", &name].concat();
        match fs::mkdirat(root.fd(), &path, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(Errno::NOENT) => {
                return Ok(self.user_ledger(self.open_ledger_key(ledger_key)?, is_of_all));
            }
            Err(errno) => return Err(io(errno)),
        }
        let dir = root.below(&path, self.owner).map_err(of_folder)?;
        // The mode is also set for a folder that already exists. Otherwise, one system call more would reveal that the
        // user's folder is new.
        dir.keep_private().map_err(io)?;
        Ok(self.user_ledger(dir, is_of_all))
    }

    fn capacity(&self) -> Result<Capacity, LedgerError> {
        if self.kind == LedgerKind::Persistent {
            return Ok(Capacity::UNBOUNDED);
        }
        let stat = fs::fstatfs(self.root()?.fd()).map_err(io)?;
        Ok(Capacity { names: stat.f_files, free: stat.f_ffree })
    }

    fn floor(&self, now: Now) -> Result<Horizon, LedgerError> {
        match self.of_standing(now)? {
            Some(horizon) => Ok(horizon),
            None => self.begin_first(now),
        }
    }

    fn boot_id(&self) -> Result<String, LedgerError> {
        self.this_boot()
    }
}

/// The folder with the links of one user.
pub(crate) struct HostUserLedger {
    pub(crate) dir: TrustedDir,
    /// Whether `dir` is the one folder that all users share, which is used while the ledger is nearly full.
    pub(crate) is_of_all: bool,
}

impl UserLedger for HostUserLedger {
    fn create(&self, name: &str, content: &str) -> Result<Creation, LedgerError> {
        match self.dir.link(name, content) {
            Ok(()) => Ok(Creation::Made),
            Err(Errno::EXIST) => Ok(Creation::Taken),
            Err(errno) => Err(io(errno)),
        }
    }

    fn names(&self) -> Result<Vec<String>, LedgerError> {
        self.dir.names_up_to(NAMES_MAX).map_err(io)
    }

    fn each_name(&self, visit: &mut dyn FnMut(&str)) -> Result<(), LedgerError> {
        self.dir.each_name(NAMES_MAX, visit).map_err(io)
    }

    fn content(&self, name: &str) -> Result<Option<String>, LedgerError> {
        text_of(self.dir.fd(), name)
    }

    fn erase(&self, name: &str) {
        // If the name cannot be removed, codes are refused for longer than necessary. This never grants access.
        let _ = fs::unlinkat(self.dir.fd(), name, AtFlags::empty());
    }

    fn is_of_all(&self) -> bool {
        self.is_of_all
    }
}

/// Returns the text of the link `name`; `None` if the name does not exist. If the name is not a link, or its target is
/// not UTF-8, returns an empty text, which is invalid.
pub(super) fn text_of(folder: BorrowedFd<'_>, name: &str) -> Result<Option<String>, LedgerError> {
    let mut buffer = [0_u8; TEXT_MAX];
    match fs::readlinkat_raw(folder, name, &mut buffer[..]) {
        Ok(length) => {
            let text = str::from_utf8(buffer.get(..length).unwrap_or_default());
            Ok(Some(text.unwrap_or_default().to_owned()))
        }
        Err(Errno::NOENT) => Ok(None),
        Err(Errno::INVAL) => Ok(Some(String::new())),
        Err(errno) => Err(io(errno)),
    }
}

/// Converts an errno to a ledger error.
pub(crate) fn io(errno: Errno) -> LedgerError {
    LedgerError::Io { errno: errno.raw_os_error() }
}

/// Converts the error of a folder to a ledger error.
pub(crate) fn of_folder(error: FileError) -> LedgerError {
    match error {
        FileError::Io { errno } => LedgerError::Io { errno },
        FileError::Missing => io(Errno::NOENT),
        FileError::Symlink
        | FileError::WrongKind
        | FileError::WrongOwner
        | FileError::TooOpen
        | FileError::HardLink
        | FileError::TooLarge => LedgerError::Untrusted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use twinlock_core::base::{
        account::Folder,
        time::{BootTime, UnixTime},
    };

    fn ledger(path: &std::path::Path) -> HostLedger {
        let path = path.canonicalize().unwrap();
        let owner = Owner(rustix::process::getuid().as_raw());
        let below = |name: &str| path.join(name).to_str().unwrap().to_owned().into();
        let places = Places {
            records: below("records"),
            ledger: below("ledger"),
            ledger_kind: LedgerKind::Persistent,
            ledger_mounted: false,
        };
        HostLedger::new(&places, owner)
    }

    fn at(unix: u64, seconds: u64) -> Now {
        Now { unix: UnixTime(unix), boot: BootTime(seconds * 1_000_000_000) }
    }

    #[test]
    fn a_name_is_made_once_and_keeps_its_text() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = ledger(folder.path());
        let user_ledger = ledger.open(&LedgerKey::Account(Folder::of("ada").unwrap())).unwrap();
        assert_eq!(user_ledger.create("used.x.1", "17").unwrap(), Creation::Made);
        assert_eq!(user_ledger.create("used.x.1", "18").unwrap(), Creation::Taken);
        assert_eq!(user_ledger.content("used.x.1").unwrap().as_deref(), Some("17"));
        assert_eq!(user_ledger.names().unwrap(), ["used.x.1"]);
        user_ledger.erase("used.x.1");
        assert_eq!(user_ledger.content("used.x.1").unwrap(), None);
        assert!(user_ledger.names().unwrap().is_empty());
    }

    #[test]
    fn of_many_at_one_instant_one_makes_it() {
        let folder = tempfile::tempdir().unwrap();
        let ledger_key = LedgerKey::Account(Folder::of("ada").unwrap());
        ledger(folder.path()).open(&ledger_key).unwrap();
        let made = std::thread::scope(|scope| {
            let race = || {
                ledger(folder.path()).open(&ledger_key).unwrap().create("used.x.2", "1").unwrap()
            };
            let racers: Vec<_> = (0..16).map(|_| scope.spawn(race)).collect();
            racers
                .into_iter()
                .filter_map(|racer| racer.join().ok())
                .filter(|made| *made == Creation::Made)
                .count()
        });
        assert_eq!(made, 1);
    }

    #[test]
    fn an_epoch_is_begun_once_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let first = ledger(folder.path()).floor(at(1000, 50)).unwrap().floor;
        assert_eq!(first, UnixTime(1000));
        assert_eq!(ledger(folder.path()).floor(at(1100, 150)).unwrap().floor, UnixTime(1000));
    }

    #[test]
    fn an_epoch_that_cannot_be_replaced_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = ledger(folder.path());
        ledger.root().unwrap();
        std::fs::create_dir(folder.path().join("ledger/epoch")).unwrap();
        assert!(ledger.floor(at(1000, 50)).is_err());
        assert_eq!(std::fs::read_dir(folder.path().join("ledger")).unwrap().count(), 1);
    }

    #[test]
    fn a_damaged_epoch_and_another_boots_are_begun_anew() {
        for text in ["", "x", "0123456789abcdef0123456789abcdef.1.0"] {
            let folder = tempfile::tempdir().unwrap();
            let ledger = ledger(folder.path());
            ledger.floor(at(1000, 50)).unwrap();
            let epoch = folder.path().join("ledger/epoch");
            std::fs::remove_file(&epoch).unwrap();
            match text {
                "" => std::fs::write(&epoch, "no link").unwrap(),
                text => std::os::unix::fs::symlink(text, &epoch).unwrap(),
            }
            assert_eq!(ledger.floor(at(1100, 150)).unwrap().floor, UnixTime(1100), "{text}");
            assert_eq!(ledger.floor(at(1200, 250)).unwrap().floor, UnixTime(1100), "{text}");
        }
    }
}
