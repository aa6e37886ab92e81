//! Delivery of queued mail by one process at a time. A notification changes its state by one rename of its symbolic
//! link.

mod names;

use std::collections::HashSet;

use rustix::{
    fs::{self, FlockOperation, RenameFlags},
    io::{self, Errno},
};
use twinlock_core::{
    base::{error::StoreError, time::UnixTime},
    ledger::names as ledger_names,
    notify::{
        notification::{DeliveryProgress, Notification},
        retry::{self, RetryDecision},
        spool_name,
    },
};

use crate::{
    mail_spool::names::{names, nonce, rename, target, text, unlink},
    outbox::OUTBOX,
    store::records::HostRecords,
    trusted_dir::{self, TrustedDir},
};

/// The folder of the notifications that are being sent, or that wait for their first or a later attempt.
const WAITING: &str = "waiting";
/// The folder with one entry for each user and kind of notification. An entry contains the time at which a notification
/// of this kind was last sent to this user, and the time of the event that it reported.
const SENT: &str = "sent";
/// The folder of notifications that were given up (never to be sent), and of invalid names.
const DEAD: &str = "dead";
/// Number of bytes of the original name that are kept when a name is moved to the folder [`DEAD`].
const NAME_KEPT: usize = 200;

/// The mail folders, locked so that no other process delivers.
#[derive(Debug)]
pub struct MailSpool {
    outbox: TrustedDir,
    waiting: TrustedDir,
    sent: TrustedDir,
    dead: TrustedDir,
}

/// The number of notifications in the mail folders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QueueDepth {
    /// Number of waiting notifications.
    pub waiting: usize,
    /// Number of given-up notifications and invalid names.
    pub dead: usize,
}

/// A notification whose next attempt to be sent is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    name: String,
    progress: DeliveryProgress,
}

impl Due {
    fn name(&self) -> String {
        spool_name::waiting_name(&self.name, self.progress)
    }
}

/// A notification that this process has begun to send.
#[derive(Debug)]
pub struct Claimed {
    /// The notification, as parsed from its link.
    pub notification: Notification,
    due: Due,
}

/// How many files one call of [`MailSpool::gather`] moved to the folder of notifications that are never sent, and the
/// first error of the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Gathered {
    /// Number of files that were moved to the folder of notifications that are never sent.
    pub dead: usize,
    /// The first error in listing a folder or moving a file; `None` if there was no error.
    pub fault: Option<StoreError>,
}

impl Gathered {
    fn add(&mut self, moved: io::Result<usize>) {
        match moved {
            Ok(dead) => self.dead += dead,
            Err(errno) => self.fault = self.fault.or(Some(trusted_dir::fault(errno).into())),
        }
    }

    fn names(&mut self, dir: &TrustedDir) -> Vec<Vec<u8>> {
        names(dir).unwrap_or_else(|errno| {
            self.add(Err(errno));
            Vec::new()
        })
    }
}

impl MailSpool {
    /// Opens the mail folders of the records, and creates missing ones. Returns `None` while another process delivers.
    ///
    /// # Errors
    /// [`StoreError`] if a folder cannot be created, trusted or locked.
    pub fn open(records: &HostRecords) -> Result<Option<Self>, StoreError> {
        let (root, owner) = (records.root()?, records.owner);
        root.make(OUTBOX, owner).map_err(trusted_dir::fault)?;
        let outbox = root.below(OUTBOX, owner)?;
        match fs::flock(outbox.fd(), FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => return Ok(None),
            locked => locked.map_err(trusted_dir::fault)?,
        }
        let below = |name: &str| {
            outbox.make(name, owner).map_err(trusted_dir::fault)?;
            outbox.below(name, owner)
        };
        let [waiting, sent, dead] = [WAITING, SENT, DEAD].map(below);
        let (waiting, sent, dead) = (waiting?, sent?, dead?);
        Ok(Some(Self { outbox, waiting, sent, dead }))
    }

    /// Moves the queued notifications from the outbox to the waiting folder. Gives up names that are invalid, and
    /// notifications whose sending was interrupted too often. If one name cannot be moved, continues with the next
    /// name.
    pub fn gather(&self, now: UnixTime) -> Gathered {
        let mut gathered = Gathered::default();
        let mut waiting = HashSet::new();
        for name in gathered.names(&self.waiting) {
            match text(&name).and_then(spool_name::read_waiting) {
                Some((name, progress)) if !retry::is_given_up(progress) => {
                    waiting.insert(name.to_owned());
                }
                _ => gathered.add(self.bury(&self.waiting, &name)),
            }
        }
        for name in gathered.names(&self.outbox) {
            let moved = self.take(&name, now, &mut waiting);
            gathered.add(moved);
        }
        gathered.add(self.forget(now).map(|()| 0));
        gathered
    }

