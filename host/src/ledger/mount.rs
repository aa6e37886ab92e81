//! Checks whether a folder is a mount point.

use std::os::fd::{AsFd, BorrowedFd};

use rustix::{
    fs::{self, AtFlags, CWD, FileType, ResolveFlags, StatxAttributes, StatxFlags},
    io::{self, Errno},
};
use twinlock_core::base::error::LedgerError;

use crate::{
    open_beneath,
    trusted_dir::{Owner, PRIVATE, TrustedDir},
};

/// Properties of a folder. If the kernel reports mount points (Linux 5.8), one system call returns all of them.
struct MountState {
    mode: u32,
    user: u32,
    is_mounted: bool,
}

/// Checks by path that a folder is a mount point and accessible to the owner only.
pub(crate) fn check(path: &str, owner: Owner) -> Result<(), LedgerError> {
    judge(look(CWD, path), owner)
}

/// Opens a folder that must be a mount point. Refuses a symbolic link anywhere in the path. If the kernel reports mount
/// points, this check costs a login no additional system call.
pub(crate) fn open(path: &str, owner: Owner) -> Result<TrustedDir, LedgerError> {
    let fd = open_beneath::folder(CWD, path, ResolveFlags::NO_SYMLINKS).map_err(fault)?;
    judge(look(fd.as_fd(), ""), owner)?;
    Ok(TrustedDir::of_checked(fd, owner))
}

/// Returns whether a path is a mount point, regardless of its owner.
///
/// # Errors
/// The errno if the path cannot be examined.
#[cfg(feature = "tools")]
pub(crate) fn is_at(path: &str) -> io::Result<bool> {
    look(CWD, path).map(|seen| seen.is_mounted)
}

/// Returns the error for a folder that is not a usable mount point. A missing mount is reported before a wrong owner or
/// mode, because the folder that the mount would hide may have any mode.
fn judge(seen: io::Result<MountState>, owner: Owner) -> Result<(), LedgerError> {
    let seen = seen.map_err(fault)?;
    if FileType::from_raw_mode(seen.mode) != FileType::Directory {
        return Err(LedgerError::Untrusted);
    }
    if !seen.is_mounted {
        return Err(LedgerError::NotMounted);
    }
    let private = seen.user == owner.0 && seen.mode & PRIVATE == 0;
    private.then_some(()).ok_or(LedgerError::Untrusted)
}

fn fault(errno: Errno) -> LedgerError {
    match errno {
        Errno::NOENT => LedgerError::NotMounted,
        Errno::LOOP | Errno::NOTDIR => LedgerError::Untrusted,
        other => LedgerError::Io { errno: other.raw_os_error() },
    }
}

fn look(from: BorrowedFd<'_>, path: &str) -> io::Result<MountState> {
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::EMPTY_PATH | AtFlags::NO_AUTOMOUNT;
    match fs::statx(from, path, flags, StatxFlags::BASIC_STATS) {
        Ok(found) if found.stx_attributes_mask.contains(StatxAttributes::MOUNT_ROOT) => {
            Ok(MountState {
                mode: found.stx_mode.into(),
                user: found.stx_uid,
                is_mounted: found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT),
            })
        }
        Ok(_) | Err(Errno::NOSYS) => look_by_device(from, path),
        Err(errno) => Err(errno),
    }
}

/// Compares the device of the folder with that of its parent, for kernels before 5.8.
fn look_by_device(from: BorrowedFd<'_>, path: &str) -> io::Result<MountState> {
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::EMPTY_PATH;
    let own = fs::statat(from, path, flags)?;
    let above = if path.is_empty() { "..".to_owned() } else { [path, "/.."].concat() };
    let is_folder = FileType::from_raw_mode(own.st_mode) == FileType::Directory;
    let above = if is_folder { fs::statat(from, above, AtFlags::empty())? } else { own };
    Ok(MountState { mode: own.st_mode, user: own.st_uid, is_mounted: own.st_dev != above.st_dev })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_points_are_told_from_folders() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().canonicalize().unwrap();
        let path = path.to_str().unwrap();
        let owner = Owner(rustix::process::getuid().as_raw());
        assert_eq!(check(path, owner), Err(LedgerError::NotMounted));
        assert_eq!(open(path, owner).unwrap_err(), LedgerError::NotMounted);
        assert_eq!(check(&format!("{path}/none"), owner), Err(LedgerError::NotMounted));
        std::fs::write(format!("{path}/file"), "").unwrap();
        assert_eq!(check(&format!("{path}/file"), owner), Err(LedgerError::Untrusted));
        std::os::unix::fs::symlink("/proc", format!("{path}/link")).unwrap();
        assert_eq!(open(&format!("{path}/link"), owner).unwrap_err(), LedgerError::Untrusted);
        assert_eq!(check(&format!("{path}/link"), owner), Err(LedgerError::Untrusted));
    }

    #[test]
    fn both_ways_of_looking_agree() {
        for (path, is_mounted) in [("/proc", true), ("/proc/self", false), ("/dev/null/x", false)] {
            let both = [look(CWD, path), look_by_device(CWD, path)];
            let agreed = both.map(|seen| seen.is_ok_and(|seen| seen.is_mounted));
            assert_eq!(agreed, [is_mounted; 2], "{path}");
        }
    }
}
