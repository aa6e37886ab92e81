//! Finds the rule that exempts a user from the code, for lists of users in which no single login is considered.

use twinlock_core::{
    base::{account::Account, time::UnixTime},
    policy::{Action, Rule},
    ports::{Accounts, Membership},
};

use crate::context::Context;

/// A rule that exempts a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exemption {
    /// Number of the rule, from 1, in the order in which rules are matched.
    pub(crate) rule: usize,
    /// Whether the rule exempts all logins of the user.
    pub(crate) reach: ExemptionReach,
}

/// Whether a rule exempts all logins of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExemptionReach {
    /// The rule exempts every login.
    Everywhere,
    /// The rule exempts only logins through one service or from one network.
    InPart,
}

/// Returns the first rule that exempts the user from the code; `None` if there is none, or if an earlier rule decides
/// otherwise for all of the user's logins.
pub(crate) fn of(context: &Context, account: &Account, now: UnixTime) -> Option<Exemption> {
    let mut asking: Vec<&Rule> = Vec::new();
    for (number, rule) in (1..).zip(&context.policy.rules) {
        let reach = match (&rule.service, &rule.network) {
            (None, None) => ExemptionReach::Everywhere,
            _ => ExemptionReach::InPart,
        };
        if !is_about(context, rule, account) {
            continue;
        }
        let over = rule.until.is_some_and(|until| now >= until);
        match (rule.action, reach) {
            (Action::Exempt, reach) if !over => {
                // An earlier rule may ask in all logins that this one exempts.
                if !asking.iter().any(|earlier| is_wider(earlier, rule)) {
                    return Some(Exemption { rule: number, reach });
                }
            }
            (_, ExemptionReach::Everywhere) => return None,
            (_, ExemptionReach::InPart) => asking.push(rule),
        }
    }
    None
}

/// Returns whether the rule `one` applies to all services and networks to which the rule `other` applies.
fn is_wider(one: &Rule, other: &Rule) -> bool {
    (one.service.is_none() || one.service == other.service)
        && (one.network.is_none() || one.network == other.network)
}

/// Returns whether the rule can apply to the account: it names this account or one of its groups, or it names no
/// account and no group. A group that cannot be looked up does not match.
fn is_about(context: &Context, rule: &Rule, account: &Account) -> bool {
    let member = |group: &String| {
        let found = context.machine.accounts.membership(account, group);
        found == Ok(Membership::Member)
    };
    rule.user.as_ref().is_none_or(|user| *user == account.name)
        && rule.group.as_ref().is_none_or(member)
}

impl Exemption {
    /// Returns the exemption as text, such as `rule 2`, or `rule 3 in part` if it does not cover every login.
    pub(crate) fn said(self) -> String {
        match self.reach {
            ExemptionReach::Everywhere => format!("rule {}", self.rule),
            ExemptionReach::InPart => format!("rule {} in part", self.rule),
        }
    }
}