    /// Moves one name from the outbox to the waiting folder. Returns the number of names that were given up, 0 or 1. If
    /// another notification of the same kind is already waiting for this user, only removes the name from the outbox.
    fn take(&self, name: &[u8], now: UnixTime, waiting: &mut HashSet<String>) -> io::Result<usize> {
        let notification = text(name).filter(|name| self.reads(&self.outbox, name));
        let Some(notification) = notification else {
            let ours = [WAITING, SENT, DEAD].iter().any(|own| own.as_bytes() == name);
            return if ours { Ok(0) } else { self.bury(&self.outbox, name) };
        };
        if !waiting.insert(notification.to_owned()) {
            return unlink(&self.outbox, name).map(|()| 0);
        }
        let progress = retry::fresh(now, self.last(notification)?.map(|(sent, _)| sent));
        let to = spool_name::waiting_name(notification, progress);
        match rename(&self.outbox, name, &self.waiting, to.as_bytes()) {
            Err(Errno::NAMETOOLONG) => self.bury(&self.outbox, name),
            moved => moved.map(|_| 0),
        }
    }

    fn reads(&self, dir: &TrustedDir, name: &str) -> bool {
        target(dir, name.as_bytes()).is_some_and(|text| spool_name::read(name, &text).is_some())
    }

    /// Returns the notifications that are due, with the earliest due time first.
    ///
    /// # Errors
    /// [`StoreError`] if the waiting folder cannot be listed.
    pub fn due(&self, now: UnixTime) -> Result<Vec<Due>, StoreError> {
        let listed = names(&self.waiting).map_err(trusted_dir::fault)?;
        let read = |name: &Vec<u8>| {
            let (name, progress) = spool_name::read_waiting(text(name)?)?;
            Some(Due { name: name.to_owned(), progress })
        };
        let mut due: Vec<Due> = listed.iter().filter_map(read).collect();
        due.retain(|one| retry::is_due(one.progress, now));
        due.sort_by(|one, other| {
            (one.progress.at, &one.name).cmp(&(other.progress.at, &other.name))
        });
        Ok(due)
    }

    /// Begins an attempt to send a notification. Returns `None` if a notification of the same kind was sent to this
    /// user within the last hour, if the name is invalid, or if the notification is gone. If this process ends before
    /// it calls [`Self::sent`] or [`Self::failed`], the notification is sent once more.
    ///
    /// # Errors
    /// [`StoreError`] if the notification cannot be moved.
    pub fn claim(&self, due: Due, now: UnixTime) -> Result<Option<Claimed>, StoreError> {
        Ok(self.claimed(due, now).map_err(trusted_dir::fault)?)
    }

    fn claimed(&self, mut due: Due, now: UnixTime) -> io::Result<Option<Claimed>> {
        let name = due.name();
        let read = target(&self.waiting, name.as_bytes());
        let Some(notification) = read.and_then(|text| spool_name::read(&due.name, &text)) else {
            return self.bury(&self.waiting, name.as_bytes()).map(|_| None);
        };
        let last = self.last(&due.name)?;
        if last.is_some_and(|(_, of)| of == notification.at) {
            // The notification was sent, but the process that sent it was interrupted before it removed the
            // notification.
            return unlink(&self.waiting, name.as_bytes()).map(|()| None);
        }
        let free = retry::free_from(now, last.map(|(sent, _)| sent));
        due.progress = match free {
            Some(at) => DeliveryProgress { at, ..due.progress },
            None => retry::begun(due.progress),
        };
        if !rename(&self.waiting, name.as_bytes(), &self.waiting, due.name().as_bytes())? {
            return Ok(None);
        }
        // The renamed link is made durable, best effort.
        let _ = fs::fsync(self.waiting.fd());
        Ok(free.is_none().then_some(Claimed { notification, due }))
    }

    /// Records that a notification was sent, and removes it. `claimed` is the notification whose sending this process
    /// has begun.
    ///
    /// # Errors
    /// [`StoreError`] if the notification cannot be removed; it may be sent a second time then.
    pub fn sent(&self, claimed: &Claimed, now: UnixTime) -> Result<(), StoreError> {
        // Best effort. Even if a full disk prevents this entry, the notification must be removed, or it would be sent a
        // second time.
        let _ = self.note(claimed, now);
        self.discard(claimed)
    }

