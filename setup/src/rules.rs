//! Computes the rules that setup writes to rules.toml. They say who gets in through a service without a code.
//!
//! setup's rules have a few forms, which name one PAM service and have no end date. The other rules of the file are
//! reminders of `twinlock invite`, which name no service. So setup's rules are recognized by their form, even if the
//! file was edited after setup.
//!
//! The first rule that matches a login decides. Rules about single users and networks are at the front of the file.
//! Rules that decide for all other users of a service are at the back, behind the reminders.

use twinlock_core::{
    base::fingerprint,
    policy::{
        Action, Network, NotEnrolled, Rule,
        settings::{SettingsError, rules as form},
    },
};

use crate::{scope::Scope, wishes::ServiceName};

/// Returns the rules for a service. `not_enrolled` is the setting for users who are not enrolled.
#[must_use]
pub fn of(service: &ServiceName, scope: &Scope, not_enrolled: NotEnrolled) -> Vec<Rule> {
    // Where the settings remind all users, no rule is needed.
    let asks = match scope.reminds && not_enrolled != NotEnrolled::Remind {
        true => Action::Remind,
        false => Action::Require,
    };
    let each = service.pam_services().into_iter().flat_map(|name| {
        let rule = |action| Rule {
            user: None,
            group: None,
            service: Some(name.clone()),
            network: None,
            action,
            until: None,
        };
        let mut all = Vec::new();
        for robot in &scope.robots {
            // Within the networks of a robot, sshd asks it for its key only, without PAM. This rule is for all other
            // addresses.
            all.push(Rule { user: Some(robot.user.clone()), ..rule(Action::Require) });
        }
        let from = |network: &Network| Rule { network: Some(*network), ..rule(Action::Exempt) };
        all.extend(scope.networks.iter().map(from));
        match &scope.group {
            Some(group) => {
                let members = |action| Rule { group: Some(group.clone()), ..rule(action) };
                all.extend((asks == Action::Remind).then(|| members(Action::Remind)));
                // If the group no longer exists, this rule applies to all users, so that all must give a code.
                all.push(members(Action::Require));
                all.push(rule(Action::Exempt));
            }
            None if asks == Action::Remind => all.push(rule(Action::Remind)),
            None => {}
        }
        all
    });
    each.collect()
}

/// Returns whether the rule has one of the forms that setup writes.
#[must_use]
pub fn is_ours(rule: &Rule) -> bool {
    let named = (rule.user.is_some(), rule.group.is_some(), rule.network.is_some());
    let form = match (named, rule.action) {
        ((true, false, false), Action::Require)
        | ((false, false, true), Action::Exempt)
        | ((false, true, false), Action::Require | Action::Remind)
        | ((false, false, false), Action::Exempt | Action::Remind) => true,
        (_, Action::Require | Action::Exempt | Action::Remind) => false,
    };
    form && rule.service.is_some() && rule.until.is_none()
}

/// Returns whether setup has written the rule for the service.
#[must_use]
pub fn is_of(rule: &Rule, service: &ServiceName) -> bool {
    let names = service.pam_services();
    is_ours(rule) && rule.service.as_ref().is_some_and(|name| names.contains(name))
}

/// Returns whether setup places the rule at the back of the file, because it names neither a user nor a network.
fn is_last(rule: &Rule) -> bool {
    is_ours(rule) && rule.user.is_none() && rule.network.is_none()
}

/// Returns the rules of a file with `new` in place of the service's earlier rules.
#[must_use]
pub fn with(existing: &[Rule], service: &ServiceName, new: &[Rule]) -> Vec<Rule> {
    let kept = existing.iter().filter(|rule| !is_of(rule, service));
    let mut all: Vec<Rule> = kept.chain(new).cloned().collect();
    // The order of rules of different services has no effect. The order is fixed, so that a second run of a command
    // changes nothing.
    let rank = |rule: &Rule| match (is_last(rule), is_ours(rule)) {
        (true, _) => 2,
        (false, true) => 0,
        (false, false) => 1,
    };
    let name = |rule: &Rule| rule.service.clone().filter(|_| is_ours(rule));
    all.sort_by_key(|rule| (rank(rule), name(rule)));
    all
}

/// Returns the index at which a reminder must be inserted: behind the other rules, but before those that decide for all
/// users of a service.
#[must_use]
pub fn place_of_reminder(existing: &[Rule]) -> usize {
    existing.iter().position(is_last).unwrap_or(existing.len())
}

/// Returns the text of rules.toml with these rules. The text always differs from `before`, even if the rules are the
/// same, because compare-and-swap takes a file with the same text for a file that nobody has changed.
#[must_use]
pub fn text(rules: &[Rule], before: &str) -> String {
    let seed = form::written(rules, 0) + before;
    let generation = u64::from_str_radix(&fingerprint::of_content(seed.as_bytes()), 16);
    form::written(rules, generation.unwrap_or_default())
}

