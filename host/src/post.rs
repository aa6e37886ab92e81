//! The way of letters out of the outbox: taken, sent by one process, and kept where that fails, all by renaming links.

mod names;

use std::collections::HashSet;

use rustix::{
    fs::{self, RenameFlags},
    io::{self, Errno},
};
use twinlock_core::{
    delivery::{self, Fate},
    fault::StoreFault,
    format::{ledger_names, letters},
    letter::{Letter, Progress},
    time::UnixTime,
};

use crate::{
    outbox::OUTBOX,
    place::{self, Room},
    post::names::{names, nonce, rename, target, text, unlink},
    records::HostRecords,
};

/// Letters that wait to be sent, or to be sent again.
const WAITING: &str = "waiting";
/// Letters that a process is sending.
const SENDING: &str = "sending";
/// When a letter of each kind was last sent to each person, and of which instant it told.
const SENT: &str = "sent";
/// Letters that were given up, and names that are none.
const DEAD: &str = "dead";
/// Bytes of a name that are kept among the dead.
const NAME_KEPT: usize = 200;
/// Seconds that a process has beyond those that sending takes.
const SLACK: u64 = 30;

/// The folders.
#[derive(Debug)]
pub struct Post {
    outbox: Room,
    waiting: Room,
    sending: Room,
    sent: Room,
    dead: Room,
}

/// How much of what there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// Letters that wait.
    pub waiting: usize,
    /// Letters that were given up, and names that are none.
    pub dead: usize,
}

/// A letter that is to be sent now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    name: String,
    progress: Progress,
}

/// A letter that this process alone is sending.
#[derive(Debug)]
pub struct Claimed {
    /// The letter.
    pub letter: Letter,
    name: String,
    progress: Progress,
    held: String,
}

/// What came of gathering.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Gathered {
    /// Names that went among the dead.
    pub dead: usize,
    /// Why something could not be moved or listed.
    pub fault: Option<StoreFault>,
}

impl Gathered {
    fn add(&mut self, moved: io::Result<usize>) {
        match moved {
            Ok(dead) => self.dead += dead,
            Err(errno) => self.fault = self.fault.or(Some(place::fault(errno))),
        }
    }

    fn names(&mut self, room: &Room) -> Vec<Vec<u8>> {
        names(room).unwrap_or_else(|errno| {
            self.add(Err(errno));
            Vec::new()
        })
    }
}

impl Post {
    /// Opens the folders of the records, and makes those that are missing.
    ///
    /// # Errors
    /// [`StoreFault`].
    pub fn open(records: &HostRecords) -> Result<Self, StoreFault> {
        let (root, owner) = (records.root()?, records.owner);
        root.make(OUTBOX, owner).map_err(place::fault)?;
        let outbox = root.below(OUTBOX, owner)?;
        let below = |name: &str| {
            outbox.make(name, owner).map_err(place::fault)?;
            outbox.below(name, owner)
        };
        let [waiting, sending, sent, dead] = [WAITING, SENDING, SENT, DEAD].map(below);
        let (waiting, sending, sent, dead) = (waiting?, sending?, sent?, dead?);
        Ok(Self { outbox, waiting, sending, sent, dead })
    }

    /// Takes what lies in the outbox, and what a process that was killed has left, so that it waits to be sent; what is
    /// no letter goes among the dead. A name that cannot be moved keeps no other up.
    pub fn gather(&self, now: UnixTime) -> Gathered {
        let mut gathered = Gathered::default();
        for name in gathered.names(&self.sending) {
            let moved = self.recover(&name, now);
            gathered.add(moved);
        }
        let mut waiting = HashSet::new();
        for name in gathered.names(&self.waiting) {
            match text(&name).and_then(letters::read_waiting) {
                Some((name, _)) => drop(waiting.insert(name.to_owned())),
                None => gathered.add(self.bury(&self.waiting, &name)),
            }
        }
        for name in gathered.names(&self.outbox) {
            let moved = self.take(&name, now, &mut waiting);
            gathered.add(moved);
        }
        gathered.add(self.forget(now).map(|()| 0));
        gathered
    }

    /// What was being sent, where that was cut off.
    fn recover(&self, name: &[u8], now: UnixTime) -> io::Result<usize> {
        let Some((letter, progress)) = text(name).and_then(letters::read_sending) else {
            return self.bury(&self.sending, name);
        };
        if !delivery::is_cut(progress, now) {
            return Ok(0);
        }
        match delivery::after_cut(progress, now) {
            Fate::Dead => self.bury(&self.sending, name),
            Fate::Waits(progress) => {
                let to = letters::waiting_name(letter, progress);
                rename((&self.sending, name), (&self.waiting, to.as_bytes())).map(|_| 0)
            }
        }
    }

