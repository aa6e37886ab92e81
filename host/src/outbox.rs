//! The mail outbox: symbolic links `outbox/NAME@KIND` in the records folder, whose targets contain the details.

use std::borrow::Cow;

use rustix::io::Errno;
use twinlock_core::{
    base::account::Folder,
    notify::{notification::Notification, spool_name},
    ports::Outbox,
};

use crate::trusted_dir::{Owner, TrustedDir};

/// The folder of queued notifications, below the records folder.
pub const OUTBOX: &str = "outbox";

/// The queue of notifications, in the records folder.
#[derive(Debug)]
pub struct HostOutbox {
    records: Cow<'static, str>,
    owner: Owner,
}

impl HostOutbox {
    /// Returns the outbox of the records folder at `records`.
    #[must_use]
    pub fn new(records: impl Into<Cow<'static, str>>, owner: Owner) -> Self {
        Self { records: records.into(), owner }
    }
}

impl Outbox for HostOutbox {
    /// Queues a notification by creating a link. Only one process can create the name of the link. If a notification of
    /// the same kind is already queued for this user, the new one is dropped. Returns whether a notification is queued.
    fn put(&self, notification: &Notification) -> bool {
        let Ok(folder) = Folder::of(&notification.user) else { return false };
        let path = [&self.records, "/", OUTBOX].concat();
        let Ok(dir) = TrustedDir::open(&path, self.owner) else { return false };
        let name = spool_name::name_of(&folder, notification);
        matches!(dir.link(&name, &spool_name::write(notification)), Ok(()) | Err(Errno::EXIST))
    }
}
