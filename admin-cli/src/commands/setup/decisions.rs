//! Finds out what the rules decide for many accounts. Reads the members of each group once, because a group may be
//! large.

use std::{
    collections::{HashMap, HashSet},
    net::IpAddr,
};

use twinlock_core::{
    base::{
        account::{Account, Membership},
        time::UnixTime,
    },
    policy::{
        Action, Rule,
        rules::{Subject, decide},
    },
};
use twinlock_host::directory::{Directory, DirectoryError, Whose};
use twinlock_setup::wishes::Wishes;

use crate::{
    commands::{list, setup::future_rules::FutureRules},
    error::exit::CliError,
};

/// The rules of a service, and the members of the groups to which the rules refer.
#[derive(Default)]
pub(super) struct Decisions {
    rules: Vec<Rule>,
    service: String,
    now: UnixTime,
    /// Names of the members of each group; a group that does not exist is missing.
    members: HashMap<String, HashSet<String>>,
}

impl Decisions {
    /// Reads the members of the groups that the rules and `--group` name. Only the group of `--group` must exist.
    ///
    /// # Errors
    /// [`CliError`] if the group of `--group` does not exist, or the members of a group cannot be listed.
    pub(super) fn new(
        wishes: &Wishes,
        rules: &FutureRules,
        now: UnixTime,
    ) -> Result<Self, CliError> {
        let service = wishes.service.pam_services().into_iter().next().unwrap_or_default();
        let mut members = HashMap::new();
        let named = rules.all.iter().filter_map(|rule| rule.group.as_ref());
        for group in named.chain(&wishes.scope.group) {
            if members.contains_key(group) {
                continue;
            }
            let whose = Whose::Members(group.clone());
            let is_asked = wishes.scope.group.as_ref() == Some(group);
            let mut directory = match Directory::open(&whose) {
                Err(DirectoryError::NoSuchGroup) if !is_asked => continue,
                opened => opened.map_err(|fault| list::no_directory(&whose, fault))?,
            };
            let mut names = HashSet::new();
            while let Some(account) = directory.next_account()? {
                names.insert(account.name);
            }
            members.insert(group.clone(), names);
        }
        Ok(Self { rules: rules.all.clone(), service, now, members })
    }

    /// Returns what the rules require of an account that logs in from an address; `None` stands for an address that no
    /// rule names.
    pub(super) fn action(&self, account: &Account, address: Option<IpAddr>) -> Action {
        let subject = Subject { account, service: &self.service, address, now: self.now };
        let mut membership = |account: &Account, group: &str| {
            Ok(match self.members.get(group) {
                None => Membership::NoSuchGroup,
                Some(names) if names.contains(&account.name) => Membership::Member,
                Some(_) => Membership::Outside,
            })
        };
        let decided = decide(&self.rules, &subject, &mut membership);
        // All members are known, so there is no error.
        decided.map_or(Action::Require, |decided| decided.action)
    }

    /// Returns whether an account is a member of a group that a rule names.
    pub(super) fn is_member(&self, user: &str, group: &str) -> bool {
        self.members.get(group).is_some_and(|names| names.contains(user))
    }
}
