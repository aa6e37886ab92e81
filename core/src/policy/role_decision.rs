//! Decides whether a user may run a subcommand on another user's account, because of a role. Fails closed: if a group
//! cannot be looked up, no role allows anything.

use alloc::string::String;

use crate::{
    base::{
        account::{Account, Membership},
        error::LookupError,
    },
    policy::roles::{Role, RoleVerb, Roles},
};

/// The lowest user id of an account of a person. Accounts with lower ids belong to the system.
const FIRST_PERSON: u32 = 1000;
/// The user id of `nobody`.
const NOBODY: u32 = 65_534;

/// Looks up whether users are members of groups.
pub trait Memberships {
    /// Returns whether an account is in a group: the group lists it as a member, or is its primary group or one of its
    /// supplementary groups.
    ///
    /// # Errors
    /// [`LookupError`] if NSS does not answer.
    fn of(&self, account: &Account, group: &str) -> Result<Membership, LookupError>;

    /// Returns what [`Memberships::of`] returns, but also counts the membership of another account name with the same
    /// user id.
    ///
    /// # Errors
    /// [`LookupError`] if NSS does not answer.
    fn of_any_name(&self, account: &Account, group: &str) -> Result<Membership, LookupError>;
}

/// The user on whose account a member of a role wants to run an operation.
#[derive(Debug, Clone, Copy)]
pub struct RoleTarget<'a> {
    /// The account.
    pub account: &'a Account,
    /// Whether it is known that the user id has no other account name.
    pub has_one_name: bool,
}

/// Why no role allows a user to run a subcommand on another user's account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoleRefusal {
    /// A group that the roles file names does not exist, or cannot be looked up. Holds its name. In this case, no role
    /// allows anything.
    Unresolved(String),
    /// The user has no role that permits the subcommand.
    NoRole,
    /// The user wants to act on their own account.
    OwnAccount,
    /// The target is an account of the system.
    SystemAccount,
    /// The user id of the target has a second name.
    SecondName,
    /// The target is in a protected group. Holds its name.
    Protected(String),
    /// The target is a member of a role.
    RoleMember,
    /// The target is not in the group `over` of the role, whose members are the only users that the role manages.
    Elsewhere,
    /// No mail address of the target is known, so the target could not be informed. [`RoleBook::decide`] never returns
    /// this. Its caller checks the address, which may be in the record.
    NoAddress,
}

impl RoleRefusal {
    /// Returns the word for the refusal in log lines. The words never change.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Unresolved(_) => "group_unresolved",
            Self::NoRole => "no_role",
            Self::OwnAccount => "own_account",
            Self::SystemAccount => "system_account",
            Self::SecondName => "second_name",
            Self::Protected(_) => "protected",
            Self::RoleMember => "role_member",
            Self::Elsewhere => "not_over",
            Self::NoAddress => "no_address",
        }
    }
}

impl core::fmt::Display for RoleRefusal {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.word())
    }
}

impl core::error::Error for RoleRefusal {}

/// The roles in force, and the groups of users.
#[derive(Clone, Copy)]
pub struct RoleBook<'a> {
    /// The content of the roles file.
    pub roles: &'a Roles,
    /// The groups of users.
    pub memberships: &'a dyn Memberships,
}

