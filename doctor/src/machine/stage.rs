//! Copies of sshd's files in a private folder. sshd reads the copies if the files to check are not at the paths where
//! sshd looks for them. The Include lines of the copies name other copies.
use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::slice;

use rustix::fs::{CWD, FlockOperation, Mode, OFlags, flock, fstat, openat};
use twinlock_core::ports::Entropy;
use twinlock_host::entropy::KernelEntropy;
use twinlock_host::programs;

use crate::machine::{ExaminedMachine, ProbeError};
use crate::pam::load::Files;
use crate::sshd::config::{DEEPEST, FILES_MAX, Patterns, criteria, included, split};
use crate::sshd::probe::{ProbeUsers, fits_group};
use crate::sshd::words::quoted;

/// Folder in which each folder with copies is created.
const PLACE: &str = "/tmp";
/// Start of the name of each folder with copies.
const PREFIX: &str = "twinlock-doctor.";

/// A folder with copies of sshd's configuration files. The folder is removed when this value is dropped.
#[derive(Debug)]
pub(super) struct Stage {
    folder: PathBuf,
    /// The folder, opened and locked with flock. If a folder with copies is not locked, the process that created it was
    /// killed, and another doctor may remove the folder.
    lock: OwnedFd,
    /// Path of each original file. The copy of the file at index N is named `N.conf`.
    copied: Vec<String>,
}

/// The machine whose files are copied. `people` are its accounts, which replace groups in `Match Group` criteria;
/// `None` if sshd can look up the groups itself.
struct StageSource<'a> {
    machine: &'a ExaminedMachine,
    people: Option<&'a ProbeUsers>,
}

impl Stage {
    /// Copies the configuration file `main` and all files that it includes.
    ///
    /// # Errors
    /// [`io::Error`] if a file cannot be read or a copy cannot be written.
    pub(super) fn of(machine: &ExaminedMachine, main: &str) -> io::Result<Self> {
        // Until the new folder is locked, another doctor may take it for a folder of a killed process and remove it. A
        // second attempt is therefore made.
        let mut stage = Self::empty().or_else(|_| Self::empty())?;
        stage.remove_left_over();
        // sshd looks up accounts on the host on which it runs, not in the examined tree.
        let people = match machine.tree.is_host() {
            true => None,
            false => Some(machine.people().map_err(|unreadable| unreadable.error)?),
        };
        stage.copy(&StageSource { machine, people: people.as_ref() }, main, 0)?;
        stage.make_host_key();
        Ok(stage)
    }

    /// Creates an empty folder with a random name, and locks it.
    fn empty() -> io::Result<Self> {
        let mut random = [0; 8];
        KernelEntropy.fill(&mut random).map_err(|_| io::Error::other("no random bytes"))?;
        let name = format!("{PREFIX}{:016x}", u64::from_ne_bytes(random));
        let folder = Path::new(PLACE).join(name);
        DirBuilder::new().mode(0o700).create(&folder)?;
        let lock = locked(&folder)?;
        fs::symlink_metadata(&folder)?;
        Ok(Self { folder, lock, copied: Vec::new() })
    }

    /// Removes the folders with copies that killed processes of the same user have left behind.
    fn remove_left_over(&self) {
        let Ok(own) = fstat(&self.lock) else { return };
        let entries = fs::read_dir(PLACE).into_iter().flatten().flatten();
        let ours = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().starts_with(PREFIX);
        for folder in entries.filter(ours).map(|entry| entry.path()) {
            let Ok(lock) = locked(&folder) else { continue };
            if fstat(&lock).is_ok_and(|found| found.st_uid == own.st_uid) {
                let _ = fs::remove_dir_all(&folder);
            }
        }
    }

    /// Returns the path of the copy of the main configuration file.
    pub(super) fn main(&self) -> PathBuf {
        self.path(0)
    }

