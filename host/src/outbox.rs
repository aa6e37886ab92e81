//! The mail outbox: `outbox/NAME@KIND` next to the records, each a symbolic link whose target contains the details.

use std::borrow::Cow;

use twinlock_core::{account::Folder, format::letters, letter::Letter, ports::Outbox};

use crate::place::{Owner, Room};

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
    fn put(&self, letter: &Letter) {
        let Ok(folder) = Folder::of(&letter.user) else { return };
        let path = [&self.records, "/", OUTBOX].concat();
        let Ok(room) = Room::open(&path, self.owner) else { return };
        let _ = room.link(&letters::name_of(&folder, letter), &letters::write(letter));
    }
}