/// Returns the text of rules.toml with `new` in place of the service's earlier rules; `None` if the file has these
/// rules already.
///
/// # Errors
/// [`SettingsError`] if the file has an error.
pub fn replaced(
    before: &str,
    service: &ServiceName,
    new: &[Rule],
) -> Result<Option<String>, SettingsError> {
    let existing = form::read(before)?;
    let all = with(&existing, service, new);
    Ok((all != existing).then(|| text(&all, before)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scope::Robot;
    use twinlock_core::base::time::UnixTime;

    fn service(name: &str) -> ServiceName {
        ServiceName::of(name).unwrap()
    }

    fn scope() -> Scope {
        let network = |text| Network::parse(text).unwrap();
        Scope {
            group: Some("admins".to_owned()),
            networks: vec![network("10.0.0.0/8"), network("2001:db8::/32")],
            robots: vec![Robot { user: "backup".to_owned(), networks: vec![network("192.0.2.7")] }],
            reminds: false,
        }
    }

    fn words(rules: &[Rule]) -> Vec<String> {
        let words =
            |rule: &Rule| form::one(rule).replace("\n[[rule]]\n", "").trim().replace('\n', " ");
        rules.iter().map(words).collect()
    }

    #[test]
    fn members_are_asked_and_others_are_not() {
        let rules = of(&service("ssh"), &scope(), NotEnrolled::Deny);
        assert_eq!(
            words(&rules),
            [
                "user = \"backup\" service = \"sshd\" action = \"require\"",
                "service = \"sshd\" network = \"10.0.0.0/8\" action = \"exempt\"",
                "service = \"sshd\" network = \"2001:db8::/32\" action = \"exempt\"",
                "group = \"admins\" service = \"sshd\" action = \"require\"",
                "service = \"sshd\" action = \"exempt\"",
            ]
        );
        let group = Scope { group: Some("admins".to_owned()), ..Scope::default() };
        assert_eq!(of(&service("sudo"), &group, NotEnrolled::Deny).len(), 4);
        assert_eq!(of(&service("ssh"), &Scope::default(), NotEnrolled::Deny), []);
    }

    #[test]
    fn settings_that_remind_need_no_rule() {
        let reminds = Scope { reminds: true, ..Scope::default() };
        assert_eq!(of(&service("ssh"), &reminds, NotEnrolled::Remind), []);
        let rule = of(&service("ssh"), &reminds, NotEnrolled::Allow);
        assert_eq!(words(&rule), ["service = \"sshd\" action = \"remind\""]);
        let group = Scope { reminds: true, group: Some("g".to_owned()), ..Scope::default() };
        let rules = words(&of(&service("su"), &group, NotEnrolled::Deny));
        assert_eq!(rules[0], "group = \"g\" service = \"su\" action = \"remind\"");
        assert_eq!(rules[1], "group = \"g\" service = \"su\" action = \"require\"");
    }

    #[test]
    fn a_group_that_is_gone_exempts_nobody() {
        use twinlock_core::{
            base::account::{Account, Membership},
            policy::rules::{Subject, decide},
        };
        let account = Account { name: "bob".into(), uid: 1000, gid: 1000, full_name: "".into() };
        let subject =
            Subject { account: &account, service: "sshd", address: None, now: UnixTime(1) };
        for reminds in [false, true] {
            let scope = Scope { reminds, group: Some("g".to_owned()), ..Scope::default() };
            let rules = of(&service("ssh"), &scope, NotEnrolled::Deny);
            for (membership, action) in [
                (Membership::NoSuchGroup, Action::Require),
                (Membership::Outside, Action::Exempt),
                (Membership::Member, if reminds { Action::Remind } else { Action::Require }),
            ] {
                let decided = decide(&rules, &subject, &mut |_, _| Ok(membership)).unwrap();
                assert_eq!(decided.action, action, "{membership:?}");
            }
        }
    }

    #[test]
    fn rules_of_others_stay_and_twice_is_once() {
        let reminder = Rule {
            user: None,
            group: Some("dev".to_owned()),
            service: None,
            network: None,
            action: Action::Remind,
            until: Some(UnixTime(1_801_353_600)),
        };
        let new = |name| of(&service(name), &scope(), NotEnrolled::Deny);
        let first = with(core::slice::from_ref(&reminder), &service("ssh"), &new("ssh"));
        assert_eq!(first.iter().position(|rule| *rule == reminder), Some(3));
        assert_eq!(place_of_reminder(&first), 4);
        let both = with(&first, &service("su"), &new("su"));
        for name in ["ssh", "su"] {
            assert_eq!(with(&both, &service(name), &new(name)), both);
        }
        let one = with(&both, &service("su"), &[]);
        assert_eq!(one, first);
        assert_eq!(with(&one, &service("ssh"), &[]), [reminder]);
    }

    #[test]
    fn no_text_comes_back() {
        let ssh = service("ssh");
        let new = of(&ssh, &scope(), NotEnrolled::Deny);
        let mut seen = vec![String::new()];
        for _ in 0..4 {
            let with = replaced(seen.last().unwrap(), &ssh, &new).unwrap().unwrap();
            assert_eq!(replaced(&with, &ssh, &new).unwrap(), None);
            let without = replaced(&with, &ssh, &[]).unwrap().unwrap();
            seen.extend([with, without]);
        }
        let count = seen.len();
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), count);
        assert!(replaced("[[rule]]\naction = \"x\"\n", &ssh, &new).is_err());
    }
}
