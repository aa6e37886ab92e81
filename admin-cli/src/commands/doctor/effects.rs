//! Translates a policy into what doctor must know about the policy: who is exempt, and how users who are not enrolled
//! are treated.

use twinlock_core::policy::{Action, Author, NotEnrolled, Policy, Rule};
use twinlock_doctor::judge::not_root::Lockers;
use twinlock_doctor::settings::{Decider, DoctorSettings, Exemptions, Strangers};

use crate::commands::doctor::candidate;

/// Returns what doctor must know about the policy. Findings about the policy are added elsewhere.
pub(super) fn of(policy: &Policy) -> DoctorSettings {
    DoctorSettings {
        exempt: policy
            .rules
            .iter()
            .filter(|rule| of_all(rule))
            .filter_map(|rule| rule.service.clone())
            .collect(),
        lockers: if policy.agent.lockers { Lockers::On } else { Lockers::Off },
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
        ..DoctorSettings::default()
    }
}

/// Returns what doctor must assume if the settings cannot be read: there may be exempt users.
pub(super) fn unread() -> DoctorSettings {
    DoctorSettings {
        exemptions: Exemptions::Some,
        strangers: Strangers::Unknown,
        named: Some(candidate::named),
        ..DoctorSettings::default()
    }
}

/// Reports whether the rule exempts all users of its service, from any address and without an end date.
fn of_all(rule: &Rule) -> bool {
    let anybody = rule.user.is_none() && rule.group.is_none() && rule.network.is_none();
    anybody && rule.action == Action::Exempt && rule.until.is_none()
}

/// Reports whether the policy lets in any user without a code.
fn exempts(policy: &Policy) -> bool {
    let passes = matches!(policy.not_enrolled, NotEnrolled::Allow | NotEnrolled::Remind);
    passes || policy.rules.iter().any(|rule| rule.action != Action::Require)
}
