//! Looks up accounts and groups through NSS, the name service switch.

use nix::{
    errno::Errno,
    unistd::{Group, User},
};
use twinlock_core::{
    base::{account::Account, error::LookupError},
    ports::{Accounts, Membership},
};

/// Maximum size of one group entry in bytes. It has room for about three million short names.
pub const GROUP_MAX: usize = 64 << 20;

/// A group whose entry is larger than 1 MiB, the maximum that nix reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LargeGroup {
    /// The id of the group (`gr_gid`).
    pub gid: u32,
    /// Whether the entry lists the user whose name was given to [`LookUpLarge`].
    pub lists: bool,
}

/// A function that looks up a group whose entry is larger than 1 MiB, and whether the entry lists a user. Takes the
/// names of the group and of the user. Returns `None` if the group does not exist.
pub type LookUpLarge = fn(&str, &str) -> Result<Option<LargeGroup>, LookupError>;

/// Accounts and groups, looked up through libc's name service switch.
#[derive(Debug, Clone, Copy)]
pub struct Nss {
    large: LookUpLarge,
}

impl Default for Nss {
    fn default() -> Self {
        #[cfg(feature = "tools")]
        let large = crate::accounts::large_group::look_up;
        #[cfg(not(feature = "tools"))]
        let large = |_: &str, _: &str| Err(LookupError);
        Self { large }
    }
}

impl Nss {
    /// Returns a lookup that calls `large` for groups larger than 1 MiB. The PAM module passes a function that calls
    /// libc, and the command passes one that runs `getent`.
    #[must_use]
    pub fn with_large_groups(large: LookUpLarge) -> Self {
        Self { large }
    }

    fn group(&self, name: &str, member: &str) -> Result<Option<LargeGroup>, LookupError> {
        match Group::from_name(name) {
            Ok(found) => Ok(found.map(|group| LargeGroup {
                gid: group.gid.as_raw(),
                lists: group.mem.iter().any(|name| name == member),
            })),
            Err(Errno::ERANGE) => (self.large)(name, member),
            Err(_) => Err(LookupError),
        }
    }
}

#[cfg(feature = "tools")]
impl Nss {
    /// Returns the account with a user id; `None` if there is none.
    ///
    /// # Errors
    /// [`LookupError`] if NSS does not answer.
    pub fn by_uid(&self, uid: u32) -> Result<Option<Account>, LookupError> {
        let user = User::from_uid(nix::unistd::Uid::from_raw(uid)).map_err(|_| LookupError)?;
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
    fn by_name(&self, name: &str) -> Result<Option<Account>, LookupError> {
        let user = User::from_name(name).map_err(|_| LookupError)?;
        Ok(user.map(account))
    }

    /// Returns whether an account is a member of a group. Calls `getgrnam` for each group, because `getgrouplist`
    /// silently returns only the primary group if NSS fails.
    fn membership(&self, account: &Account, group: &str) -> Result<Membership, LookupError> {
        let Some(group) = self.group(group, &account.name)? else {
            return Ok(Membership::NoSuchGroup);
        };
        Ok(if group.gid == account.gid || group.lists {
            Membership::Member
        } else {
            Membership::Outside
        })
    }

    fn caller(&self) -> u32 {
        rustix::process::geteuid().as_raw()
    }

    fn host_name(&self) -> String {
        let name = rustix::system::uname();
        let name = name.nodename().to_string_lossy();
        // The label in the authenticator app is `host:user`, so a colon in the host name would truncate it.
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
        let nss = Nss::default();
        let root = nss.by_name("root").unwrap().unwrap();
        assert_eq!((root.name.as_str(), root.uid, root.gid), ("root", 0, 0));
        assert_eq!(nss.by_name("no-such-user-here").unwrap(), None);
        #[cfg(feature = "tools")]
        assert_eq!(nss.by_uid(0), Ok(Some(root.clone())));
        assert_eq!(nss.by_name(&"x".repeat(100_000)).unwrap(), None);
        assert_eq!(nss.by_name("a\0b").ok().flatten(), None);
        assert!(!nss.host_name().is_empty());
        assert_eq!(nss.membership(&root, "root"), Ok(Membership::Member));
        assert_eq!(nss.membership(&root, "no-such-group-here"), Ok(Membership::NoSuchGroup));
    }
}
