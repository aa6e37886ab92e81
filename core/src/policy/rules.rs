//! Rules of the settings file. The first rule that matches a login says whether a code is required.

use alloc::string::String;
use core::net::IpAddr;

use crate::{
    base::{
        account::{Account, Membership},
        error::LookupError,
        time::UnixTime,
    },
    policy::network::Network,
};

/// One `[[rule]]` of the settings. All conditions that it sets must match the login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Condition: the canonical account name; `None` if the rule applies to all accounts.
    pub user: Option<String>,
    /// Condition: the name of a group that the account is a member of; `None` if the group does not matter.
    pub group: Option<String>,
    /// Condition: the PAM service; `None` if the rule applies to all services.
    pub service: Option<String>,
    /// Condition: the network that contains the source address; `None` if the address does not matter.
    pub network: Option<Network>,
    /// What the rule requires of a login that matches all conditions.
    pub action: Action,
    /// Time from which the rule's action is [`Action::Require`]; `None` if the action never changes.
    pub until: Option<UnixTime>,
}

/// What a rule requires of a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A code is required.
    Require,
    /// No code is required.
    Exempt,
    /// A code is required from enrolled users. Other users are offered set-up and then granted access.
    Remind,
}

/// The facts about a login with which rules are compared.
pub struct Subject<'a> {
    /// The account of the user.
    pub account: &'a Account,
    /// The PAM service.
    pub service: &'a str,
    /// The source address; `None` if the user does not connect from a network address.
    pub address: Option<IpAddr>,
    /// The current time, which decides whether a rule has ended.
    pub now: UnixTime,
}

/// What a login needs, and the rule that says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decided {
    /// What the login needs: the action of the rule that matched, or [`Action::Require`] if that rule has ended or no
    /// rule matched.
    pub action: Action,
    /// Number of the rule that matched, from 1; `None` if no rule matched.
    pub rule: Option<usize>,
    /// Time at which `action` ends, because the rule that matched ends then. `None` if no rule matched, if the rule has
    /// no end, or if it has already ended.
    pub until: Option<UnixTime>,
}

/// Returns the action of the first rule that matches a login; [`Action::Require`] if none matches.
///
/// # Errors
/// [`LookupError`] if a group could not be looked up. A user whose membership is unknown is never exempted.
pub fn decide(
    rules: &[Rule],
    subject: &Subject<'_>,
    membership: &mut dyn FnMut(&Account, &str) -> Result<Membership, LookupError>,
) -> Result<Decided, LookupError> {
    for (index, rule) in rules.iter().enumerate() {
        if matches_all(rule, subject, membership)? {
            let over = rule.until.is_some_and(|until| subject.now >= until);
            let (action, until) =
                if over { (Action::Require, None) } else { (rule.action, rule.until) };
            return Ok(Decided { action, rule: Some(index + 1), until });
        }
    }
    Ok(Decided { action: Action::Require, rule: None, until: None })
}

fn matches_all(
    rule: &Rule,
    subject: &Subject<'_>,
    membership: &mut dyn FnMut(&Account, &str) -> Result<Membership, LookupError>,
) -> Result<bool, LookupError> {
    let same = |wanted: &Option<alloc::string::String>, found: &str| {
        wanted.as_deref().is_none_or(|wanted| wanted == found)
    };
    let inside = rule
        .network
        .is_none_or(|network| subject.address.is_some_and(|address| network.holds(address)));
    if !inside || !same(&rule.user, &subject.account.name) || !same(&rule.service, subject.service)
    {
        return Ok(false);
    }
    match &rule.group {
        Some(group) => Ok(match membership(subject.account, group)? {
            Membership::Member => true,
            Membership::Outside => false,
            // A misspelt group fails closed without locking users out: its rule may require a code, but never
            // exempts.
            Membership::NoSuchGroup => rule.action == Action::Require,
        }),
        None => Ok(true),
    }
}