impl<'a> RoleBook<'a> {
    /// Returns the roles that permit `caller` to run the subcommand `verb` on other users; never an empty list.
    ///
    /// # Errors
    /// [`RoleRefusal::NoRole`] if there is no such role; [`RoleRefusal::Unresolved`] if a group of the roles file is
    /// not known.
    pub fn roles_of(
        &self,
        caller: &Account,
        verb: RoleVerb,
    ) -> Result<alloc::vec::Vec<&'a Role>, RoleRefusal> {
        // Also groups that do not matter for this caller: a group that is not known today may be the one that protects
        // the target.
        for group in self.roles.groups() {
            self.is_in(caller, group)?;
        }
        let mut found = alloc::vec::Vec::new();
        for role in self.roles.roles.iter().filter(|role| role.verbs.contains(&verb)) {
            if self.is_in(caller, &role.group)? {
                found.push(role);
            }
        }
        if found.is_empty() { Err(RoleRefusal::NoRole) } else { Ok(found) }
    }

    /// Returns the first role that permits `caller` to run the subcommand `verb` on `target`. Considers only the role
    /// with the name `named`, if one is given.
    ///
    /// # Errors
    /// [`RoleRefusal`] if no role permits it.
    pub fn decide(
        &self,
        caller: &Account,
        target: &RoleTarget<'_>,
        verb: RoleVerb,
        named: Option<&str>,
    ) -> Result<&'a Role, RoleRefusal> {
        let roles = self.roles_of(caller, verb)?;
        let account = target.account;
        if account.uid == caller.uid || account.name == caller.name {
            return Err(RoleRefusal::OwnAccount);
        }
        if account.uid < FIRST_PERSON || account.uid == NOBODY {
            return Err(RoleRefusal::SystemAccount);
        }
        if !target.has_one_name {
            return Err(RoleRefusal::SecondName);
        }
        for group in &self.roles.protected {
            if self.is_in_by_any_name(account, group)? {
                return Err(RoleRefusal::Protected(group.clone()));
            }
        }
        for role in &self.roles.roles {
            if self.is_in_by_any_name(account, &role.group)? {
                return Err(RoleRefusal::RoleMember);
            }
        }
        let mut over = None;
        for role in roles.into_iter().filter(|role| named.is_none_or(|name| name == role.name)) {
            if over.is_none() && self.is_in(account, &role.over)? {
                over = Some(role);
            }
        }
        over.ok_or(RoleRefusal::Elsewhere)
    }

    fn is_in(&self, account: &Account, group: &str) -> Result<bool, RoleRefusal> {
        known(group, self.memberships.of(account, group))
    }

    fn is_in_by_any_name(&self, account: &Account, group: &str) -> Result<bool, RoleRefusal> {
        known(group, self.memberships.of_any_name(account, group))
    }
}

