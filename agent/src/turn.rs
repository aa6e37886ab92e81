//! Limits how many processes of the agent run a costly operation at the same time. A turn is a lock, which the kernel
//! releases when its process ends. Users cannot stop a worker, so they cannot keep a turn longer than its operation
//! needs.

use std::{
    fs::{self, File, OpenOptions},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::PathBuf,
};

use rustix::fs::{FlockOperation, flock};

const FOLDER: &str = "/run/twinlock-agent";

/// The right to run a costly operation. It ends when this value is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    _of_user: File,
    _of_all: File,
}

/// A costly operation, and the limit of its turns.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Costly {
    /// The start of the names of its lock files.
    pub(crate) word: &'static str,
    /// Maximum number of turns at the same time. One user has at most one of them.
    pub(crate) most: u8,
}

/// The check of a password: one for each user, eight in all.
pub(crate) const PASSWORD: Costly = Costly { word: "password", most: 8 };
/// The comparison of a backup code (Argon2id): one for each user, four in all.
pub(crate) const ARGON: Costly = Costly { word: "argon", most: 4 };

impl Turn {
    /// Takes a turn for a user; `None` if the user already has one, or if other users have all turns.
    pub(crate) fn take(costly: Costly, uid: u32) -> Option<Self> {
        let try_once = FlockOperation::NonBlockingLockExclusive;
        let of_user = locked(&format!("{}-uid-{uid}", costly.word), try_once)?;
        let of_all =
            (0..costly.most).find_map(|n| locked(&format!("{}-{n}", costly.word), try_once))?;
        Some(Self { _of_user: of_user, _of_all: of_all })
    }

    /// Waits for a turn of a user. Only for operations that take well under a second. `None` if the folder of the lock
    /// files cannot be used.
    pub(crate) fn wait_for(costly: Costly, uid: u32) -> Option<Self> {
        let wait = FlockOperation::LockExclusive;
        let of_user = locked(&format!("{}-uid-{uid}", costly.word), wait)?;
        let place = uid % u32::from(costly.most);
        let of_all = locked(&format!("{}-{place}", costly.word), wait)?;
        Some(Self { _of_user: of_user, _of_all: of_all })
    }
}

fn locked(name: &str, operation: FlockOperation) -> Option<File> {
    let folder = PathBuf::from(FOLDER).join("turns");
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).ok()?;
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(false).mode(0o600).open(folder.join(name));
    let file = file.ok()?;
    flock(&file, operation).ok()?;
    Some(file)
}
