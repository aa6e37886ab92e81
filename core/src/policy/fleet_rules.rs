//! Which users this host shares with the other hosts of a fleet.

use crate::policy::{Action, NotEnrolled, Policy, TicketNeed};

/// Settings that decide which users this host shares with other hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FleetRules {
    /// Whether this host belongs to a fleet.
    pub is_on: bool,
    /// The lowest user id that is shared, at least 1. Root is never shared.
    pub lowest_uid: u32,
    /// Whether an account has the same user id on every host.
    pub uids: FleetUids,
}

/// Whether an account has the same user id on every host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FleetUids {
    /// Every host uses the same id. A record with another user id is refused.
    #[default]
    Same,
    /// Each host has its own ids, so that accounts are matched by name only.
    Local,
}

impl FleetRules {
    /// Returns whether an account with this user id is shared. Root is never shared.
    #[must_use]
    pub fn shares(&self, uid: u32) -> bool {
        uid != 0 && uid >= self.lowest_uid
    }
}

/// Returns the setting or the action of a rule, as written in the file, by which users without a record can log in. A
/// fleet forbids it, because an attacker who can delete a record could then log in without a code. Returns `None` if the
/// settings name no fleet, or if they let in no user without a record.
#[must_use]
pub fn forbidden_in_fleet(policy: &Policy) -> Option<&'static str> {
    if !policy.fleet.is_on {
        return None;
    }
    open_without_record(policy)
}

/// Returns the setting or the action of a rule, as written in the file, by which users without a record can log in;
/// `None` if there is none. A fleet forbids it.
#[must_use]
pub fn open_without_record(policy: &Policy) -> Option<&'static str> {
    match (policy.not_enrolled, policy.set_up.ticket) {
        (NotEnrolled::Allow, _) => Some("not_enrolled = \"allow\""),
        (NotEnrolled::Remind, _) => Some("not_enrolled = \"remind\""),
        (NotEnrolled::Enroll, TicketNeed::Free) => Some("enroll_needs_ticket = false"),
        (NotEnrolled::Enroll | NotEnrolled::Deny, _) => {
            let reminds = policy.rules.iter().any(|rule| rule.action == Action::Remind);
            reminds.then_some("action = \"remind\"")
        }
    }
}

impl Default for FleetRules {
    fn default() -> Self {
        Self { is_on: false, lowest_uid: 1000, uids: FleetUids::Same }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Rule;
    use alloc::vec;

    #[test]
    fn absence_is_no_way_into_a_fleet() {
        let fleet = FleetRules { is_on: true, ..FleetRules::default() };
        let mut policy = Policy { fleet, ..Policy::default() };
        assert_eq!(forbidden_in_fleet(&policy), None);
        for (not_enrolled, ticket, word) in [
            (NotEnrolled::Allow, TicketNeed::Needed, Some("not_enrolled = \"allow\"")),
            (NotEnrolled::Remind, TicketNeed::Needed, Some("not_enrolled = \"remind\"")),
            (NotEnrolled::Enroll, TicketNeed::Needed, None),
            (NotEnrolled::Enroll, TicketNeed::Free, Some("enroll_needs_ticket = false")),
            (NotEnrolled::Deny, TicketNeed::Free, None),
        ] {
            policy.not_enrolled = not_enrolled;
            policy.set_up.ticket = ticket;
            policy.fleet.is_on = true;
            assert_eq!(forbidden_in_fleet(&policy), word);
            assert_eq!(open_without_record(&policy), word);
            policy.fleet.is_on = false;
            assert_eq!(forbidden_in_fleet(&policy), None);
        }
        let rule = |action| Rule {
            user: None,
            group: None,
            service: None,
            network: None,
            action,
            until: None,
        };
        policy.rules = vec![rule(Action::Require), rule(Action::Exempt)];
        assert_eq!(open_without_record(&policy), None);
        policy.rules.push(rule(Action::Remind));
        assert_eq!(open_without_record(&policy), Some("action = \"remind\""));
    }
}
