//! Effects of a policy on every stack: who is exempt, and who decides about users who are not enrolled.

use twinlock_core::policy::{Action, Author, NotEnrolled, Policy, Rule};
use twinlock_doctor::settings::{Decider, Exemptions, Settings, Strangers};

use crate::commands::doctor::candidate;

/// Returns the effects of a policy, without findings.
pub(super) fn of(policy: &Policy) -> Settings {
    Settings {
        exempt: policy
            .rules
            .iter()
            .filter(|rule| of_all(rule))
            .filter_map(|rule| rule.service.clone())
            .collect(),
        exemptions: if exempts(policy) { Exemptions::Some } else { Exemptions::None },
        not_enrolled: match policy.not_enrolled_by {
            Author::Settings => Decider::Settings,
            Author::Nobody => Decider::Line,
        },
        strangers: match policy.not_enrolled {
            NotEnrolled::Deny | NotEnrolled::Enroll => Strangers::Refused,
            NotEnrolled::Allow | NotEnrolled::Remind => Strangers::LetIn,
        },
        named: Some(candidate::named),
        ..Settings::default()
    }
}

/// Returns the effects of settings that cannot be read: they may exempt users.
pub(super) fn unread() -> Settings {
    Settings {
        exemptions: Exemptions::Some,
        strangers: Strangers::Unknown,
        named: Some(candidate::named),
        ..Settings::default()
    }
}

/// Reports whether a rule exempts all users of a service, from anywhere and without an end.
fn of_all(rule: &Rule) -> bool {
    let anybody = rule.user.is_none() && rule.group.is_none() && rule.network.is_none();
    anybody && rule.action == Action::Exempt && rule.until.is_none()
}

/// Reports whether the policy lets any user in without a code.
fn exempts(policy: &Policy) -> bool {
    let passes = matches!(policy.not_enrolled, NotEnrolled::Allow | NotEnrolled::Remind);
    passes || policy.rules.iter().any(|rule| rule.action != Action::Require)
}
