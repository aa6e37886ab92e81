//! Files of a private machine, which the test process reads and writes from outside.

use std::collections::hash_map::DefaultHasher;
use std::fmt::Write as _;
use std::fs::File;
use std::hash::{Hash, Hasher};
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Gid, Mode, OFlags, ResolveFlags, Uid};
use rustix::io::Errno;

use crate::machine::Machine;

/// A path inside a machine. Symbolic links on the path are resolved inside the machine.
#[derive(Clone, Copy)]
pub struct MachineFile<'m> {
    machine: &'m Machine,
    path: &'m str,
}

impl Machine {
    /// Returns the file at `path`, which need not exist.
    pub fn file<'m>(&'m self, path: &'m str) -> MachineFile<'m> {
        MachineFile { machine: self, path }
    }

    /// Returns a path by which the test process reaches the machine's file `path`. It is valid while the machine
    /// exists.
    pub fn outside(&self, path: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{path}", self.holder().pid()))
    }

    /// Returns a listing of all files below `path`: type, mode, owner, inode, time of change, and the hash of the
    /// content or the target of a link. If two listings are equal, nothing was written in between.
    pub fn tree(&self, path: &str) -> String {
        let folder = self.file(path).open(OFlags::PATH);
        let mut lines = Vec::new();
        list(&reached(&folder), Path::new(path), &mut lines);
        lines.sort();
        lines.join("\n")
    }
}

impl MachineFile<'_> {
    /// Returns the content as text.
    pub fn read(&self) -> String {
        String::from_utf8_lossy(&self.bytes()).into_owned()
    }

    /// Returns the content as bytes.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        File::from(self.open(OFlags::RDONLY))
            .read_to_end(&mut bytes)
            .unwrap_or_else(|e| self.fail("cannot be read", e));
        bytes
    }

    /// Writes the content, and creates the file if it is missing. A new file belongs to root and has mode 0644.
    pub fn write(&self, content: impl AsRef<[u8]>) -> &Self {
        self.put(OFlags::TRUNC, content.as_ref())
    }

    /// Appends to the content of the file.
    pub fn append(&self, content: impl AsRef<[u8]>) -> &Self {
        self.put(OFlags::APPEND, content.as_ref())
    }

    /// Returns whether a file of any type exists at the path, a broken symbolic link included.
    pub fn exists(&self) -> bool {
        match self.try_open(OFlags::PATH | OFlags::NOFOLLOW) {
            Ok(_) => true,
            Err(Errno::NOENT | Errno::NOTDIR) => false,
            Err(e) => self.fail("cannot be looked at", e.into()),
        }
    }

    /// Sets the permission bits of the file.
    pub fn mode(&self, mode: u32) -> &Self {
        let file = File::from(self.open(OFlags::RDONLY));
        file.set_permissions(std::fs::Permissions::from_mode(mode))
            .unwrap_or_else(|e| self.fail("takes no mode", e));
        self
    }

    /// Sets both the user id and the group id of the file to `id`.
    pub fn owner(&self, id: u32) -> &Self {
        let file = self.open(OFlags::RDONLY);
        rustix::fs::fchown(&file, Some(Uid::from_raw(id)), Some(Gid::from_raw(id)))
            .unwrap_or_else(|e| self.fail("takes no owner", e.into()));
        self
    }

    /// Creates a folder at the path. The folder above it must exist.
    pub fn make_folder(&self) -> &Self {
        let (folder, name) = self.parent();
        rustix::fs::mkdirat(&folder, name, Mode::from_raw_mode(0o755))
            .unwrap_or_else(|e| self.fail("cannot be made", e.into()));
        self.mode(0o755)
    }

    /// Creates a symbolic link to `target` at the path. An existing file or link there is replaced.
    pub fn link_to(&self, target: &str) -> &Self {
        let (folder, name) = self.parent();
        let _ = rustix::fs::unlinkat(&folder, name, rustix::fs::AtFlags::empty());
        rustix::fs::symlinkat(target, &folder, name)
            .unwrap_or_else(|e| self.fail("cannot be made", e.into()));
        self
    }

    /// Returns the path to which the symbolic link points.
    pub fn target(&self) -> String {
        let (folder, name) = self.parent();
        rustix::fs::readlinkat(&folder, name, Vec::new())
            .unwrap_or_else(|e| self.fail("is no link", e.into()))
            .into_string()
            .expect("a link's target in UTF-8")
    }

    /// Removes the file or link.
    pub fn remove(&self) -> &Self {
        let (folder, name) = self.parent();
        rustix::fs::unlinkat(&folder, name, rustix::fs::AtFlags::empty())
            .unwrap_or_else(|e| self.fail("cannot be removed", e.into()));
        self
    }

    /// Opens the folder that contains the file. Returns its descriptor, and the name of the file. A path through the
    /// descriptor is valid while it is open.
    pub(crate) fn parent(&self) -> (OwnedFd, &str) {
        let (folder, name) = self.path.rsplit_once('/').expect("an absolute path");
        let folder = MachineFile {
            machine: self.machine,
            path: if folder.is_empty() { "/" } else { folder },
        };
        (folder.open(OFlags::PATH | OFlags::DIRECTORY), name)
    }

    fn put(&self, how: OFlags, content: &[u8]) -> &Self {
        let is_new = !self.exists();
        File::from(self.open(OFlags::WRONLY | OFlags::CREATE | how))
            .write_all(content)
            .unwrap_or_else(|e| self.fail("cannot be written", e));
        // Independent of the test process's umask.
        if is_new { self.mode(0o644) } else { self }
    }

    fn open(&self, flags: OFlags) -> OwnedFd {
        self.try_open(flags).unwrap_or_else(|e| self.fail("cannot be opened", e.into()))
    }

    fn try_open(&self, flags: OFlags) -> Result<OwnedFd, Errno> {
        let mode =
            if flags.contains(OFlags::CREATE) { Mode::from_raw_mode(0o644) } else { Mode::empty() };
        rustix::fs::openat2(
            self.machine.holder().root(),
            self.path,
            flags | OFlags::CLOEXEC,
            mode,
            ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS,
        )
    }

    fn fail(&self, what: &str, error: std::io::Error) -> ! {
        panic!("{} in the private machine {what}: {error}", self.path)
    }
}

