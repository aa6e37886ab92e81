//! Delivery of queued mail: claimed and sent by one process, and retried or given up on failure, by renaming symbolic
//! links.

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

/// Notifications that wait to be sent or sent again.
const WAITING: &str = "waiting";
/// Notifications that a process is sending.
const SENDING: &str = "sending";
/// When a notification of each kind was last sent to each user, and the time of its event.
const SENT: &str = "sent";
/// Notifications that were given up, and invalid names.
const DEAD: &str = "dead";
/// Bytes of a name that are kept in the folder of given-up notifications.
const NAME_KEPT: usize = 200;
/// Seconds allowed to a process in addition to the sending time.
const SLACK: u64 = 30;

/// The mail folders.
#[derive(Debug)]
pub struct Post {
    outbox: Room,
    waiting: Room,
    sending: Room,
    sent: Room,
    dead: Room,
}

/// The number of notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// Waiting notifications.
    pub waiting: usize,
    /// Given-up notifications and invalid names.
    pub dead: usize,
}

/// A notification that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    name: String,
    progress: Progress,
}

/// A notification that only this process is sending.
#[derive(Debug)]
pub struct Claimed {
    /// The notification.
    pub letter: Letter,
    name: String,
    progress: Progress,
    held: String,
}

/// The result of gathering.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Gathered {
    /// Number of names that were given up.
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
    /// Opens the mail folders of the records and creates missing ones.
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

    /// Moves the content of the outbox, and what a killed process has left, to the waiting folder; invalid names are
    /// given up. A name that cannot be moved does not block the others.
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

    /// Recovers a notification whose sending was interrupted.
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

    /// Takes one name from the outbox. While a notification of its kind is waiting, another one is a no-op.
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

    /// Returns the notifications that are due, those that have waited longest first.
    ///
    /// # Errors
    /// [`StoreFault`] if they cannot be listed.
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

    /// Claims a notification for this process, which has this many seconds to send it; `None` if another process has
    /// claimed it, or one of its kind was sent within the hour.
    ///
    /// # Errors
    /// [`StoreFault`] if it cannot be moved.
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
        // Make the claim durable, best effort.
        let _ = fs::fsync(self.sending.fd());
        let read = target(&self.sending, held.as_bytes());
        let Some(letter) = read.and_then(|text| letters::read(&due.name, &text)) else {
            self.bury(&self.sending, held.as_bytes())?;
            return Ok(None);
        };
        let claimed = Claimed { letter, name: due.name, progress, held };
        let last = self.last(&claimed.name)?;
        if last.is_some_and(|(_, of)| of == claimed.letter.at) {
            // It was sent, but the process was interrupted before it removed it.
            return unlink(&self.sending, claimed.held.as_bytes()).map(|()| None);
        }
        // Checked after the claim is made: of two processes that send notifications of one kind, at least one sees
        // the other.
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

    /// Returns whether this many seconds are left to send it before it counts as interrupted.
    #[must_use]
    pub fn has_time(claimed: &Claimed, now: UnixTime, seconds: u64) -> bool {
        now.plus(seconds) <= claimed.progress.at
    }

    /// Reports that it was sent.
    ///
    /// # Errors
    /// [`StoreFault`] if it cannot be removed: it may be sent a second time then.
    pub fn sent(&self, claimed: &Claimed, now: UnixTime) -> Result<(), StoreFault> {
        // Best effort: a full disk must not cause a second mail.
        let _ = self.note(claimed, now);
        self.discard(claimed)
    }

    /// Reports that it has no recipient.
    ///
    /// # Errors
    /// [`StoreFault`] if it cannot be removed.
    pub fn discard(&self, claimed: &Claimed) -> Result<(), StoreFault> {
        unlink(&self.sending, claimed.held.as_bytes()).map_err(place::fault)
    }

    /// Reports that it was not sent; returns whether it will be retried.
    ///
    /// # Errors
    /// [`StoreFault`] if it cannot be moved: it counts as interrupted then.
    pub fn failed(&self, claimed: &Claimed, now: UnixTime) -> Result<Fate, StoreFault> {
        let fate = delivery::after_failure(claimed.progress, claimed.letter.at, now);
        self.settle(claimed, fate).map(|()| fate).map_err(place::fault)
    }

    /// Reports that it can never be sent.
    ///
    /// # Errors
    /// [`StoreFault`] if it cannot be moved.
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

    /// Moves any name to the folder of given-up notifications; returns how many were moved.
    fn bury(&self, from: &Room, name: &[u8]) -> io::Result<usize> {
        let mut to = name.get(..NAME_KEPT).unwrap_or(name).to_vec();
        to.extend(format!(".{:016x}", nonce()?).bytes());
        rename((from, name), (&self.dead, &to)).map(usize::from)
    }

    /// Returns when a notification of this name was last sent, and the time of its event.
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

    /// Removes entries for sent notifications that nothing depends on any more.
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

/// Returns how many notifications are waiting and how many were given up; read-only.
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
