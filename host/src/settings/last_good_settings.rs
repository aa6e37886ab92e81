//! Writes twinlock.toml and `settings.good`, a copy of the last version that had no errors. Logins use the copy while
//! twinlock.toml has an error.

use rustix::{
    fd::OwnedFd,
    fs::{self, AtFlags},
    io::{self, Errno},
};
use twinlock_core::{
    base::error::{FileError, MachineError},
    policy::{last_good, settings::SETTINGS_MAX},
    ports::Entropy,
};

use crate::{
    entropy::KernelEntropy,
    settings::{
        self,
        swap_file::{DecideContent, SwapContent, SwapError, SwapFile, write},
    },
    trusted_dir::{self, Owner, READABLE},
    trusted_path,
};

/// The permission bits that a settings file may have: root writes it, all users may read it.
const MODE_MAX: u32 = 0o644;

/// Stores `content` together with the rules in the file `rules_path` as `settings.good`, next to the settings file.
///
/// # Errors
/// [`FileError`] if the rules cannot be read or `settings.good` cannot be written.
pub fn keep(
    settings_path: &str,
    rules_path: &str,
    content: &SwapContent,
    owner: Owner,
) -> Result<(), FileError> {
    let text = String::from_utf8_lossy(&content.bytes);
    let mode = content.mode;
    remove_unusable(settings_path, owner);
    change(settings_path, owner, &mut |_| both(&text, rules_path, mode, owner).map(Some))
}

/// Removes a `settings.good` that no login would trust, so that it does not prevent writing a new one.
fn remove_unusable(settings_path: &str, owner: Owner) {
    let path = settings::last_good_path(settings_path);
    let found = trusted_dir::read_file(&path, owner, READABLE, last_good::LAST_GOOD_MAX);
    let is_usable = |fault| trusted_dir::is_absent(fault) || matches!(fault, FileError::Io { .. });
    if !found.map_or_else(is_usable, |_| true) {
        let _ = fs::unlink(&path);
    }
}

/// Replaces the rules in `settings.good`, if it exists and can be read, by those in the file `rules_path`.
///
/// # Errors
/// [`FileError`] if the rules cannot be read or `settings.good` cannot be written.
pub fn keep_rules(settings_path: &str, rules_path: &str, owner: Owner) -> Result<(), FileError> {
    let path = settings::last_good_path(settings_path);
    change(settings_path, owner, &mut |before| {
        let Ok(mode) = fs::stat(&path).map(|found| found.st_mode) else { return Ok(None) };
        let text = std::str::from_utf8(before).ok();
        // If the copy has a form that cannot be read, no login uses it. It is left as it is for the administrator.
        let Some((kept, _)) = text.and_then(last_good::split) else { return Ok(None) };
        both(kept, rules_path, mode, owner).map(Some)
    })
}

fn both(text: &str, rules_path: &str, mode: u32, owner: Owner) -> Result<SwapContent, FileError> {
    let rules = match trusted_dir::read_file(rules_path, owner, READABLE, SETTINGS_MAX) {
        Err(fault) if trusted_dir::is_absent(fault) => Vec::new(),
        read => read?,
    };
    let joined = last_good::join(text, &String::from_utf8_lossy(&rules));
    Ok(SwapContent { bytes: joined.into_bytes(), mode: mode & MODE_MAX })
}

fn change(
    settings_path: &str,
    owner: Owner,
    decide: DecideContent<'_, FileError>,
) -> Result<(), FileError> {
    let path = settings::last_good_path(settings_path);
    let file =
        SwapFile::open(&path, last_good::LAST_GOOD_MAX, owner).map_err(|found| found.fault)?;
    let mut same = |before: &[u8]| {
        let after = decide(before)?;
        let mode = fs::stat(&path).map(|found| found.st_mode & 0o7777);
        Ok(after.filter(|after| after.bytes != before || mode != Ok(after.mode)))
    };
    match file.change(&mut same) {
        Ok(_) => Ok(()),
        Err(SwapError::Declined(fault) | SwapError::Store(fault)) => Err(fault),
        Err(SwapError::Busy) => Err(trusted_dir::fault(Errno::AGAIN)),
    }
}

/// Replaces the settings file atomically.
///
/// # Errors
/// [`FileError`] if the new file cannot be written; the previous file is then unchanged.
pub fn replace(settings_path: &str, content: &SwapContent, owner: Owner) -> Result<(), FileError> {
    let opened = trusted_path::folder_to_write(settings_path, owner);
    let (folder, name) = opened.map_err(|found| found.fault)?;
    let content = SwapContent { mode: content.mode & MODE_MAX, ..content.clone() };
    put(&folder, name, &content, owner).map_err(trusted_dir::fault)
}

/// Number of times that this process writes a temporary file while other processes remove it.
const ROUNDS: usize = 8;

fn put(folder: &OwnedFd, name: &str, content: &SwapContent, owner: Owner) -> io::Result<()> {
    for _ in 0..ROUNDS {
        match put_once(folder, name, content, owner) {
            Err(Errno::NOENT) => {}
            done => return done,
        }
    }
    Err(Errno::AGAIN)
}

fn put_once(folder: &OwnedFd, name: &str, content: &SwapContent, owner: Owner) -> io::Result<()> {
    let mut nonce = [0; 8];
    KernelEntropy.fill(&mut nonce).map_err(|MachineError| Errno::IO)?;
    let temporary = format!("{name}.{:016x}", u64::from_ne_bytes(nonce));
    let placed = write(folder, &temporary, content, owner)
        .and_then(|()| fs::renameat(folder, &temporary, folder, name));
    if placed.is_err() {
        let _ = fs::unlinkat(folder, &temporary, AtFlags::empty());
    }
    placed?;
    fs::fsync(folder)?;
    sweep(folder, name);
    Ok(())
}

/// Removes temporary files that interrupted processes left. Best effort.
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