    /// One name in the outbox. While a letter of its kind waits, another one adds nothing.
    fn take(&self, name: &[u8], now: UnixTime, waiting: &mut HashSet<String>) -> io::Result<usize> {
        let letter = text(name).filter(|name| self.reads(&self.outbox, name));
        let Some(letter) = letter else {
            let ours = [WAITING, SENDING, SENT, DEAD].iter().any(|own| own.as_bytes() == name);
            return if ours { Ok(0) } else { self.bury(&self.outbox, name) };
        };
        if !waiting.insert(letter.to_owned()) {
            return unlink(&self.outbox, name).map(|()| 0);
        }
        let progress = delivery::fresh(now, self.last(letter)?.map(|(sent, _)| sent));
        let to = letters::waiting_name(letter, progress);
        match rename((&self.outbox, name), (&self.waiting, to.as_bytes())) {
            Err(Errno::NAMETOOLONG) => self.bury(&self.outbox, name),
            moved => moved.map(|_| 0),
        }
    }

    fn reads(&self, room: &Room, name: &str) -> bool {
        target(room, name.as_bytes()).is_some_and(|text| letters::read(name, &text).is_some())
    }

    /// The letters that are to be sent now, those that have waited longest first.
    ///
    /// # Errors
    /// [`StoreFault`] where they cannot be listed.
    pub fn due(&self, now: UnixTime) -> Result<Vec<Due>, StoreFault> {
        let listed = names(&self.waiting).map_err(place::fault)?;
        let read = |name: &Vec<u8>| {
            let (name, progress) = letters::read_waiting(text(name)?)?;
            Some(Due { name: name.to_owned(), progress })
        };
        let mut due: Vec<Due> = listed.iter().filter_map(read).collect();
        due.retain(|one| delivery::is_due(one.progress, now));
        due.sort_by(|one, other| {
            (one.progress.at, &one.name).cmp(&(other.progress.at, &other.name))
        });
        Ok(due)
    }

    /// Takes a letter for this process alone, which has so many seconds to send it; nothing where another one has it, or
    /// one of its kind was sent within the hour.
    ///
    /// # Errors
    /// [`StoreFault`] where it cannot be moved.
    pub fn claim(
        &self,
        due: Due,
        now: UnixTime,
        seconds: u64,
    ) -> Result<Option<Claimed>, StoreFault> {
        self.claimed(due, now, seconds).map_err(place::fault)
    }

    fn claimed(&self, due: Due, now: UnixTime, seconds: u64) -> io::Result<Option<Claimed>> {
        let progress = delivery::begun(due.progress, now, seconds.saturating_add(SLACK));
        let held = letters::sending_name(&due.name, progress, nonce()?);
        let from = letters::waiting_name(&due.name, due.progress);
        if !rename((&self.waiting, from.as_bytes()), (&self.sending, held.as_bytes()))? {
            return Ok(None);
        }
        // That it was begun outlives a power cut, as far as the disk can help it.
        let _ = fs::fsync(self.sending.fd());
        let read = target(&self.sending, held.as_bytes());
        let Some(letter) = read.and_then(|text| letters::read(&due.name, &text)) else {
            self.bury(&self.sending, held.as_bytes())?;
            return Ok(None);
        };
        let claimed = Claimed { letter, name: due.name, progress, held };
        let last = self.last(&claimed.name)?;
        if last.is_some_and(|(_, of)| of == claimed.letter.at) {
            // It was sent, and cut off before it was taken away.
            return unlink(&self.sending, claimed.held.as_bytes()).map(|()| None);
        }
        // Looked at after the claim stands: of two that send letters of a kind, one at least sees the other.
        let others = self.is_rivalled(&claimed)?.then(|| now.plus(delivery::BETWEEN));
        let free = others.or(delivery::free_from(now, last.map(|(sent, _)| sent)));
        match free {
            None => Ok(Some(claimed)),
            Some(free) => {
                let progress = delivery::put_off(claimed.progress, free);
                self.settle(&claimed, Fate::Waits(progress)).map(|()| None)
            }
        }
    }

    fn is_rivalled(&self, claimed: &Claimed) -> io::Result<bool> {
        let same = |name: &Vec<u8>| {
            let other = text(name).filter(|name| *name != claimed.held);
            other.and_then(letters::read_sending).is_some_and(|(name, _)| name == claimed.name)
        };
        Ok(names(&self.sending)?.iter().any(same))
    }

