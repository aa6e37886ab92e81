//! The findings about settings and rules by which users log in without a code.
use twinlock_core::policy::{Action, NotEnrolled, Rule, settings::rules::one};

use crate::finding::{Finding, Level};

/// Returns the finding about a rule by which users log in without a code. `place` is the file of the rule and, if
/// known, the line.
#[must_use]
pub fn by_rule(place: String, rule: &Rule) -> Finding {
    let written = one(rule).replace("\n[[rule]]\n", "").trim().replace('\n', ", ");
    let (id, who) = match rule.action {
        Action::Exempt => ("rule-exempts", "Users whom this rule matches log in without a code"),
        Action::Remind | Action::Require => (
            "rule-reminds",
            "Users whom this rule matches and who are not enrolled log in without a code",
        ),
    };
    Finding {
        level: Level::WayIn,
        id,
        place,
        what: format!("{who}: {written}."),
        remedy: "Remove the rule, or accept it in /etc/twinlock/accepted.toml.".to_owned(),
    }
}

/// Returns the finding about the setting `not_enrolled`; `None` if the setting lets in no user without a code. `place`
/// is the settings file.
#[must_use]
pub fn not_enrolled(place: String, setting: NotEnrolled) -> Option<Finding> {
    let word = match setting {
        NotEnrolled::Deny | NotEnrolled::Enroll => return None,
        NotEnrolled::Remind => "remind",
        NotEnrolled::Allow => "allow",
    };
    Some(Finding {
        level: Level::WayIn,
        id: "not-enrolled-allowed",
        place,
        what: format!(
            "Users who are not enrolled log in with the first factor alone: not_enrolled = \"{word}\"."
        ),
        remedy: "Enroll them (`twinlock list` shows who is enrolled), then write `not_enrolled = \"deny\"`; or accept it in \
                 /etc/twinlock/accepted.toml."
            .to_owned(),
    })
}
