//! The accounts and groups of the examined machine, read from its files.
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::rc::Rc;

use crate::machine::ExaminedMachine;
use crate::pam::census::{self, Census, CensusAccount};
use crate::pam::load::{Files, UnreadableError};
use crate::pam::stack::Handler;
use crate::sshd::empty::EmptyPasswords;
use crate::sshd::probe::{ProbeAccount, ProbeUsers, Shell};

/// Databases of nsswitch.conf (first words of its lines) that list accounts and their groups.
const DATABASES: [&str; 3] = ["passwd:", "group:", "initgroups:"];
/// Folders in which systemd keeps user and group records.
const RECORDS: [&str; 5] =
    ["/etc/userdb", "/run/userdb", "/run/host/userdb", "/usr/lib/userdb", "/var/lib/systemd/home"];

/// Maximum size in bytes of a list of accounts (of pam_listfile or pam_access) that doctor evaluates.
const LIST_MAX: usize = 1 << 16;

impl ExaminedMachine {
    /// Returns the accounts of /etc/passwd with all their groups, and the name of a user directory (such as `sss`) that
    /// may contain more accounts.
    ///
    /// # Errors
    /// [`UnreadableError`] if /etc/passwd or /etc/group exists and cannot be read.
    pub fn people(&self) -> Result<ProbeUsers, UnreadableError> {
        let groups: Vec<Group> = self.list("/etc/group")?.lines().filter_map(Group::of).collect();
        let mut member_of: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        let mut by_number: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for group in &groups {
            by_number.entry(&group.number).or_default().push(group.name.clone());
            for member in &group.members {
                member_of.entry(member).or_default().push(group.name.clone());
            }
        }
        let accounts = self.list("/etc/passwd")?;
        let accounts = accounts.lines().filter_map(|line| {
            let (name, number, shell) = account(line)?;
            let mut groups = member_of.get(name).cloned().unwrap_or_default();
            groups.extend(by_number.get(number).into_iter().flatten().cloned());
            Some(ProbeAccount { name: name.to_owned(), groups, shell })
        });
        // Groups in a user directory can have members from the files, but these groups add no accounts.
        let listed = self.tree.is_host() || self.has("/etc/passwd");
        let elsewhere = if listed { self.source(DATABASES[0]) } else { self.elsewhere() };
        let elsewhere = elsewhere.map(|(_, source)| source);
        Ok(ProbeUsers { accounts: accounts.collect(), elsewhere })
    }

    /// Returns the accounts that can have every factor, and the texts of the files from which lines of the stack read
    /// names of accounts. Returns an empty census if no line tests the account. `enrolled` are the names of the
    /// enrolled accounts; `None` if they are not known.
    #[must_use]
    pub fn census(&self, stack: &[Handler], enrolled: Option<&[String]>) -> Rc<Census> {
        if !census::asks(stack) {
            return Rc::default();
        }
        let people = self.persons.get_or_init(|| self.persons(enrolled).map(Rc::new)).clone();
        let lists = census::lists(stack).into_iter();
        let lists = lists.filter_map(|path| Some((path.to_owned(), self.plain_list(path)?)));
        Rc::new(Census { people, lists: lists.collect() })
    }

    /// Returns the text of the list `path`, which pam_listfile or pam_access reads. Returns `None` if the list cannot
    /// be read, if it is larger than [`LIST_MAX`], or if every user can write to it. Also returns `None` if the list is
    /// that of pam_access and pam_access reads files of /etc/security/access.d in addition.
    fn plain_list(&self, path: &str) -> Option<String> {
        let is_open = self.tree.stat(path).is_ok_and(|found| found.st_mode & 0o002 != 0);
        let more = self.tree.names("/etc/security/access.d").unwrap_or_default();
        let is_whole = path != census::ACCESS || more.is_empty();
        self.text(path).ok().filter(|text| !is_open && is_whole && text.len() <= LIST_MAX)
    }

    /// Returns the accounts that `enrolled` names, or all accounts if `enrolled` is `None`. Returns `None` if accounts
    /// may exist outside of the files, or if no account is found.
    fn persons(&self, enrolled: Option<&[String]>) -> Option<Vec<CensusAccount>> {
        let people = self.people().ok().filter(|people| people.elsewhere.is_none())?;
        if self.elsewhere().is_some() {
            return None;
        }
        let passwd = self.list("/etc/passwd").ok()?;
        let known = passwd.lines().filter_map(|line| {
            let mut fields = line.split(':');
            let (name, uid) = (fields.next()?, fields.nth(1)?.parse::<u32>().ok()?);
            Some((name, (uid, fields.nth(3)?)))
        });
        let known: BTreeMap<&str, (u32, &str)> = known.collect();
        let names: Option<BTreeSet<&String>> = enrolled.map(|all| all.iter().collect());
        let counts =
            |one: &ProbeAccount| names.as_ref().is_none_or(|names| names.contains(&one.name));
        let persons = people.accounts.into_iter().filter(counts).filter_map(|one| {
            let (uid, shell) = *known.get(one.name.as_str())?;
            let shell = Some(shell.to_owned());
            Some(CensusAccount { name: one.name, uid, groups: one.groups, shell })
        });
        let persons: Vec<CensusAccount> = persons.collect();
        (!persons.is_empty()).then_some(persons)
    }

