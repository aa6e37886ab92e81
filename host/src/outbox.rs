//! Letters waiting to be sent: `outbox/NAME@KIND` beside the records, each a symbolic link whose target says the rest.

use twinlock_core::{account::Folder, format::letters, letter::Letter, ports::Outbox};

use crate::place::{Owner, Room};

/// The folder of letters, below the records folder.
pub const OUTBOX: &str = "outbox";

/// The outbox.
#[derive(Debug)]
pub struct HostOutbox {
    path: String,
    owner: Owner,
}

impl HostOutbox {
    /// The outbox of the records at `records`.
    #[must_use]
    pub fn new(records: &str, owner: Owner) -> Self {
        Self { path: format!("{records}/{OUTBOX}"), owner }
    }
}

impl Outbox for HostOutbox {
    /// One link, whose name only one process can make: while a letter of this kind waits, another one adds nothing.
    fn put(&self, letter: &Letter) {
        let Ok(folder) = Folder::of(&letter.user) else { return };
        let Ok(room) = Room::open(&self.path, self.owner) else { return };
        let _ = room.link(&letters::name_of(&folder, letter.kind), &letters::write(letter));
    }
}
