//! The mail outbox: `outbox/NAME@KIND` next to the records, each a symbolic link whose target contains the details.

use std::borrow::Cow;

use twinlock_core::{
    base::account::Folder,
    notify::{notification::Notification, spool_name},
    ports::Outbox,
};

use crate::trusted_dir::{Owner, TrustedDir};

/// The folder of queued notifications, below the records folder.
pub const OUTBOX: &str = "outbox";

/// The outbox.
#[derive(Debug)]
pub struct HostOutbox {
    records: Cow<'static, str>,
    owner: Owner,
}

impl HostOutbox {
    /// Returns the outbox of the records at `records`.
    #[must_use]
    pub fn new(records: impl Into<Cow<'static, str>>, owner: Owner) -> Self {
        Self { records: records.into(), owner }
    }
}

impl Outbox for HostOutbox {
    /// Creates a link, whose name only one process can create: while a notification of a merged kind is queued,
    /// another one is a no-op.
    fn put(&self, notification: &Notification) {
        let Ok(folder) = Folder::of(&notification.user) else { return };
        let path = [&self.records, "/", OUTBOX].concat();
        let Ok(dir) = TrustedDir::open(&path, self.owner) else { return };
        let _ =
            dir.link(&spool_name::name_of(&folder, notification), &spool_name::write(notification));
    }
}
