//! The ledger on its tmpfs: each entry is a symbolic link, which only one process can create, with its text as
//! target.

use std::{borrow::Cow, cell::OnceCell, os::fd::BorrowedFd};

use rustix::{
    fs::{self, AtFlags, CWD, Mode},
    io::Errno,
};
use twinlock_core::{
    fault::{LedgerFault, StoreFault},
    ledger::{Capacity, Horizon},
    pieces::joined,
    policy::{LedgerKind, Places},
    ports::{Creation, Ledger, Seat, Shelf},
    reserve,
    time::Now,
};

use crate::{
    mount,
    place::{self, Owner, Room},
};

pub(crate) mod epoch;

/// `TMPFS_MAGIC` of linux/magic.h.
const TMPFS: i64 = 0x0102_1994;
/// Maximum number of names read from one folder: all that the ledger can hold, so that no folder is ever too full.
const NAMES_MAX: usize = 131_072;
/// Maximum length of a link's text; ours are shorter than 128 bytes.
const TEXT_MAX: usize = 256;

/// The ledger folder.
#[derive(Debug)]
pub struct HostLedger {
    path: Cow<'static, str>,
    kind: LedgerKind,
    is_mounted: bool,
    pub(crate) owner: Owner,
    records: Cow<'static, str>,
    root: OnceCell<Room>,
    called_by_root: bool,
}

impl HostLedger {
    /// Returns the ledger of these settings; the clock mark is in the records folder.
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

    /// Assumes that root is the caller, so that new links need no other group; saves a system call. The group of a
    /// link is never checked, so a wrong assumption does no harm.
    pub fn set_called_by_root(&mut self) {
        self.called_by_root = true;
    }

    fn shelf(&self, room: Room, is_of_all: bool) -> Box<dyn Shelf + '_> {
        if self.called_by_root {
            // The folder is new, so the value is not set yet.
            let _ = room.foreign_group.set(false);
        }
        Box::new(HostShelf { room, is_of_all })
    }

    pub(crate) fn root(&self) -> Result<&Room, LedgerFault> {
        if let Some(root) = self.root.get() {
            return Ok(root);
        }
        let room = self.open_root()?;
        self.lies_right(&room)?;
        Ok(self.root.get_or_init(|| room))
    }

    fn lies_right(&self, room: &Room) -> Result<(), LedgerFault> {
        let on_tmpfs = fs::fstatfs(room.fd()).map_err(io)?.f_type == TMPFS;
        let right = on_tmpfs || self.kind == LedgerKind::Persistent;
        right.then_some(()).ok_or(LedgerFault::NotTmpfs)
    }

    fn open_root(&self) -> Result<Room, LedgerFault> {
        if self.is_mounted {
            return mount::open(&self.path, self.owner);
        }
        match Room::open(&self.path, self.owner) {
            Err(fault) if place::is_absent(fault) => {
                place::make_folder(CWD, &self.path, self.owner).map_err(io)?;
                Room::open(&self.path, self.owner).map_err(store)
            }
            opened => opened.map_err(store),
        }
    }

    /// Returns whether a user has a folder in the ledger, without creating one.
    #[must_use]
    pub fn has(&self, seat: &Seat) -> bool {
        let (group, name) = place_of(seat);
        let path = joined(&[&*self.path, "/", group, "/", &name]);
        fs::statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW).is_ok()
    }

    /// Empties the folder below the mount, which may date from a time without a mount.
    ///
    /// # Errors
    /// [`LedgerFault`] if a name remains.
    #[cfg(feature = "tools")]
    pub(crate) fn empty_below(&self) -> Result<(), LedgerFault> {
        crate::below::empty(&self.path, self.owner).map_err(io)
    }

    /// Creates the 256 buckets that user names without an account share.
    ///
    /// # Errors
    /// [`LedgerFault`] if one cannot be created.
    pub fn make_buckets(&self) -> Result<(), LedgerFault> {
        (0..=u8::MAX).try_for_each(|bucket| self.open_seat(&Seat::Bucket(bucket)).map(drop))
    }

    fn open_seat(&self, seat: &Seat) -> Result<Room, LedgerFault> {
        let (group, name) = place_of(seat);
        let path = joined(&[&*self.path, "/", group, "/", &name]);
        let opened = if self.is_mounted {
            mount::check(&self.path, self.owner)?;
            Room::open(&path, self.owner)
        } else {
            Room::open_in(&self.path, &path, self.owner)
        };
        match opened {
            Err(fault) if place::is_absent(fault) => {
                let root = self.root()?;
                root.make(group, self.owner).map_err(io)?;
                let group = root.below(group, self.owner).map_err(store)?;
                group.make(&name, self.owner).map_err(io)?;
                group.below(&name, self.owner).map_err(store)
            }
            Err(fault) => Err(store(fault)),
            Ok(room) => self.lies_right(&room).map(|()| room),
        }
    }
}

fn place_of(seat: &Seat) -> (&'static str, String) {
    match seat {
        Seat::Account(folder) => ("users", folder.as_str().to_owned()),
        Seat::Bucket(bucket) => ("unknown", format!("{bucket:02x}")),
    }
}

