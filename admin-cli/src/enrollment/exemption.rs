//! Finds the rule that exempts a user from codes. For lists of users, so no particular login is known.

use twinlock_core::{
    base::{account::Account, time::UnixTime},
    policy::{Action, Rule},
    ports::{Accounts, Membership},
};

use crate::context::Context;

/// A rule that exempts a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exemption {
    /// Number of the rule, counted from 1.
    pub(crate) rule: usize,
    /// Which logins the rule exempts.
    pub(crate) reach: ExemptionReach,
}

/// Which logins a rule exempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExemptionReach {
    /// All logins.
    Everywhere,
    /// Only logins through one service or from one network.
    InPart,
}

/// Returns the first rule that exempts the user. Returns `None` if there is none, or if an earlier rule requires a code
/// for every login.
pub(crate) fn of(context: &Context, account: &Account, now: UnixTime) -> Option<Exemption> {
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
            (Action::Exempt, reach) if !over => return Some(Exemption { rule: number, reach }),
            (_, ExemptionReach::Everywhere) => return None,
            (_, ExemptionReach::InPart) => {}
        }
    }
    None
}

/// Returns whether a rule applies to an account. If the group cannot be looked up, the rule does not apply.
fn is_about(context: &Context, rule: &Rule, account: &Account) -> bool {
    let member = |group: &String| {
        let found = context.machine.accounts.membership(account, group);
        found == Ok(Membership::Member)
    };
    rule.user.as_ref().is_none_or(|user| *user == account.name)
        && rule.group.as_ref().is_none_or(member)
}

impl Exemption {
    /// Returns the exemption as text, such as `rule 2` or `rule 3 in part`.
    pub(crate) fn said(self) -> String {
        match self.reach {
            ExemptionReach::Everywhere => format!("rule {}", self.rule),
            ExemptionReach::InPart => format!("rule {} in part", self.rule),
        }
    }
}
