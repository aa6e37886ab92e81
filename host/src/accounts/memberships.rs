//! Looks up group memberships of users, by every way in which a user can be a member. A helper whose rights come from
//! `roles.toml` must never act on a member of a protected group, however the user became a member.

use std::ffi::CString;

use nix::{
    errno::Errno,
    unistd::{Gid, Group, getgrouplist},
};
use twinlock_core::{
    base::{account::Account, error::LookupError},
    policy::role_decision::Memberships,
    ports::{Accounts, Membership},
};

use crate::accounts::{
    Nss,
    large_group::{self, GroupEntry},
};

/// Returns a group by name; `None` if it does not exist.
fn entry(group: &str) -> Result<Option<GroupEntry>, LookupError> {
    match Group::from_name(group) {
        Ok(found) => {
            Ok(found.map(|group| GroupEntry { gid: group.gid.as_raw(), members: group.mem }))
        }
        Err(Errno::ERANGE) => large_group::entry(group),
        Err(_) => Err(LookupError),
    }
}

/// Returns whether an account is in a group: the group lists it as a member, or is its primary group or one of its
/// supplementary groups.
fn is_member(account: &Account, group: &GroupEntry) -> Result<bool, LookupError> {
    if group.gid == account.gid || group.members.contains(&account.name) {
        return Ok(true);
    }
    // `getgrouplist` does not report a failure of NSS. Its groups are therefore added to the checks above and never
    // replace them.
    let name = CString::new(account.name.as_str()).map_err(|_| LookupError)?;
    let further = getgrouplist(&name, Gid::from_raw(account.gid)).map_err(|_| LookupError)?;
    Ok(further.iter().any(|gid| gid.as_raw() == group.gid))
}

fn of_bool(is_member: bool) -> Membership {
    if is_member { Membership::Member } else { Membership::Outside }
}

impl Memberships for Nss {
    fn of(&self, account: &Account, group: &str) -> Result<Membership, LookupError> {
        let Some(group) = entry(group)? else { return Ok(Membership::NoSuchGroup) };
        is_member(account, &group).map(of_bool)
    }

    fn of_any_name(&self, account: &Account, group: &str) -> Result<Membership, LookupError> {
        let Some(group) = entry(group)? else { return Ok(Membership::NoSuchGroup) };
        if is_member(account, &group)? {
            return Ok(Membership::Member);
        }
        for name in &group.members {
            // A name in the list of members without an account stands for no user.
            if self.by_name(name)?.is_some_and(|other| other.uid == account.uid) {
                return Ok(Membership::Member);
            }
        }
        Ok(Membership::Outside)
    }
}

impl Nss {
    /// Returns whether it is known that the user id of an account has no second account name. This is known if look-ups
    /// by name and by user id agree, and if /etc/passwd contains the user id at most once. A second name that only a
    /// directory service knows is not found.
    ///
    /// # Errors
    /// [`LookupError`] if NSS does not answer, or /etc/passwd cannot be read.
    pub fn has_one_name(&self, account: &Account) -> Result<bool, LookupError> {
        let by_uid = self.by_uid(account.uid)?;
        let by_name = self.by_name(&account.name)?;
        // Users may write their own full name in any encoding, so /etc/passwd may contain bytes that are not UTF-8.
        let local = std::fs::read("/etc/passwd").map_err(|_| LookupError)?;
        let local = String::from_utf8_lossy(&local);
        Ok(by_uid.is_some_and(|found| found.name == account.name)
            && by_name.is_some_and(|found| found.uid == account.uid)
            && names_of(&local, account.uid) <= 1)
    }
}

/// Returns how many names a user id has in a passwd(5) file.
fn names_of(passwd: &str, uid: u32) -> usize {
    let has = |line: &&str| line.split(':').nth(2).and_then(|text| text.parse().ok()) == Some(uid);
    passwd.lines().filter(has).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_in_its_group_and_has_one_name() {
        let nss = Nss::default();
        let root = nss.by_name("root").unwrap().unwrap();
        assert_eq!(nss.of(&root, "root"), Ok(Membership::Member));
        assert_eq!(nss.of_any_name(&root, "root"), Ok(Membership::Member));
        assert_eq!(nss.of(&root, "no-such-group-here"), Ok(Membership::NoSuchGroup));
        assert_eq!(nss.has_one_name(&root), Ok(true));
        let stranger =
            Account { name: "no-such-user".into(), uid: 0, gid: 9, full_name: "".into() };
        assert_eq!(nss.has_one_name(&stranger), Ok(false));
    }

    #[test]
    fn each_way_into_a_group_counts() {
        let ada = Account { name: "ada".into(), uid: 4_000_001, gid: 50, full_name: "".into() };
        let group = |gid, members: &[&str]| GroupEntry {
            gid,
            members: members.iter().map(|name| (*name).to_owned()).collect(),
        };
        assert_eq!(is_member(&ada, &group(27, &["bob", "ada"])), Ok(true));
        assert_eq!(is_member(&ada, &group(50, &[])), Ok(true));
        assert_eq!(is_member(&ada, &group(27, &["adam"])), Ok(false));
    }

    #[test]
    fn second_names_are_counted() {
        let passwd = "root:x:0:0::/:/bin/sh\ntoor:x:0:0::/:/bin/sh\nada:x:1000:1000::/:/bin/sh\n";
        assert_eq!([0, 1000, 1].map(|uid| names_of(passwd, uid)), [2, 1, 0]);
    }
}
