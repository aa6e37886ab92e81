//! Turns: how many processes of the agent do something costly at the same time. The kernel ends a turn with its
//! process, and no user can stop a worker, so nobody can keep a turn.

use std::{
    fs::{self, File, OpenOptions},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::PathBuf,
};

use rustix::fs::{FlockOperation, flock};

const FOLDER: &str = "/run/twinlock-agent";

/// A turn, which ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    _of_user: File,
    _of_all: File,
}

/// What is costly, and how often it may happen at the same time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Costly {
    /// The start of the file names.
    pub(crate) word: &'static str,
    /// How often it may happen at the same time; once for each user.
    pub(crate) most: u8,
}

/// The check of a password: one for each user, eight in all.
pub(crate) const PASSWORD: Costly = Costly { word: "password", most: 8 };
/// The comparison of a backup code (Argon2id): one for each user, four in all.
pub(crate) const ARGON: Costly = Costly { word: "argon", most: 4 };

impl Turn {
    /// Takes a turn of a user; `None` if the user has one already, or too many others have.
    pub(crate) fn take(costly: Costly, uid: u32) -> Option<Self> {
        let try_once = FlockOperation::NonBlockingLockExclusive;
        let of_user = locked(&format!("{}-uid-{uid}", costly.word), try_once)?;
        let of_all =
            (0..costly.most).find_map(|n| locked(&format!("{}-{n}", costly.word), try_once))?;
        Some(Self { _of_user: of_user, _of_all: of_all })
    }

    /// Waits for a turn of a user, for what takes well under a second; `None` if the folder cannot be used.
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
