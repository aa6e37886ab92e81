//! Accounts and groups, through NSS.

use nix::unistd::{Group, User};
use twinlock_core::{
    account::Account,
    fault::LookupFault,
    ports::{Accounts, Membership},
};

/// The name service switch of libc.
#[derive(Debug, Clone, Copy)]
pub struct Nss;

#[cfg(feature = "tools")]
impl Nss {
    /// The account of a user id, whose name counts.
    ///
    /// # Errors
    /// [`LookupFault`] when NSS did not answer.
    pub fn by_uid(&self, uid: u32) -> Result<Option<Account>, LookupFault> {
        let user = User::from_uid(nix::unistd::Uid::from_raw(uid)).map_err(|_| LookupFault)?;
        Ok(user.map(account))
    }
}

fn account(user: User) -> Account {
    let full_name = user.gecos.to_string_lossy();
    Account {
        full_name: full_name.split(',').next().unwrap_or_default().to_owned(),
        name: user.name,
        uid: user.uid.as_raw(),
        gid: user.gid.as_raw(),
    }
}

impl Accounts for Nss {
    fn by_name(&self, name: &str) -> Result<Option<Account>, LookupFault> {
        let user = User::from_name(name).map_err(|_| LookupFault)?;
        Ok(user.map(account))
    }

    /// By `getgrnam`, group by group: `getgrouplist` gives the primary group alone when NSS fails, and says so to nobody.
    fn membership(&self, account: &Account, group: &str) -> Result<Membership, LookupFault> {
        let Some(group) = Group::from_name(group).map_err(|_| LookupFault)? else {
            return Ok(Membership::NoSuchGroup);
        };
        let member = group.gid.as_raw() == account.gid || group.mem.contains(&account.name);
        Ok(if member { Membership::Member } else { Membership::Outside })
    }

    fn host_name(&self) -> String {
        let name = rustix::system::uname();
        let name = name.nodename().to_string_lossy();
        // The app's label is `host:user`, so a name with a colon would be cut there.
        let plain =
            !name.is_empty() && !name.contains([':', '/']) && !name.contains(char::is_control);
        if plain { name.into_owned() } else { "localhost".to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_known_and_others_are_not() {
        let root = Nss.by_name("root").unwrap().unwrap();
        assert_eq!((root.name.as_str(), root.uid, root.gid), ("root", 0, 0));
        assert_eq!(Nss.by_name("no-such-user-here").unwrap(), None);
        #[cfg(feature = "tools")]
        assert_eq!(Nss.by_uid(0), Ok(Some(root.clone())));
        assert_eq!(Nss.by_name(&"x".repeat(100_000)).unwrap(), None);
        assert_eq!(Nss.by_name("a\0b").ok().flatten(), None);
        assert!(!Nss.host_name().is_empty());
        assert_eq!(Nss.membership(&root, "root"), Ok(Membership::Member));
        assert_eq!(Nss.membership(&root, "no-such-group-here"), Ok(Membership::NoSuchGroup));
    }
}
