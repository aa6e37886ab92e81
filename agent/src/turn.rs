//! Limits how many processes of the agent run a costly operation at the same time. A turn is the right of one process
//! to run such an operation. It is a lock on two files, which the kernel releases when the process ends. Users cannot
//! pause a worker, so they cannot keep a turn for longer than the operation needs.

use std::{
    fs::{self, File, OpenOptions},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::PathBuf,
};

use rustix::fs::{FlockOperation, flock};

const FOLDER: &str = "/run/twinlock-agent";

/// The right to run a costly operation. Dropping this value gives the right back.
#[derive(Debug)]
pub(crate) struct Turn {
    _of_user: File,
    _of_all: File,
}

/// A costly operation, and how many processes may run it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Costly {
    /// The start of the names of the lock files of this operation.
    pub(crate) word: &'static str,
    /// Maximum number of processes that run the operation at the same time. For one user, at most one process runs it.
    pub(crate) most: u8,
}

/// The check of a password: one for each user at a time, eight in all.
pub(crate) const PASSWORD: Costly = Costly { word: "password", most: 8 };
/// The comparison of a backup code, which needs much memory (Argon2id): one for each user at a time, four in all.
pub(crate) const ARGON: Costly = Costly { word: "argon", most: 4 };

impl Turn {
    /// Takes a turn for the user `uid` without waiting. `None` if a process of the user already has one, or if the
    /// processes of other users have all turns.
    pub(crate) fn take(costly: Costly, uid: u32) -> Option<Self> {
        let try_once = FlockOperation::NonBlockingLockExclusive;
        let of_user = locked(&format!("{}-uid-{uid}", costly.word), try_once)?;
        let of_all =
            (0..costly.most).find_map(|n| locked(&format!("{}-{n}", costly.word), try_once))?;
        Some(Self { _of_user: of_user, _of_all: of_all })
    }

    /// Waits until no other process of the user `uid` runs the operation `costly`, and until fewer than `costly.most`
    /// processes of all users run it. Returns the turn, which allows this process to run the operation. Use this only
    /// for operations that take much less than a second. Returns `None` if the folder of the lock files cannot be used.
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
