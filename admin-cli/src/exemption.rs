//! Finds the rule that exempts a user from codes, for lists, in which no particular login is known.

use twinlock_core::{
    account::Account,
    policy::{Action, Rule},
    ports::{Accounts, Membership},
    time::UnixTime,
};

use crate::desk::Desk;

/// A rule that exempts a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exemption {
    /// Number of the rule, counted from 1.
    pub rule: usize,
    /// Scope of the exemption.
    pub reach: Reach,
}

/// Scope of an exemption.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Every login.
    Everywhere,
    /// Logins by one service or from one network.
    InPart,
}

/// Returns the first rule that exempts a user, unless an earlier rule requires a code everywhere.
pub fn of(desk: &Desk, account: &Account, now: UnixTime) -> Option<Exemption> {
    for (number, rule) in (1..).zip(&desk.policy.rules) {
        let reach = match (&rule.service, &rule.network) {
            (None, None) => Reach::Everywhere,
            _ => Reach::InPart,
        };
        if !is_about(desk, rule, account) {
            continue;
        }
        let over = rule.until.is_some_and(|until| now >= until);
        match (rule.action, reach) {
            (Action::Exempt, reach) if !over => return Some(Exemption { rule: number, reach }),
            (_, Reach::Everywhere) => return None,
            (_, Reach::InPart) => {}
        }
    }
    None
}

/// Reports whether a rule applies to the account; a failed look-up exempts nobody.
fn is_about(desk: &Desk, rule: &Rule, account: &Account) -> bool {
    let member = |group: &String| {
        let found = desk.machine.accounts.membership(account, group);
        found == Ok(Membership::Member)
    };
    rule.user.as_ref().is_none_or(|user| *user == account.name)
        && rule.group.as_ref().is_none_or(member)
}

impl Exemption {
    /// Describes the exemption: `rule 2`, `rule 3 in part`.
    pub fn said(self) -> String {
        match self.reach {
            Reach::Everywhere => format!("rule {}", self.rule),
            Reach::InPart => format!("rule {} in part", self.rule),
        }
    }
}