/// Returns whether `earlier` matches every login that `later` matches, so that `later` never applies.
#[must_use]
pub fn shadows(earlier: &Rule, later: &Rule) -> bool {
    let wider = |one: &Option<alloc::string::String>, other: &Option<alloc::string::String>| {
        one.is_none() || one == other
    };
    wider(&earlier.user, &later.user)
        && wider(&earlier.group, &later.group)
        && wider(&earlier.service, &later.service)
        && (earlier.network.is_none() || earlier.network == later.network)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Network;

    fn account() -> Account {
        Account { name: "backup".into(), uid: 34, gid: 34, full_name: "".into() }
    }

    fn rule(action: Action) -> Rule {
        Rule { user: None, group: None, service: None, network: None, action, until: None }
    }

    fn action(rules: &[Rule], address: Option<&str>) -> Result<Action, LookupError> {
        let account = account();
        let subject = Subject {
            account: &account,
            service: "sshd",
            address: address.map(|address| address.parse().unwrap()),
            now: UnixTime(1000),
        };
        let mut membership = |_: &Account, group: &str| match group {
            "robots" => Ok(Membership::Member),
            "broken" => Err(LookupError),
            "misspelt" => Ok(Membership::NoSuchGroup),
            _ => Ok(Membership::Outside),
        };
        decide(rules, &subject, &mut membership).map(|decided| decided.action)
    }

    #[test]
    fn the_first_that_matches_decides() {
        let exempt = || rule(Action::Exempt);
        assert_eq!(action(&[], None), Ok(Action::Require));
        assert_eq!(action(&[exempt()], None), Ok(Action::Exempt));
        assert_eq!(action(&[rule(Action::Require), exempt()], None), Ok(Action::Require));
        let named = |user: &str| Rule { user: Some(user.into()), ..exempt() };
        assert_eq!(action(&[named("backup")], None), Ok(Action::Exempt));
        assert_eq!(action(&[named("backu")], None), Ok(Action::Require));
        let service = Rule { service: Some("sudo".into()), ..exempt() };
        assert_eq!(action(&[service], None), Ok(Action::Require));
    }

    #[test]
    fn a_network_needs_an_address() {
        let local = Rule { network: Network::parse("10.0.0.0/8"), ..rule(Action::Exempt) };
        assert_eq!(action(core::slice::from_ref(&local), Some("10.9.9.9")), Ok(Action::Exempt));
        assert_eq!(action(core::slice::from_ref(&local), Some("192.0.2.1")), Ok(Action::Require));
        assert_eq!(action(&[local], None), Ok(Action::Require));
    }

    #[test]
    fn a_group_that_cannot_be_looked_up_exempts_nobody() {
        let group = |group: &str| Rule { group: Some(group.into()), ..rule(Action::Exempt) };
        assert_eq!(action(&[group("robots")], None), Ok(Action::Exempt));
        assert_eq!(action(&[group("others")], None), Ok(Action::Require));
        assert_eq!(action(&[group("broken")], None), Err(LookupError));
        assert_eq!(action(&[group("misspelt")], None), Ok(Action::Require));
        let demanding = Rule { group: Some("misspelt".into()), ..rule(Action::Require) };
        assert_eq!(action(&[demanding, rule(Action::Exempt)], None), Ok(Action::Require));
    }

    #[test]
    fn a_date_ends_an_exemption() {
        let until = |until| Rule { until: Some(UnixTime(until)), ..rule(Action::Exempt) };
        assert_eq!(action(&[until(1001)], None), Ok(Action::Exempt));
        assert_eq!(action(&[until(1000)], None), Ok(Action::Require));
    }

    #[test]
    fn wider_rules_shadow_narrower_ones() {
        let everybody = rule(Action::Require);
        let group = Rule { group: Some("dev".into()), ..rule(Action::Remind) };
        let user = Rule { user: Some("ada".into()), ..group.clone() };
        let inside = Rule { network: Network::parse("10.0.0.0/8"), ..group.clone() };
        for (earlier, later, shadowed) in [
            (&everybody, &group, true),
            (&group, &group, true),
            (&group, &user, true),
            (&group, &inside, true),
            (&user, &group, false),
            (&inside, &group, false),
            (&group, &everybody, false),
        ] {
            assert_eq!(shadows(earlier, later), shadowed, "{earlier:?} {later:?}");
        }
    }
}