    /// Removes a notification that has no recipient. `claimed` is the notification whose sending this process has
    /// begun.
    ///
    /// # Errors
    /// [`StoreError`] if the notification cannot be removed.
    pub fn discard(&self, claimed: &Claimed) -> Result<(), StoreError> {
        Ok(unlink(&self.waiting, claimed.due.name().as_bytes()).map_err(trusted_dir::fault)?)
    }

    /// Records that the attempt to send failed. Returns whether the notification will be retried or was given up.
    ///
    /// # Errors
    /// [`StoreError`] if the notification cannot be moved; the attempt counts as interrupted then.
    pub fn failed(&self, claimed: &Claimed, now: UnixTime) -> Result<RetryDecision, StoreError> {
        let fate = retry::after_failure(claimed.due.progress, claimed.notification.at, now);
        let RetryDecision::Waits(progress) = fate else {
            return self.give_up(claimed).map(|()| fate);
        };
        let (held, name) = (claimed.due.name(), &claimed.due.name);
        let to = spool_name::waiting_name(name, progress);
        rename(&self.waiting, held.as_bytes(), &self.waiting, to.as_bytes())
            .map_err(trusted_dir::fault)?;
        Ok(fate)
    }

    /// Moves a notification that can never be sent to the folder of such notifications. `claimed` is the notification
    /// whose sending this process has begun.
    ///
    /// # Errors
    /// [`StoreError`] if the notification cannot be moved.
    pub fn give_up(&self, claimed: &Claimed) -> Result<(), StoreError> {
        let buried = self.bury(&self.waiting, claimed.due.name().as_bytes());
        Ok(buried.map(drop).map_err(trusted_dir::fault)?)
    }

    /// Moves a name, valid or not, to the folder of notifications that are never sent. Returns 1; 0 if the name no
    /// longer exists.
    fn bury(&self, from: &TrustedDir, name: &[u8]) -> io::Result<usize> {
        let mut to = name.get(..NAME_KEPT).unwrap_or(name).to_vec();
        to.extend(format!(".{:016x}", nonce()?).bytes());
        rename(from, name, &self.dead, &to).map(usize::from)
    }

    /// Returns the time at which a notification was last sent, and the time of the event that it reported. `name` is
    /// the entry for one user and one kind of notification. `None` if there is no such entry.
    fn last(&self, name: &str) -> io::Result<Option<(UnixTime, UnixTime)>> {
        Ok(target(&self.sent, name.as_bytes()).and_then(|text| read_note(&text)))
    }

    fn note(&self, claimed: &Claimed, now: UnixTime) -> io::Result<()> {
        let temporary = format!(".{:016x}", nonce()?);
        let [sent, of] = [now, claimed.notification.at].map(ledger_names::instant);
        self.sent.link(&temporary, &format!("{sent} {of}"))?;
        let (dir, flags) = (self.sent.fd(), RenameFlags::empty());
        fs::renameat_with(dir, temporary.as_str(), dir, claimed.due.name.as_str(), flags)
    }

    /// Removes the entries of notifications that were sent so long ago that they do not delay a new one.
    fn forget(&self, now: UnixTime) -> io::Result<()> {
        for name in names(&self.sent)? {
            let last = target(&self.sent, &name).and_then(|text| read_note(&text));
            if retry::free_from(now, last.map(|(sent, _)| sent)).is_none() {
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

/// Counts the notifications that wait and those that were given up. Writes nothing. Folders that cannot be read count
/// as empty.
#[must_use]
pub fn standing(records: &HostRecords) -> QueueDepth {
    let Ok(root) = records.root() else { return QueueDepth::default() };
    let count = |folder: &str| {
        let dir = root.below(folder, records.owner).ok();
        dir.and_then(|dir| names(&dir).ok()).map_or(0, |names| names.len())
    };
    let below = |name: &str| count(&format!("{OUTBOX}/{name}"));
    let dir = root.below(OUTBOX, records.owner).ok();
    let fresh = dir.and_then(|dir| names(&dir).ok()).unwrap_or_default();
    let fresh = fresh.iter().filter(|name| name.contains(&b'@')).count();
    QueueDepth { waiting: fresh + below(WAITING), dead: below(DEAD) }
}

#[cfg(test)]
mod tests;
