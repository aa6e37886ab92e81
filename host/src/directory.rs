//! Lists the accounts that NSS enumerates, one at a time, because a user directory may contain a hundred thousand
//! users.

use std::{
    collections::HashSet,
    io::{BufRead, BufReader},
    process::{Child, ChildStdout, Command, Stdio},
};

use nix::{
    errno::Errno,
    unistd::{Group, User},
};
use twinlock_core::base::{account::Account, error::LookupError};

use crate::{
    accounts::large_group::{self, GroupEntry},
    homes, programs,
};

/// Shells that do not allow a login.
const CLOSED: [&str; 5] = ["nologin", "false", "sync", "shutdown", "halt"];

/// The accounts to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    /// All accounts with a login shell.
    WithShell,
    /// The members of the named group, including accounts whose primary group it is.
    Members(String),
}

/// Why the accounts cannot be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DirectoryError {
    /// NSS did not answer.
    Lookup,
    /// The group does not exist.
    NoSuchGroup,
}

impl core::fmt::Display for DirectoryError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Lookup => LookupError.fmt(f),
            Self::NoSuchGroup => f.write_str("there is no such group"),
        }
    }
}

impl core::error::Error for DirectoryError {}

impl From<LookupError> for DirectoryError {
    fn from(LookupError: LookupError) -> Self {
        Self::Lookup
    }
}

/// An open list of accounts. The accounts are read one at a time.
pub struct Directory {
    child: Child,
    lines: BufReader<ChildStdout>,
    group: Option<u32>,
    /// Members of the group whose accounts have not been returned yet.
    named: HashSet<String>,
    left: Option<std::vec::IntoIter<String>>,
}

impl Directory {
    /// Opens the list of accounts. Runs `getent passwd`, because calling getpwent is unsafe.
    ///
    /// # Errors
    /// [`DirectoryError::NoSuchGroup`] if the group does not exist, [`DirectoryError::Lookup`] if NSS does not answer.
    pub fn open(whose: &Whose) -> Result<Self, DirectoryError> {
        let group = match whose {
            Whose::WithShell => None,
            Whose::Members(name) => Some(group_of(name)?.ok_or(DirectoryError::NoSuchGroup)?),
        };
        let mut getent = Command::new(programs::whole_path("getent"));
        getent.arg("passwd").env_clear().env("PATH", programs::PATH);
        let spawned = getent.stdout(Stdio::piped()).stdin(Stdio::null()).spawn();
        let mut child = spawned.map_err(|_| DirectoryError::Lookup)?;
        let stdout = child.stdout.take().ok_or(DirectoryError::Lookup)?;
        let (group, named) = group.map_or((None, HashSet::new()), |group| {
            (Some(group.gid), group.members.into_iter().collect())
        });
        Ok(Self { child, lines: BufReader::new(stdout), group, named, left: None })
    }

    /// Returns the NSS sources of this host that may know more users than they list.
    #[must_use]
    pub fn silent() -> Vec<String> {
        homes::silent_sources()
    }

    /// Returns the next account; `None` at the end.
    ///
    /// # Errors
    /// [`LookupError`] if `getent` fails or the list is interrupted.
    pub fn next_account(&mut self) -> Result<Option<Account>, LookupError> {
        while self.left.is_none() {
            let mut line = Vec::new();
            match self.lines.read_until(b'\n', &mut line) {
                Err(_) => return Err(LookupError),
                Ok(0) if !self.child.wait().is_ok_and(|status| status.success()) => {
                    return Err(LookupError);
                }
                Ok(0) => {
                    let mut left: Vec<String> = self.named.drain().collect();
                    left.sort_unstable();
                    self.left = Some(left.into_iter());
                }
                Ok(_) => {
                    if let Some(account) = self.wanted(&line) {
                        return Ok(Some(account));
                    }
                }
            }
        }
        // Members that the output of `getent` does not contain are looked up by name: some user directories do not
        // enumerate their users.
        for name in self.left.iter_mut().flatten() {
            if let Some(user) = User::from_name(&name).map_err(|_| LookupError)? {
                return Ok(Some(of_user(user)));
            }
        }
        Ok(None)
    }

    fn wanted(&mut self, line: &[u8]) -> Option<Account> {
        let line = str::from_utf8(line).ok()?.trim_end_matches('\n');
        let fields: Vec<&str> = line.split(':').collect();
        let [name, _, uid, gid, gecos, _, shell] = fields.as_slice() else { return None };
        let (uid, gid) = (uid.parse().ok()?, gid.parse().ok()?);
        let is_wanted = match self.group {
            Some(group) => self.named.remove(*name) || gid == group,
            None => !CLOSED.contains(&shell.rsplit('/').next().unwrap_or_default()),
        };
        let full_name = gecos.split(',').next().unwrap_or_default().to_owned();
        (is_wanted && !name.is_empty()).then(|| Account {
            name: (*name).to_owned(),
            uid,
            gid,
            full_name,
        })
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // If the caller drops the list before its end, `getent` must not continue to run.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn group_of(name: &str) -> Result<Option<GroupEntry>, LookupError> {
    match Group::from_name(name) {
        Ok(found) => {
            Ok(found.map(|group| GroupEntry { gid: group.gid.as_raw(), members: group.mem }))
        }
        Err(Errno::ERANGE) => large_group::entry(name),
        Err(_) => Err(LookupError),
    }
}

fn of_user(user: User) -> Account {
    let gecos = user.gecos.to_string_lossy();
    Account {
        full_name: gecos.split(',').next().unwrap_or_default().to_owned(),
        uid: user.uid.as_raw(),
        gid: user.gid.as_raw(),
        name: user.name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(whose: &Whose) -> Vec<String> {
        let mut directory = Directory::open(whose).unwrap();
        let mut names = Vec::new();
        while let Some(account) = directory.next_account().unwrap() {
            names.push(account.name);
        }
        names
    }

    #[test]
    fn root_has_a_shell_and_is_of_its_group() {
        assert!(all(&Whose::WithShell).contains(&"root".to_owned()));
        assert!(!all(&Whose::WithShell).contains(&"nobody".to_owned()));
        assert!(all(&Whose::Members("root".into())).contains(&"root".to_owned()));
        let absent = Directory::open(&Whose::Members("no-such-group-here".into())).err();
        assert_eq!(absent, Some(DirectoryError::NoSuchGroup));
    }
}
