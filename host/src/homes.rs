//! Home folders of all users that NSS enumerates.

use std::{path::PathBuf, process::Command};

use nix::unistd::User;
use twinlock_core::base::error::LookupError;

use crate::programs;

/// Sources of `nsswitch.conf` that enumerate all their users.
const LISTING: [&str; 6] = ["files", "compat", "db", "altfiles", "extrausers", "systemd"];

/// The users that NSS enumerates.
#[derive(Debug, Default)]
pub struct AccountNames {
    /// The account names, without duplicates.
    pub names: Vec<String>,
    /// Number of lines in the output of `getent passwd` that do not begin with a valid user name.
    pub unreadable: usize,
    /// NSS sources that may know more users than they enumerate.
    pub silent: Vec<String>,
}

/// Returns all users that NSS enumerates. Runs `getent passwd`, because calling getpwent is unsafe.
///
/// # Errors
/// [`LookupError`] if NSS cannot be queried.
pub fn listing() -> Result<AccountNames, LookupError> {
    let mut getent = Command::new(programs::whole_path("getent"));
    getent.arg("passwd").env_clear().env("PATH", programs::PATH);
    let output = getent.output().map_err(|_| LookupError)?;
    if !output.status.success() {
        return Err(LookupError);
    }
    let mut listing = read(&output.stdout);
    listing.silent = silent_sources();
    Ok(listing)
}

/// Returns the NSS sources of this host that may know more users than they enumerate.
#[must_use]
pub fn silent_sources() -> Vec<String> {
    silent(&std::fs::read_to_string("/etc/nsswitch.conf").unwrap_or_default())
}

fn read(text: &[u8]) -> AccountNames {
    let mut listing = AccountNames::default();
    for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
        match str::from_utf8(name) {
            Ok(name) if !name.is_empty() => listing.names.push(name.to_owned()),
            _ => listing.unreadable += 1,
        }
    }
    let mut seen = std::collections::HashSet::new();
    listing.names.retain(|name| seen.insert(name.clone()));
    listing
}

fn silent(switch: &str) -> Vec<String> {
    let line = switch.lines().find_map(|line| line.trim().strip_prefix("passwd:"));
    let words = line.unwrap_or_default().split(['#', '\n']).next().unwrap_or_default();
    let sources = words.split_whitespace().filter(|word| !word.starts_with('['));
    sources.filter(|source| !LISTING.contains(source)).map(str::to_owned).collect()
}

/// Returns the home folder of an account; `None` if there is no such account.
///
/// # Errors
/// [`LookupError`] if NSS cannot be queried.
pub fn home_of(name: &str) -> Result<Option<PathBuf>, LookupError> {
    Ok(User::from_name(name).map_err(|_| LookupError)?.map(|user| user.dir))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_listed_once_and_odd_ones_are_counted() {
        let listing = read(b"root:x:0:0::/root:/bin/sh\nada:x:1::\nroot:x\n:x:0\n\xff:x\n\n");
        assert_eq!((listing.names, listing.unreadable), (vec!["root".into(), "ada".into()], 2));
        assert!(super::listing().unwrap().names.contains(&"root".to_owned()));
    }

    #[test]
    fn a_directory_is_known_for_not_listing_everybody() {
        let switch = "group: files ldap\npasswd:  files systemd sss [NOTFOUND=return] ldap # nis\n";
        assert_eq!(silent(switch), ["sss", "ldap"]);
        assert!(silent("passwd: files systemd").is_empty());
        assert!(silent("").is_empty());
    }

    #[test]
    fn homes_are_those_of_the_name_service() {
        assert!(home_of("root").unwrap().is_some());
        assert_eq!(home_of("no-such-user-here").unwrap(), None);
    }
}
