//! Delivery of queued mail: claimed and sent by one process, and retried or given up on failure, by renaming symbolic
//! links.

mod names;

use std::collections::HashSet;

use rustix::{
    fs::{self, RenameFlags},
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
pub struct MailSpool {
    outbox: TrustedDir,
    waiting: TrustedDir,
    sending: TrustedDir,
    sent: TrustedDir,
    dead: TrustedDir,
}

/// The number of notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QueueDepth {
    /// Waiting notifications.
    pub waiting: usize,
    /// Given-up notifications and invalid names.
    pub dead: usize,
}

/// A notification that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    name: String,
    progress: DeliveryProgress,
}

/// A notification that only this process is sending.
#[derive(Debug)]
pub struct Claimed {
    /// The notification.
    pub notification: Notification,
    name: String,
    progress: DeliveryProgress,
    held: String,
}

/// The result of gathering.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Gathered {
    /// Number of names that were given up.
    pub dead: usize,
    /// Why something could not be moved or listed.
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
    /// Opens the mail folders of the records and creates missing ones.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open(records: &HostRecords) -> Result<Self, StoreError> {
        let (root, owner) = (records.root()?, records.owner);
        root.make(OUTBOX, owner).map_err(trusted_dir::fault)?;
        let outbox = root.below(OUTBOX, owner)?;
        let below = |name: &str| {
            outbox.make(name, owner).map_err(trusted_dir::fault)?;
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
            match text(&name).and_then(spool_name::read_waiting) {
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
        let Some((notification, progress)) = text(name).and_then(spool_name::read_sending) else {
            return self.bury(&self.sending, name);
        };
        if !retry::is_cut(progress, now) {
            return Ok(0);
        }
        match retry::after_cut(progress, now) {
            RetryDecision::Dead => self.bury(&self.sending, name),
            RetryDecision::Waits(progress) => {
                let to = spool_name::waiting_name(notification, progress);
                rename(&self.sending, name, &self.waiting, to.as_bytes()).map(|_| 0)
            }
        }
    }

    /// Takes one name from the outbox. While a notification of its kind is waiting, another one is a no-op.
    fn take(&self, name: &[u8], now: UnixTime, waiting: &mut HashSet<String>) -> io::Result<usize> {
        let notification = text(name).filter(|name| self.reads(&self.outbox, name));
        let Some(notification) = notification else {
            let ours = [WAITING, SENDING, SENT, DEAD].iter().any(|own| own.as_bytes() == name);
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

    /// Returns the notifications that are due, those that have waited longest first.
    ///
    /// # Errors
    /// [`StoreError`] if they cannot be listed.
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

    /// Claims a notification for this process, which has this many seconds to send it; `None` if another process has
    /// claimed it, or one of its kind was sent within the hour.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be moved.
    pub fn claim(
        &self,
        due: Due,
        now: UnixTime,
        seconds: u64,
    ) -> Result<Option<Claimed>, StoreError> {
        Ok(self.claimed(due, now, seconds).map_err(trusted_dir::fault)?)
    }

    fn claimed(&self, due: Due, now: UnixTime, seconds: u64) -> io::Result<Option<Claimed>> {
        let progress = retry::begun(due.progress, now, seconds.saturating_add(SLACK));
        let held = spool_name::sending_name(&due.name, progress, nonce()?);
        let from = spool_name::waiting_name(&due.name, due.progress);
        if !rename(&self.waiting, from.as_bytes(), &self.sending, held.as_bytes())? {
            return Ok(None);
        }
        // Make the claim durable, best effort.
        let _ = fs::fsync(self.sending.fd());
        let read = target(&self.sending, held.as_bytes());
        let Some(notification) = read.and_then(|text| spool_name::read(&due.name, &text)) else {
            self.bury(&self.sending, held.as_bytes())?;
            return Ok(None);
        };
        let claimed = Claimed { notification, name: due.name, progress, held };
        let last = self.last(&claimed.name)?;
        if last.is_some_and(|(_, of)| of == claimed.notification.at) {
            // It was sent, but the process was interrupted before it removed it.
            return unlink(&self.sending, claimed.held.as_bytes()).map(|()| None);
        }
        // Checked after the claim is made: of two processes that send notifications of one kind, at least one sees
        // the other.
        let others = self.is_rivalled(&claimed)?.then(|| now.plus(retry::BETWEEN));
        let free = others.or(retry::free_from(now, last.map(|(sent, _)| sent)));
        match free {
            None => Ok(Some(claimed)),
            Some(free) => {
                let progress = retry::put_off(claimed.progress, free);
                self.settle(&claimed, RetryDecision::Waits(progress)).map(|()| None)
            }
        }
    }

    fn is_rivalled(&self, claimed: &Claimed) -> io::Result<bool> {
        let same = |name: &Vec<u8>| {
            let other = text(name).filter(|name| *name != claimed.held);
            other.and_then(spool_name::read_sending).is_some_and(|(name, _)| name == claimed.name)
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
    /// [`StoreError`] if it cannot be removed: it may be sent a second time then.
    pub fn sent(&self, claimed: &Claimed, now: UnixTime) -> Result<(), StoreError> {
        // Best effort: a full disk must not cause a second mail.
        let _ = self.note(claimed, now);
        self.discard(claimed)
    }

    /// Reports that it has no recipient.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be removed.
    pub fn discard(&self, claimed: &Claimed) -> Result<(), StoreError> {
        Ok(unlink(&self.sending, claimed.held.as_bytes()).map_err(trusted_dir::fault)?)
    }

    /// Reports that it was not sent; returns whether it will be retried.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be moved: it counts as interrupted then.
    pub fn failed(&self, claimed: &Claimed, now: UnixTime) -> Result<RetryDecision, StoreError> {
        let fate = retry::after_failure(claimed.progress, claimed.notification.at, now);
        Ok(self.settle(claimed, fate).map(|()| fate).map_err(trusted_dir::fault)?)
    }

    /// Reports that it can never be sent.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be moved.
    pub fn give_up(&self, claimed: &Claimed) -> Result<(), StoreError> {
        Ok(self.settle(claimed, RetryDecision::Dead).map_err(trusted_dir::fault)?)
    }

    fn settle(&self, claimed: &Claimed, fate: RetryDecision) -> io::Result<()> {
        match fate {
            RetryDecision::Dead => self.bury(&self.sending, claimed.held.as_bytes()).map(drop),
            RetryDecision::Waits(progress) => {
                let to = spool_name::waiting_name(&claimed.name, progress);
                let held = claimed.held.as_bytes();
                rename(&self.sending, held, &self.waiting, to.as_bytes()).map(drop)
            }
        }
    }

    /// Moves any name to the folder of given-up notifications; returns how many were moved.
    fn bury(&self, from: &TrustedDir, name: &[u8]) -> io::Result<usize> {
        let mut to = name.get(..NAME_KEPT).unwrap_or(name).to_vec();
        to.extend(format!(".{:016x}", nonce()?).bytes());
        rename(from, name, &self.dead, &to).map(usize::from)
    }

    /// Returns when a notification of this name was last sent, and the time of its event.
    fn last(&self, name: &str) -> io::Result<Option<(UnixTime, UnixTime)>> {
        Ok(target(&self.sent, name.as_bytes()).and_then(|text| read_note(&text)))
    }

    fn note(&self, claimed: &Claimed, now: UnixTime) -> io::Result<()> {
        let temporary = format!(".{:016x}", nonce()?);
        let [sent, of] = [now, claimed.notification.at].map(ledger_names::instant);
        self.sent.link(&temporary, &format!("{sent} {of}"))?;
        let (dir, flags) = (self.sent.fd(), RenameFlags::empty());
        fs::renameat_with(dir, temporary.as_str(), dir, claimed.name.as_str(), flags)
    }

    /// Removes entries for sent notifications that nothing depends on any more.
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

/// Returns how many notifications are waiting and how many were given up; read-only.
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
    QueueDepth { waiting: fresh + below(WAITING) + below(SENDING), dead: below(DEAD) }
}

#[cfg(test)]
mod tests;
