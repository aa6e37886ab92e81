//! The settings file, and the last good one in its place when it cannot be used.

use twinlock_core::{
    fault::StoreFault,
    format::{
        comments,
        settings::{self as form, Mistake, SETTINGS_MAX},
    },
    policy::Policy,
};

use crate::place::{self, Owner, READABLE};

/// Where settings are when a PAM line says nothing else.
pub const PATH: &str = "/etc/twinlock/twinlock.toml";
/// The last file that passed the check, beside the settings.
pub const GOOD: &str = "settings.good";

/// Why a settings file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingsFault {
    /// It cannot be trusted or read.
    File(StoreFault),
    /// It has a mistake.
    Mistake(Mistake),
}

/// What was loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// The settings in force.
    pub policy: Policy,
    /// Why the file itself could not be used, where the last good one stands in.
    pub stands_in_for: Option<SettingsFault>,
}

const ABSENT: SettingsFault = SettingsFault::File(StoreFault::FolderMissing);

/// Loads the settings in force: the file, else the last good one; no file at all is the default.
///
/// # Errors
/// [`SettingsFault`] of the file, when no good one stands in.
pub fn load(path: &str, owner: Owner) -> Result<Loaded, SettingsFault> {
    let loaded = load_named(path, owner);
    if loaded == Err(ABSENT) && read(&good_beside(path), owner) == Err(ABSENT) {
        return Ok(Loaded { policy: Policy::default(), stands_in_for: None });
    }
    loaded
}

/// As [`load`], for a file that somebody has named, so that its absence is a mistake.
///
/// # Errors
/// [`SettingsFault`] of the file, when no good one stands in.
pub fn load_named(path: &str, owner: Owner) -> Result<Loaded, SettingsFault> {
    match read(path, owner) {
        Ok(policy) => Ok(Loaded { policy, stands_in_for: None }),
        Err(fault) => match read(&good_beside(path), owner) {
            Ok(policy) => Ok(Loaded { policy, stands_in_for: Some(fault) }),
            Err(_) => Err(fault),
        },
    }
}

/// Reads one settings file.
///
/// # Errors
/// [`SettingsFault`].
pub fn read(path: &str, owner: Owner) -> Result<Policy, SettingsFault> {
    let bytes =
        place::read_file(path, (owner, READABLE), SETTINGS_MAX).map_err(SettingsFault::File)?;
    // As the file is shipped: a login need not wake the parser for that.
    if comments::stand_alone(&bytes) {
        return Ok(Policy::default());
    }
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count();
        let line = u32::try_from(line).unwrap_or(u32::MAX).saturating_add(1);
        SettingsFault::Mistake(Mistake { line, what: "not UTF-8".into() })
    })?;
    form::read(text).map_err(SettingsFault::Mistake)
}

/// The path of `settings.good` beside a settings file.
#[must_use]
pub fn good_beside(path: &str) -> String {
    beside(path, GOOD)
}

/// The path of another file beside a settings file.
#[must_use]
pub fn beside(path: &str, name: &str) -> String {
    match path.rsplit_once('/') {
        Some((folder, _)) => [folder, "/", name].concat(),
        None => name.into(),
    }
}

impl SettingsFault {
    /// One clause for the log: what is wrong, and where.
    #[must_use]
    pub fn clause(&self, path: &str) -> String {
        match self {
            Self::File(fault) => format!("{path}: {}", of_file(*fault)),
            Self::Mistake(mistake) => format!("{path}:{}: {}", mistake.line, mistake.what),
        }
    }
}

fn of_file(fault: StoreFault) -> String {
    let clause = match fault {
        StoreFault::FolderMissing => "is missing",
        StoreFault::Symlink => "a symbolic link stands in the path; name the file itself",
        StoreFault::WrongKind => "is no regular file",
        StoreFault::WrongOwner => "does not belong to root; chown root",
        StoreFault::TooOpen => "others than root can write to it; chmod go-w",
        StoreFault::HardLink => "has a second name (a hard link)",
        StoreFault::TooLarge => "is larger than 64 KiB",
        StoreFault::Io { errno } => return format!("cannot be read (errno {errno})"),
        StoreFault::StoreIdMissing
        | StoreFault::StoreIdMismatch
        | StoreFault::Malformed { .. }
        | StoreFault::Newer { .. }
        | StoreFault::OtherUid
        | StoreFault::UidOfAnother
        | StoreFault::OtherName
        | StoreFault::RecordLost
        | StoreFault::NameTooLong => fault.reason(),
    };
    clause.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn me() -> Owner {
        Owner(rustix::process::getuid().as_raw())
    }

    fn write(path: &str, text: &str) {
        std::fs::write(path, text).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).unwrap();
    }

    fn files() -> (tempfile::TempDir, String, String) {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path().canonicalize().unwrap();
        let base = base.to_str().unwrap();
        (folder, format!("{base}/twinlock.toml"), format!("{base}/{GOOD}"))
    }

    #[test]
    fn no_file_is_the_default() {
        let (_folder, path, good) = files();
        assert_eq!(load(&path, me()).unwrap().policy, Policy::default());
        assert!(load_named(&path, me()).unwrap_err().clause("t").contains("t: is missing"));
        write(&good, "windwo = 2");
        assert!(load(&path, me()).is_err());
        write(&good, "tries = 2");
        let loaded = load(&path, me()).unwrap();
        assert_eq!(loaded.policy.tries, 2);
        assert!(loaded.stands_in_for.is_some());
    }

    #[test]
    fn a_mistake_falls_back_to_what_was_good_and_else_refuses() {
        let (_folder, path, good) = files();
        write(&path, "window = 2\nwindwo = 1");
        let SettingsFault::Mistake(mistake) = load(&path, me()).unwrap_err() else { panic!() };
        assert_eq!(mistake.line, 2);
        write(&good, "window = 3");
        let loaded = load(&path, me()).unwrap();
        assert_eq!(loaded.policy.window, 3);
        assert!(
            loaded.stands_in_for.unwrap().clause(&path).contains("twinlock.toml:2: unknown field")
        );
        write(&good, "also bad");
        assert!(load(&path, me()).is_err());
    }

    #[test]
    fn a_file_that_others_can_write_is_not_used() {
        let (_folder, path, _) = files();
        write(&path, "window = 2");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o646)).unwrap();
        assert_eq!(load(&path, me()), Err(SettingsFault::File(StoreFault::TooOpen)));
        std::fs::write(&path, [b'#', b'\n', 0xff]).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert!(load(&path, me()).unwrap_err().clause("t").contains("t:2: not UTF-8"));
    }
}