/// Returns a path by which this process reaches an open file or folder.
pub(crate) fn reached(fd: &OwnedFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", fd.as_raw_fd()))
}

fn list(real: &Path, shown: &Path, lines: &mut Vec<String>) {
    let Ok(meta) = std::fs::metadata(real) else {
        return;
    };
    lines.push(line(real, shown, &meta));
    for entry in std::fs::read_dir(real).into_iter().flatten().flatten() {
        let shown = shown.join(entry.file_name());
        let Ok(meta) = entry.metadata() else { continue };
        if meta.is_dir() {
            list(&entry.path(), &shown, lines);
        } else {
            lines.push(line(&entry.path(), &shown, &meta));
        }
    }
}

fn line(real: &Path, shown: &Path, meta: &std::fs::Metadata) -> String {
    let mut text = format!(
        "{} {:o} {}:{} inode {} changed {}.{:09}",
        shown.display(),
        meta.mode(),
        meta.uid(),
        meta.gid(),
        meta.ino(),
        meta.mtime(),
        meta.mtime_nsec(),
    );
    if meta.is_symlink() {
        let target = std::fs::read_link(real).unwrap_or_default();
        let _ = write!(text, " -> {}", target.display());
    } else if meta.is_file() {
        let (mut hash, mut bytes) = (DefaultHasher::new(), Vec::new());
        // Only the first MiB is hashed, because a file may be a sparse gigabyte; length and change time represent the
        // rest.
        if let Ok(file) = File::open(real) {
            let _ = file.take(1 << 20).read_to_end(&mut bytes);
        }
        bytes.hash(&mut hash);
        let _ = write!(text, " {} bytes {:016x}", meta.len(), hash.finish());
    } else if meta.file_type().is_fifo() {
        text.push_str(" fifo");
    }
    text
}
