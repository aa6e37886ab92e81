//! Replaces one file of the host atomically and durably: another process reads either the old or the new content, and
//! after a power failure no file is incomplete.

use std::{
    fs::File,
    io::{self, Read, Write},
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

use rustix::fs::{self, AtFlags, CWD, FileType, Gid, Mode, OFlags, Uid};
use twinlock_core::ports::Entropy;
use twinlock_host::entropy::KernelEntropy;

/// Maximum size in bytes of a file that is read.
const SIZE_MAX: u64 = 1 << 20;
/// Text in the name of a draft, which is the file that will be renamed to the final name. The text stands between the
/// final name and a random part.
const DRAFT: &str = ".twinlock.";
/// Permission bits in the mode of a file.
const PERMISSIONS: u32 = 0o7777;

/// Content of a file, with its owner and permissions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileContent {
    /// The whole content of the file.
    pub bytes: Vec<u8>,
    /// Owner and permissions of the file.
    pub attributes: Attributes,
}

/// Owner, group and permissions of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Attributes {
    /// Permission bits of the file, at most 0o7777.
    pub mode: u32,
    /// User id of the file's owner.
    pub uid: u32,
    /// Group id of the file.
    pub gid: u32,
}

impl Attributes {
    /// Attributes of a new file: root owns it and can write to it, everybody can read it.
    pub const NEW: Self = Self { mode: 0o644, uid: 0, gid: 0 };
    /// Attributes of a new file of sudo: only root and its group can read it, and nobody can write to it.
    pub const OF_SUDO: Self = Self { mode: 0o440, ..Self::NEW };
}

/// Reads a regular file; `None` if it does not exist.
///
/// # Errors
/// [`io::Error`] if the path names another kind of file, such as a symbolic link, or if the file cannot be read or is
/// larger than 1 MiB.
pub fn read(path: &str) -> io::Result<Option<FileContent>> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let fd = match fs::openat(CWD, path, flags, Mode::empty()) {
        Err(rustix::io::Errno::NOENT) => return Ok(None),
        Err(rustix::io::Errno::LOOP) => return Err(io::Error::other("it is a symbolic link")),
        opened => opened?,
    };
    let stat = fs::fstat(&fd)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(io::Error::other("it is not a regular file"));
    }
    let attributes =
        Attributes { mode: stat.st_mode & PERMISSIONS, uid: stat.st_uid, gid: stat.st_gid };
    let mut bytes = Vec::new();
    if File::from(fd).take(SIZE_MAX + 1).read_to_end(&mut bytes)? as u64 > SIZE_MAX {
        return Err(io::Error::other("it is too large"));
    }
    Ok(Some(FileContent { bytes, attributes }))
}

/// Replaces the file `path` by a file with this content; with `None`, removes it. Removing a missing file is no error.
///
/// # Errors
/// [`io::Error`] if the file cannot be written or removed; the old file is then still in place. Also if the folder
/// cannot be synced; the change is then made, but may be lost in a power failure.
pub fn replace(path: &str, content: Option<&FileContent>) -> io::Result<()> {
    let odd = || io::Error::other("it is no path of a file");
    let (folder, name) =
        path.rsplit_once('/').filter(|(_, name)| !name.is_empty()).ok_or_else(odd)?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = if folder.is_empty() { "/" } else { folder };
    let folder = fs::openat(CWD, Path::new(folder), flags, Mode::empty())?;
    match content {
        None => match fs::unlinkat(&folder, name, AtFlags::empty()) {
            Ok(()) | Err(rustix::io::Errno::NOENT) => {}
            Err(errno) => return Err(errno.into()),
        },
        Some(content) => {
            // sshd and libpam ignore a file with such a name: sshd includes `*.conf`, and no service has a name that
            // begins with a dot.
            let draft = format!(".{name}{DRAFT}{}", unique()?);
            let written = write(&folder, &draft, content)
                .and_then(|()| Ok(fs::renameat(&folder, &draft, &folder, name)?));
            if written.is_err() {
                let _ = fs::unlinkat(&folder, &draft, AtFlags::empty());
            }
            written?;
        }
    }
    Ok(fs::fsync(&folder)?)
}

/// Removes the drafts of the file `path` that killed processes have left behind. Ignores errors.
pub fn sweep(path: &str) {
    let Some((folder, name)) = path.rsplit_once('/') else { return };
    for draft in abandoned(Path::new(folder), &format!(".{name}{DRAFT}")) {
        let _ = std::fs::remove_file(draft);
    }
}