impl Ledger for HostLedger {
    fn open(&self, seat: &Seat) -> Result<Box<dyn Shelf + '_>, LedgerFault> {
        Ok(self.shelf(self.open_seat(seat)?, false))
    }

    fn open_alike(&self, seat: &Seat) -> Result<Box<dyn Shelf + '_>, LedgerFault> {
        let root = self.root()?;
        // In the reserve nothing is charged and no folder is created: one for an account without a folder would take
        // a name.
        let is_of_all = reserve::has_begun(self.capacity()?);
        let seat = if is_of_all { &Seat::Bucket(0) } else { seat };
        let (group, name) = place_of(seat);
        let path = joined(&[group, "/", &name]);
        match fs::mkdirat(root.fd(), &path, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(Errno::NOENT) => return Ok(self.shelf(self.open_seat(seat)?, is_of_all)),
            Err(errno) => return Err(io(errno)),
        }
        let room = root.below(&path, self.owner).map_err(store)?;
        // Also called for an existing folder: otherwise, a new folder would reveal a new user.
        room.keep_private().map_err(io)?;
        Ok(self.shelf(room, is_of_all))
    }

    fn capacity(&self) -> Result<Capacity, LedgerFault> {
        if self.kind == LedgerKind::Persistent {
            return Ok(Capacity::UNBOUNDED);
        }
        let stat = fs::fstatfs(self.root()?.fd()).map_err(io)?;
        Ok(Capacity { names: stat.f_files, free: stat.f_ffree })
    }

    fn floor(&self, now: Now) -> Result<Horizon, LedgerFault> {
        match self.of_standing(now)? {
            Some(horizon) => Ok(horizon),
            None => self.begin_first(now),
        }
    }

    fn boot_id(&self) -> Result<String, LedgerFault> {
        self.this_boot()
    }
}

/// One user's links.
pub(crate) struct HostShelf {
    pub(crate) room: Room,
    /// Whether it is the folder that all users share in the reserve.
    pub(crate) is_of_all: bool,
}

impl Shelf for HostShelf {
    fn create(&self, name: &str, content: &str) -> Result<Creation, LedgerFault> {
        match self.room.link(name, content) {
            Ok(()) => Ok(Creation::Made),
            Err(Errno::EXIST) => Ok(Creation::Taken),
            Err(errno) => Err(io(errno)),
        }
    }

    fn names(&self) -> Result<Vec<String>, LedgerFault> {
        self.room.names_up_to(NAMES_MAX).map_err(io)
    }

    fn content(&self, name: &str) -> Result<Option<String>, LedgerFault> {
        text_of(self.room.fd(), name)
    }

    fn erase(&self, name: &str) {
        // A remaining name refuses codes longer than necessary, but never grants access.
        let _ = fs::unlinkat(self.room.fd(), name, AtFlags::empty());
    }

    fn is_of_all(&self) -> bool {
        self.is_of_all
    }
}

/// Returns the text of a link; empty, and so invalid, if it is not a link or not text.
fn text_of(folder: BorrowedFd<'_>, name: &str) -> Result<Option<String>, LedgerFault> {
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

/// Returns the fault for an errno.
pub(crate) fn io(errno: Errno) -> LedgerFault {
    LedgerFault::Io { errno: errno.raw_os_error() }
}

/// Returns the ledger fault for a folder's fault.
pub(crate) fn store(fault: StoreFault) -> LedgerFault {
    match fault {
        StoreFault::Io { errno } => LedgerFault::Io { errno },
        StoreFault::FolderMissing => io(Errno::NOENT),
        StoreFault::StoreIdMissing
        | StoreFault::StoreIdMismatch
        | StoreFault::Symlink
        | StoreFault::WrongKind
        | StoreFault::WrongOwner
        | StoreFault::TooOpen
        | StoreFault::HardLink
        | StoreFault::TooLarge
        | StoreFault::Malformed { .. }
        | StoreFault::Newer { .. }
        | StoreFault::OtherUid
        | StoreFault::UidOfAnother
        | StoreFault::OtherName
        | StoreFault::RecordLost
        | StoreFault::NameTooLong => LedgerFault::Untrusted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use twinlock_core::{
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
        let shelf = ledger.open(&Seat::Account(Folder::of("ada").unwrap())).unwrap();
        assert_eq!(shelf.create("used.x.1", "17").unwrap(), Creation::Made);
        assert_eq!(shelf.create("used.x.1", "18").unwrap(), Creation::Taken);
        assert_eq!(shelf.content("used.x.1").unwrap().as_deref(), Some("17"));
        assert_eq!(shelf.names().unwrap(), ["used.x.1"]);
        shelf.erase("used.x.1");
        assert_eq!(shelf.content("used.x.1").unwrap(), None);
        assert!(shelf.names().unwrap().is_empty());
    }

    #[test]
    fn of_many_at_one_instant_one_makes_it() {
        let folder = tempfile::tempdir().unwrap();
        let seat = Seat::Account(Folder::of("ada").unwrap());
        ledger(folder.path()).open(&seat).unwrap();
        let made = std::thread::scope(|scope| {
            let race =
                || ledger(folder.path()).open(&seat).unwrap().create("used.x.2", "1").unwrap();
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