fn known(group: &str, found: Result<Membership, LookupError>) -> Result<bool, RoleRefusal> {
    match found {
        Ok(Membership::Member) => Ok(true),
        Ok(Membership::Outside) => Ok(false),
        Ok(Membership::NoSuchGroup) | Err(LookupError) => {
            Err(RoleRefusal::Unresolved(group.into()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Groups with the names of their members. A look-up of the group `broken` fails.
    struct Groups(&'static [(&'static str, &'static [&'static str])]);

    impl Memberships for Groups {
        fn of(&self, account: &Account, group: &str) -> Result<Membership, LookupError> {
            if group == "broken" {
                return Err(LookupError);
            }
            let found = self.0.iter().find(|(name, _)| *name == group);
            Ok(match found {
                None => Membership::NoSuchGroup,
                Some((_, names)) if names.contains(&account.name.as_str()) => Membership::Member,
                Some(_) => Membership::Outside,
            })
        }

        fn of_any_name(&self, account: &Account, group: &str) -> Result<Membership, LookupError> {
            self.of(account, group)
        }
    }

    const GROUPS: Groups = Groups(&[
        ("root", &["root"]),
        ("sudo", &["sam", "kim"]),
        ("helpdesk", &["kim", "lee"]),
        ("auditors", &["una"]),
        ("staff", &["ada", "sam", "lee", "una", "kim", "daemon", "nobody"]),
        ("guests", &["gus"]),
    ]);

    fn roles(protected: &str) -> Roles {
        Roles::read(&alloc::format!(
            "protected = {protected}\n\
             [[role]]\nname = \"desk\"\ngroup = \"helpdesk\"\nover = \"staff\"\nverbs = [\"reset\", \"why\"]\n\
             [[role]]\nname = \"guest-desk\"\ngroup = \"helpdesk\"\nover = \"guests\"\nverbs = [\"reset\"]\n\
             [[role]]\nname = \"audit\"\ngroup = \"auditors\"\nover = \"staff\"\nverbs = [\"why\"]\n"
        ))
        .unwrap()
    }

    fn account(name: &str, uid: u32) -> Account {
        Account { name: name.into(), uid, gid: uid, full_name: String::new() }
    }

    fn decided(
        roles: &Roles,
        caller: &str,
        target: &Account,
        verb: RoleVerb,
    ) -> Result<String, RoleRefusal> {
        let book = RoleBook { roles, memberships: &GROUPS };
        let target = RoleTarget { account: target, has_one_name: true };
        book.decide(&account(caller, 2000), &target, verb, None).map(|role| role.name.clone())
    }

    #[test]
    fn roles_reach_whom_they_are_over() {
        let roles = roles("[\"root\", \"sudo\"]");
        let decided =
            |caller, target: &str, uid, verb| decided(&roles, caller, &account(target, uid), verb);
        use RoleVerb::{Bypass, Reset, Why};
        assert_eq!(decided("kim", "ada", 1000, Reset), Ok("desk".into()));
        assert_eq!(decided("kim", "gus", 1001, Reset), Ok("guest-desk".into()));
        assert_eq!(decided("kim", "gus", 1001, Why), Err(RoleRefusal::Elsewhere));
        assert_eq!(decided("una", "ada", 1000, Why), Ok("audit".into()));
        for (caller, target, uid, verb, why) in [
            ("una", "ada", 1000, Reset, RoleRefusal::NoRole),
            ("kim", "ada", 1000, Bypass, RoleRefusal::NoRole),
            ("ada", "gus", 1001, Reset, RoleRefusal::NoRole),
            ("kim", "kim", 1002, Reset, RoleRefusal::OwnAccount),
            ("kim", "ada", 2000, Reset, RoleRefusal::OwnAccount),
            ("kim", "daemon", 1, Reset, RoleRefusal::SystemAccount),
            ("kim", "daemon", 999, Reset, RoleRefusal::SystemAccount),
            ("kim", "nobody", 65_534, Reset, RoleRefusal::SystemAccount),
            ("kim", "sam", 1003, Reset, RoleRefusal::Protected("sudo".into())),
            ("kim", "lee", 1004, Reset, RoleRefusal::RoleMember),
            ("kim", "una", 1005, Reset, RoleRefusal::RoleMember),
            ("kim", "eve", 1006, Reset, RoleRefusal::Elsewhere),
        ] {
            assert_eq!(decided(caller, target, uid, verb), Err(why), "{caller} {target} {uid}");
        }
        let (ada, kim) = (account("ada", 1000), account("kim", 2000));
        let book = RoleBook { roles: &roles, memberships: &GROUPS };
        let alias = RoleTarget { account: &ada, has_one_name: false };
        assert_eq!(book.decide(&kim, &alias, Reset, None), Err(RoleRefusal::SecondName));
    }

    #[test]
    fn members_of_two_roles_act_by_the_one_that_is_named() {
        let roles = Roles::read(
            "protected = [\"root\"]\n\
             [[role]]\nname = \"desk\"\ngroup = \"helpdesk\"\nover = \"staff\"\nverbs = [\"reset\"]\n\
             [[role]]\nname = \"lead\"\ngroup = \"auditors\"\nover = \"staff\"\nverbs = [\"reset\"]\n\
             [[role]]\nname = \"guest-desk\"\ngroup = \"helpdesk\"\nover = \"guests\"\nverbs = [\"reset\"]\n",
        )
        .unwrap();
        let book = RoleBook { roles: &roles, memberships: &GROUPS };
        let ada = account("ada", 1000);
        let decided = |caller, named| {
            let target = RoleTarget { account: &ada, has_one_name: true };
            let found = book.decide(&account(caller, 2000), &target, RoleVerb::Reset, Some(named));
            found.map(|role| role.name.clone())
        };
        assert_eq!(decided("kim", "desk"), Ok("desk".into()));
        assert_eq!(decided("una", "lead"), Ok("lead".into()));
        for (caller, named) in
            [("kim", "lead"), ("una", "desk"), ("kim", "guest-desk"), ("kim", "")]
        {
            assert_eq!(decided(caller, named), Err(RoleRefusal::Elsewhere), "{caller} {named}");
        }
    }

    #[test]
    fn unknown_groups_refuse_every_role() {
        for group in ["broken", "wheel"] {
            let unknown = Err(RoleRefusal::Unresolved(group.into()));
            let roles = roles(&alloc::format!("[\"root\", \"{group}\"]"));
            for caller in ["kim", "una", "eve"] {
                assert_eq!(decided(&roles, caller, &account("ada", 1000), RoleVerb::Why), unknown);
            }
        }
    }
}