/// Removes the drafts that killed processes have left behind of all files in the folder whose names begin with `begin`.
/// Ignores errors.
pub(crate) fn sweep_all(folder: &Path, begin: &str) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_str().and_then(|name| name.strip_prefix('.'));
        let name = name.and_then(|name| name.rsplit_once(DRAFT)).map(|(name, _)| name);
        if let Some(name) = name.filter(|name| name.starts_with(begin)) {
            sweep(&folder.join(name).display().to_string());
        }
    }
}

/// Returns the paths of the entries of a folder that were left behind by processes that have ended. The name of such an
/// entry is `begin` followed by a result of [`unique`], which contains the id of the process.
pub(crate) fn abandoned(folder: &Path, begin: &str) -> Vec<PathBuf> {
    let is_gone = |name: &str| {
        let process = name.strip_prefix(begin).and_then(|rest| rest.get(..8));
        let process = process.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        process.is_some_and(|process| !Path::new(&format!("/proc/{process}")).exists())
    };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let gone = entries.filter(|entry| entry.file_name().to_str().is_some_and(is_gone));
    gone.map(|entry| entry.path()).collect()
}

/// Returns a text that makes a name unique: 16 hexadecimal digits. The first eight are the process id, the others
/// random.
///
/// # Errors
/// [`io::Error`] if there are no random bytes.
pub(crate) fn unique() -> io::Result<String> {
    let mut nonce = [0; 4];
    KernelEntropy.fill(&mut nonce).map_err(|_| io::Error::other("there are no random bytes"))?;
    Ok(format!("{:08x}{:08x}", std::process::id(), u32::from_ne_bytes(nonce)))
}

/// Writes a new file into the folder, with its owner and permissions, and syncs it to disk.
///
/// # Errors
/// [`io::Error`] if a file with the name exists, or if the file cannot be written.
pub(crate) fn write(folder: &OwnedFd, name: &str, content: &FileContent) -> io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut file = File::from(fs::openat(folder, name, flags, Mode::RUSR | Mode::WUSR)?);
    file.write_all(&content.bytes)?;
    let Attributes { mode, uid, gid } = content.attributes;
    let stat = fs::fstat(&file)?;
    if [stat.st_uid, stat.st_gid] != [uid, gid] {
        fs::fchown(&file, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))?;
    }
    fs::fchmod(&file, Mode::from_raw_mode(mode))?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_owner_and_mode_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sshd").display().to_string();
        assert_eq!(read(&path).unwrap(), None);
        std::fs::write(&path, "one\n").unwrap();
        fs::chmodat(CWD, &path, Mode::from_raw_mode(0o640), AtFlags::empty()).unwrap();
        let before = read(&path).unwrap().unwrap();
        assert_eq!(before.attributes.mode, 0o640);
        let after = FileContent { bytes: b"two\n".to_vec(), ..before.clone() };
        replace(&path, Some(&after)).unwrap();
        assert_eq!(read(&path).unwrap(), Some(after));
        replace(&path, None).unwrap();
        replace(&path, None).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn drafts_of_dead_processes_are_swept() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let own = format!(".su.twinlock.{}", unique().unwrap());
        for name in
            [&own, ".su.twinlock.ffffffff00000000", ".sudo.twinlock.ffffffff00000000", ".su.x"]
        {
            std::fs::write(path(name), "").unwrap();
        }
        sweep(&path("su"));
        let left = |name: &str| Path::new(&path(name)).exists();
        assert!(!left(".su.twinlock.ffffffff00000000"));
        assert!(left(&own) && left(".sudo.twinlock.ffffffff00000000") && left(".su.x"));
        sweep_all(folder.path(), "su");
        assert!(!left(".sudo.twinlock.ffffffff00000000") && left(&own) && left(".su.x"));
    }

    #[test]
    fn only_regular_files_are_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("link").display().to_string();
        std::os::unix::fs::symlink("/dev/null", &path).unwrap();
        assert_eq!(read(&path).unwrap_err().to_string(), "it is a symbolic link");
        let path = folder.path().display().to_string();
        assert_eq!(read(&path).unwrap_err().to_string(), "it is not a regular file");
        assert!(replace("name", None).is_err() && replace("/etc/", None).is_err());
    }
}