    /// Returns the path of the host key that was made for the copies. A caller who cannot read the host's own keys can
    /// read this one. There is no file at the path if ssh-keygen failed.
    pub(super) fn host_key(&self) -> PathBuf {
        self.folder.join("key")
    }

    /// Replaces the path of each copy by the path of the original file in the error message of sshd. Leaves the output
    /// of a successful run unchanged.
    pub(super) fn restore(&self, said: Result<String, ProbeError>) -> Result<String, ProbeError> {
        said.map_err(|error| match error {
            ProbeError::Refused(said) => ProbeError::Refused(self.restored(&said)),
            ProbeError::NoProgram | ProbeError::NotCopied(_) => error,
        })
    }

    fn restored(&self, said: &str) -> String {
        let each = self.copied.iter().enumerate();
        each.fold(said.to_owned(), |said, (number, path)| {
            said.replace(&*self.path(number).to_string_lossy(), path)
        })
    }

    /// Lets an sshd with this user id, and the same number as its group id, read the copies: the user id becomes the
    /// owner of the host key, and the group gets read access to the copies. The copies keep their owner, so only the
    /// user of this process can change them.
    ///
    /// # Errors
    /// [`io::Error`] if an owner or a mode cannot be set.
    pub(super) fn share(&self, uid: u32) -> io::Result<()> {
        for number in 0..self.copied.len() {
            let path = self.path(number);
            chown(&path, None, Some(uid))?;
            fs::set_permissions(&path, Permissions::from_mode(0o640))?;
        }
        // sshd refuses a host key that belongs to sshd's own user and that a group can read.
        if self.host_key().exists() {
            chown(self.host_key(), Some(uid), None)?;
        }
        chown(&self.folder, None, Some(uid))?;
        fs::set_permissions(&self.folder, Permissions::from_mode(0o750))
    }

    fn path(&self, number: usize) -> PathBuf {
        self.folder.join(format!("{number}.conf"))
    }

    /// Copies the file `path` line by line. Also copies the files that it includes. Returns the path of the copy.
    /// `depth` is the number of Include lines that lead to the file.
    fn copy(&mut self, source: &StageSource<'_>, path: &str, depth: usize) -> io::Result<PathBuf> {
        if self.copied.len() >= FILES_MAX {
            return Err(io::Error::other(format!("{FILES_MAX} files are included, or more")));
        }
        let copy = self.path(self.copied.len());
        self.copied.push(path.to_owned());
        let mut text = String::new();
        for line in source.machine.text(path)?.lines() {
            match split(line) {
                // sshd refuses files that are included at this depth.
                Some((word, _)) if word == "include" && depth >= DEEPEST => {
                    text.push_str(&include(slice::from_ref(&copy)));
                }
                Some((word, patterns)) if word == "include" => {
                    text.push_str(&include(&self.included(source, &patterns, depth + 1)?));
                }
                Some((word, value)) if word == "match" => {
                    text.push_str(&source.matched(line, &value));
                }
                Some(_) | None => text.push_str(line),
            }
            text.push('\n');
        }
        fs::write(&copy, text)?;
        Ok(copy)
    }

    fn included(
        &mut self,
        source: &StageSource<'_>,
        patterns: &str,
        depth: usize,
    ) -> io::Result<Vec<PathBuf>> {
        let mut copies = Vec::new();
        for pattern in included(patterns) {
            let files = source.machine.matching(&pattern);
            for file in files.map_err(|unreadable| unreadable.error)? {
                copies.push(self.copy(source, &file, depth)?);
            }
        }
        Ok(copies)
    }

