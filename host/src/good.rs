//! The last settings that passed the check, kept beside the settings file for the day when that has a mistake.

use rustix::{
    fd::{AsFd, OwnedFd},
    fs::{self, AtFlags, CWD, Mode, OFlags},
    io::{self, Errno},
};
use twinlock_core::{
    fault::{MachineFault, StoreFault},
    ports::Entropy,
};

use crate::{
    entropy::KernelEntropy,
    place::{self, Owner},
    settings::{self, GOOD},
};

/// Keeps `text` as `settings.good` beside the settings file: whole, or not at all.
///
/// # Errors
/// [`StoreFault`]; what was there before then stands.
pub fn keep(settings_path: &str, text: &[u8], owner: Owner) -> Result<(), StoreFault> {
    let folder = settings::beside(settings_path, "");
    let folder = if folder.is_empty() { "." } else { &folder };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = fs::openat(CWD, folder, flags, Mode::empty()).map_err(place::fault)?;
    put(&folder, GOOD, (text, owner)).map_err(place::fault)
}

/// Puts `text` in the place of the settings file: whole, or not at all. It is then readable by everybody.
///
/// # Errors
/// [`StoreFault`]; what was there before then stands.
pub fn replace(settings_path: &str, text: &[u8], owner: Owner) -> Result<(), StoreFault> {
    let (folder, name) = settings_path.rsplit_once('/').unwrap_or((".", settings_path));
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = if folder.is_empty() { "/" } else { folder };
    let folder = fs::openat(CWD, folder, flags, Mode::empty()).map_err(place::fault)?;
    put(&folder, name, (text, owner)).map_err(place::fault)
}

/// How often somebody else's change may sweep the temporary file away.
const ROUNDS: usize = 8;

fn put(folder: &OwnedFd, name: &str, text: (&[u8], Owner)) -> io::Result<()> {
    for _ in 0..ROUNDS {
        match put_once(folder, name, text) {
            Err(Errno::NOENT) => {}
            done => return done,
        }
    }
    Err(Errno::AGAIN)
}

fn put_once(folder: &OwnedFd, name: &str, (text, owner): (&[u8], Owner)) -> io::Result<()> {
    let mut nonce = [0; 8];
    KernelEntropy.fill(&mut nonce).map_err(|MachineFault| Errno::IO)?;
    let temporary = format!("{name}.{:016x}", u64::from_ne_bytes(nonce));
    let placed = write(folder, &temporary, (text, owner))
        .and_then(|()| fs::renameat(folder, &temporary, folder, name));
    if placed.is_err() {
        let _ = fs::unlinkat(folder, &temporary, AtFlags::empty());
    }
    placed?;
    fs::fsync(folder)?;
    sweep(folder, name);
    Ok(())
}

/// Takes away what was being written when somebody was cut off. What stays does no harm.
pub(crate) fn sweep(folder: &OwnedFd, name: &str) {
    let Ok(entries) = fs::Dir::read_from(folder) else { return };
    let temporary = |file: &str| {
        let nonce = file.strip_prefix(name).and_then(|rest| rest.strip_prefix('.'));
        nonce.is_some_and(|nonce| {
            nonce.len() == 16 && nonce.bytes().all(|digit| digit.is_ascii_hexdigit())
        })
    };
    for entry in entries.flatten() {
        if let Ok(file) = entry.file_name().to_str()
            && temporary(file)
        {
            let _ = fs::unlinkat(folder, file, AtFlags::empty());
        }
    }
}

fn write(folder: &OwnedFd, name: &str, (text, owner): (&[u8], Owner)) -> io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let fd = fs::openat(folder.as_fd(), name, flags, Mode::RUSR | Mode::WUSR)?;
    place::give_to(&fd, owner)?;
    let mut written = 0;
    while let Some(rest) = text.get(written..).filter(|rest| !rest.is_empty()) {
        match io::write(&fd, rest) {
            Ok(0) => return Err(Errno::NOSPC),
            Ok(count) => written += count,
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    // Readable by everybody, as the settings are, and only now that all of it is there.
    fs::fchmod(&fd, Mode::from_raw_mode(0o644))?;
    fs::fsync(&fd)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_is_kept_stands_in_for_settings_with_a_mistake() {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path().canonicalize().unwrap();
        let path = base.join("twinlock.toml");
        let path = path.to_str().unwrap();
        let owner = Owner(rustix::process::getuid().as_raw());
        for text in ["window = 3\n", "window = 4\n"] {
            std::fs::write(base.join(format!("{GOOD}.0123456789abcdef")), "cut o").unwrap();
            keep(path, text.as_bytes(), owner).unwrap();
            assert_eq!(std::fs::read_to_string(base.join(GOOD)).unwrap(), text);
        }
        let mode = std::fs::metadata(base.join(GOOD)).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o644);
        assert_eq!(std::fs::read_dir(&base).unwrap().count(), 1);
        std::fs::write(path, "windwo = 4").unwrap();
        assert_eq!(settings::load(path, owner).unwrap().policy.window, 4);
        replace(path, b"window = 5\n", owner).unwrap();
        assert_eq!(std::fs::read_to_string(path).unwrap(), "window = 5\n");
        assert_eq!(std::fs::read_dir(&base).unwrap().count(), 2);
        let elsewhere = base.join("none/twinlock.toml");
        let absent = keep(elsewhere.to_str().unwrap(), b"", owner);
        assert_eq!(absent, Err(StoreFault::FolderMissing));
    }
}