    /// Whether there are still so many seconds to send it in, before it counts as cut off.
    #[must_use]
    pub fn has_time(claimed: &Claimed, now: UnixTime, seconds: u64) -> bool {
        now.plus(seconds) <= claimed.progress.at
    }

    /// It was sent.
    ///
    /// # Errors
    /// [`StoreFault`] where it cannot be taken away: it may then be sent a second time.
    pub fn sent(&self, claimed: &Claimed, now: UnixTime) -> Result<(), StoreFault> {
        // As well as it goes: a full disk must not have it sent again.
        let _ = self.note(claimed, now);
        self.discard(claimed)
    }

    /// There is nobody to send it to.
    ///
    /// # Errors
    /// [`StoreFault`] where it cannot be taken away.
    pub fn discard(&self, claimed: &Claimed) -> Result<(), StoreFault> {
        unlink(&self.sending, claimed.held.as_bytes()).map_err(place::fault)
    }

    /// It was not sent; whether it is sent again.
    ///
    /// # Errors
    /// [`StoreFault`] where it cannot be moved: it then counts as cut off.
    pub fn failed(&self, claimed: &Claimed, now: UnixTime) -> Result<Fate, StoreFault> {
        let fate = delivery::after_failure(claimed.progress, claimed.letter.at, now);
        self.settle(claimed, fate).map(|()| fate).map_err(place::fault)
    }

    /// It can never be sent.
    ///
    /// # Errors
    /// [`StoreFault`] where it cannot be moved.
    pub fn give_up(&self, claimed: &Claimed) -> Result<(), StoreFault> {
        self.settle(claimed, Fate::Dead).map_err(place::fault)
    }

    fn settle(&self, claimed: &Claimed, fate: Fate) -> io::Result<()> {
        match fate {
            Fate::Dead => self.bury(&self.sending, claimed.held.as_bytes()).map(drop),
            Fate::Waits(progress) => {
                let to = letters::waiting_name(&claimed.name, progress);
                let held = claimed.held.as_bytes();
                rename((&self.sending, held), (&self.waiting, to.as_bytes())).map(drop)
            }
        }
    }

    /// Moves a name among the dead, whatever it is; gives how many were moved.
    fn bury(&self, from: &Room, name: &[u8]) -> io::Result<usize> {
        let mut to = name.get(..NAME_KEPT).unwrap_or(name).to_vec();
        to.extend(format!(".{:016x}", nonce()?).bytes());
        rename((from, name), (&self.dead, &to)).map(usize::from)
    }

    /// When a letter of this name was last sent, and of which instant it told.
    fn last(&self, name: &str) -> io::Result<Option<(UnixTime, UnixTime)>> {
        Ok(target(&self.sent, name.as_bytes()).and_then(|text| read_note(&text)))
    }

    fn note(&self, claimed: &Claimed, now: UnixTime) -> io::Result<()> {
        let temporary = format!(".{:016x}", nonce()?);
        let [sent, of] = [now, claimed.letter.at].map(ledger_names::instant);
        self.sent.link(&temporary, &format!("{sent} {of}"))?;
        let (room, flags) = (self.sent.fd(), RenameFlags::empty());
        fs::renameat_with(room, temporary.as_str(), room, claimed.name.as_str(), flags)
    }

    /// What was sent longer ago than anything depends on.
    fn forget(&self, now: UnixTime) -> io::Result<()> {
        for name in names(&self.sent)? {
            let last = target(&self.sent, &name).and_then(|text| read_note(&text));
            if delivery::free_from(now, last.map(|(sent, _)| sent)).is_none() {
                unlink(&self.sent, &name)?;
            }
        }
        Ok(())
    }
}

fn read_note(text: &str) -> Option<(UnixTime, UnixTime)> {
    let (sent, of) = text.split_once(' ')?;
    Some((ledger_names::read_instant(sent)?, ledger_names::read_instant(of)?))
}

/// How much waits, and how much was given up; changes nothing.
#[must_use]
pub fn standing(records: &HostRecords) -> Standing {
    let Ok(root) = records.root() else { return Standing::default() };
    let count = |folder: &str| {
        let room = root.below(folder, records.owner).ok();
        room.and_then(|room| names(&room).ok()).map_or(0, |names| names.len())
    };
    let below = |name: &str| count(&format!("{OUTBOX}/{name}"));
    let room = root.below(OUTBOX, records.owner).ok();
    let fresh = room.and_then(|room| names(&room).ok()).unwrap_or_default();
    let fresh = fresh.iter().filter(|name| name.contains(&b'@')).count();
    Standing { waiting: fresh + below(WAITING) + below(SENDING), dead: below(DEAD) }
}

#[cfg(test)]
mod tests;