    /// Creates a host key in the folder of the copies, so that sshd does not need the host's own keys. Ignores a
    /// failure.
    fn make_host_key(&self) {
        let mut command = Command::new(programs::whole_path("ssh-keygen"));
        command.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(self.host_key());
        let _ = command.stdin(Stdio::null()).output();
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Opens and locks a folder. Fails if another process has locked it, or if the path is a symbolic link.
fn locked(folder: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let open = openat(CWD, folder, flags, Mode::empty())?;
    flock(&open, FlockOperation::NonBlockingLockExclusive)?;
    Ok(open)
}

/// Returns an Include line that names the files `copies`; an empty string if there are none.
fn include(copies: &[PathBuf]) -> String {
    if copies.is_empty() {
        return String::new();
    }
    let quoted = copies.iter().map(|copy| format!(" \"{}\"", copy.display()));
    format!("Include{}", quoted.collect::<String>())
}

impl StageSource<'_> {
    /// Returns the Match line `line`, whose criteria are `value`, as it is written in the copy. If sshd cannot look up
    /// groups, each criterion `Group` is replaced by `User` and the members of the groups.
    fn matched(&self, line: &str, value: &str) -> String {
        let Some(people) = self.people else { return line.to_owned() };
        let each = criteria(value).into_iter().map(|(word, list)| match word.as_str() {
            "group" => format!(" User {}", members(people, &list)),
            _ => format!(" {word} {}", quoted(&list)),
        });
        format!("Match{}", each.collect::<String>())
    }
}

/// Returns a list for `Match User` with the members of the groups that match `list`. If there are none, the list
/// matches no user.
fn members(people: &ProbeUsers, list: &str) -> String {
    let is_in = people.accounts.iter().filter(|account| fits_group(list, &account.groups));
    let names = is_in.map(|account| account.name.as_str());
    let plain = names.filter(|name| !name.contains(['*', '?', '!', ',', '"', '\'', ' ', '\t']));
    let names = plain.collect::<Vec<_>>().join(",");
    if names.is_empty() { "!*".to_owned() } else { names }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn includes_and_groups_are_resolved_below_the_root() {
        let tree = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = tree.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("etc/passwd", "eve:x:1000:7::/:/bin/sh\nada:x:1001:8::/:/bin/sh\n");
        write("etc/group", "files:x:7:ada\nnone:x:9:\n");
        write("etc/ssh/sshd_config", "Include sshd_config.d/*.conf none\nUsePAM yes\n");
        let match_line = "Match group files,none Address=10.0.0.0/8\nMatch Group none\nBad\n";
        write("etc/ssh/sshd_config.d/1.conf", match_line);
        let machine = ExaminedMachine::new(tree.path().to_owned(), None);
        let stage = Stage::of(&machine, "/etc/ssh/sshd_config").unwrap();
        let main = fs::read_to_string(stage.main()).unwrap();
        let copy = stage.path(1);
        assert_eq!(main, format!("Include \"{}\"\nUsePAM yes\n", copy.display()));
        let text = fs::read_to_string(&copy).unwrap();
        assert_eq!(text, "Match User eve,ada address 10.0.0.0/8\nMatch User !*\nBad\n");
        let said = format!("{}: line 3: Bad configuration option: Bad", copy.display());
        let restored = "/etc/ssh/sshd_config.d/1.conf: line 3: Bad configuration option: Bad";
        assert_eq!(stage.restored(&said), restored);
        let folder = stage.folder.clone();
        drop(stage);
        assert!(!folder.exists());
    }

    #[test]
    fn files_that_include_each_other_end() {
        let tree = tempfile::tempdir().unwrap();
        fs::create_dir_all(tree.path().join("etc/ssh")).unwrap();
        let main = tree.path().join("etc/ssh/sshd_config");
        let machine = ExaminedMachine::new(tree.path().to_owned(), None);
        fs::write(&main, "Include sshd_config\n").unwrap();
        let stage = Stage::of(&machine, "/etc/ssh/sshd_config").unwrap();
        assert_eq!(stage.copied.len(), DEEPEST + 1);
        fs::write(&main, "Include sshd_config sshd_config\n").unwrap();
        assert!(Stage::of(&machine, "/etc/ssh/sshd_config").is_err());
    }
}