    /// Returns the accounts whose password field in /etc/shadow is empty.
    #[must_use]
    pub fn empty_passwords(&self) -> EmptyPasswords {
        match self.text("/etc/shadow") {
            Ok(text) => {
                let name = |line: &str| {
                    let mut fields = line.split(':');
                    let name = fields.next()?;
                    (fields.next()?.is_empty()).then(|| name.to_owned())
                };
                EmptyPasswords::Of(text.lines().filter_map(name).collect())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => EmptyPasswords::Of(Vec::new()),
            Err(_) => EmptyPasswords::Unread,
        }
    }

    /// Returns the first source of accounts or groups that is not a file: the file and line that name the source, and
    /// its name. `None` if all sources are files.
    #[must_use]
    pub fn elsewhere(&self) -> Option<(String, String)> {
        if !self.tree.is_host() && !self.has("/etc/passwd") {
            return Some(("/etc/passwd".to_owned(), "the target host".to_owned()));
        }
        DATABASES.iter().find_map(|database| self.source(database))
    }

    /// Returns the first source of the nsswitch.conf database `database` that is not a file: `file:line` and the name
    /// of the source. `None` if all sources are files. `database` is the first word of the line, such as `passwd:`.
    fn source(&self, database: &str) -> Option<(String, String)> {
        let path = "/etc/nsswitch.conf";
        let text = self.text(path).ok()?;
        let mut lines = (1..).zip(text.lines());
        let (number, sources) = lines
            .find_map(|(number, line)| Some((number, line.trim_start().strip_prefix(database)?)))?;
        let sources = sources.split('#').next().unwrap_or_default();
        let is_file = |one: &&str| match *one {
            "files" | "compat" => true,
            "systemd" => !self.has_user_records(),
            other => other.starts_with('[') || other.ends_with(']'),
        };
        let other = sources.split_whitespace().find(|one| !is_file(one))?;
        Some((format!("{path}:{number}"), other.to_owned()))
    }

    /// Reports whether systemd has user or group records (nss-systemd(8), systemd-homed(8)).
    fn has_user_records(&self) -> bool {
        let any = |folder: &&str| self.tree.names(folder).is_ok_and(|names| !names.is_empty());
        RECORDS.iter().any(any)
    }
}

/// Parses a line of /etc/passwd. Returns name, group number and shell of the account; `None` if the line is not valid.
fn account(line: &str) -> Option<(&str, &str, Shell)> {
    let fields: Vec<&str> = line.split(':').collect();
    let (name, number, shell) = (fields.first()?, fields.get(3)?, fields.get(6)?);
    let program = shell.rsplit('/').next().unwrap_or_default();
    let closed = ["nologin", "false", "sync", "shutdown", "halt"].contains(&program);
    let shell = if closed { Shell::None } else { Shell::Login };
    (!name.is_empty()).then_some((*name, *number, shell))
}

/// A group of /etc/group.
#[derive(Debug, PartialEq, Eq)]
struct Group {
    name: String,
    number: String,
    members: Vec<String>,
}

impl Group {
    fn of(line: &str) -> Option<Self> {
        let fields: Vec<&str> = line.split(':').collect();
        let members = fields.get(3)?.split(',').filter(|name| !name.is_empty());
        Some(Self {
            name: (*fields.first()?).to_owned(),
            number: (*fields.get(2)?).to_owned(),
            members: members.map(str::to_owned).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn who_is_in_a_group() {
        let group = Group::of("sftp:x:99:a,b").unwrap();
        assert_eq!((group.number.as_str(), group.members), ("99", vec!["a".into(), "b".into()]));
        assert_eq!(Group::of("staff:x:50:").unwrap().members, Vec::<String>::new());
        assert_eq!(Group::of("broken"), None);
    }

    #[test]
    fn who_has_a_shell() {
        let alice = account("alice:x:1000:100::/home/alice:/bin/bash");
        assert_eq!(alice, Some(("alice", "100", Shell::Login)));
        assert_eq!(account("bob:x:1001:1001::/home/bob:").unwrap().2, Shell::Login);
        assert_eq!(account("www:x:33:33::/var/www:/usr/sbin/nologin").unwrap().2, Shell::None);
        assert_eq!(account("broken"), None);
    }

    #[test]
    fn a_primary_group_makes_a_member() {
        let tree = tempfile::tempdir().unwrap();
        fs::create_dir(tree.path().join("etc")).unwrap();
        let write = |name: &str, text: &str| fs::write(tree.path().join(name), text).unwrap();
        write("etc/passwd", "up:x:1000:99::/home/up:/usr/sbin/nologin\n");
        write("etc/group", "files:x:99:\nalso:x:7:up\n");
        write("etc/nsswitch.conf", "passwd: files [NOTFOUND=return] sss\n");
        let people = ExaminedMachine::new(tree.path().to_owned(), None).people().unwrap();
        assert_eq!(people.accounts[0].groups, ["also", "files"]);
        assert_eq!(people.elsewhere.as_deref(), Some("sss"));
    }
}
