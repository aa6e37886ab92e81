//! Finds settings by which users log in without a code: `not_enrolled`, and rules that exempt or remind users.

use twinlock_core::policy::{Action, Policy, Rule, rules::shadows, settings::rules::lines};
use twinlock_core::{base::time::UnixTime, ports::Clock};
use twinlock_doctor::{lenient_findings, settings::Leniency};
use twinlock_host::settings::RULES;

/// A settings file, and the rules in force.
pub(super) struct Written<'a> {
    /// Path of the settings file.
    pub(super) config: &'a str,
    /// Text of the settings file, in which the lines of rules are looked up.
    pub(super) text: String,
    /// The settings. The rules in them are those of the settings file, followed by those of rules.toml.
    pub(super) policy: Policy,
    /// Number of rules at the end of `policy.rules` that come from rules.toml.
    pub(super) from_command: usize,
}

/// Returns the settings and rules by which users log in without a code. Rules that have ended, or that an earlier rule
/// makes ineffective, are left out.
pub(super) fn examine(written: &Written<'_>, clock: &dyn Clock) -> Vec<Leniency> {
    let Written { config, text, policy, from_command } = written;
    let mut found: Vec<Leniency> = not_enrolled(config, policy).into_iter().collect();
    let now = clock.now().ok().map(|now| now.unix);
    let of_file = policy.rules.len().saturating_sub(*from_command);
    let places = lines(text);
    for (number, rule) in policy.rules.iter().enumerate() {
        if !lets_in(rule, now) || policy.rules.iter().take(number).any(|one| shadows(one, rule)) {
            continue;
        }
        let place = match places.get(number).filter(|_| number < of_file) {
            Some(line) => format!("{config}:{line}"),
            None if number < of_file => (*config).to_owned(),
            None => RULES.to_owned(),
        };
        found.push(Leniency {
            service: rule.service.clone(),
            who: who(rule),
            finding: lenient_findings::by_rule(place, rule),
        });
    }
    found
}

/// Returns, in a few words, which users the rule lets in without a code.
fn who(rule: &Rule) -> String {
    let mut parts = Vec::new();
    parts.extend(rule.user.as_ref().map(|user| format!("user {user}")));
    parts.extend(rule.group.as_ref().map(|group| format!("group {group}")));
    parts.extend(rule.network.as_ref().map(|network| format!("from {network}")));
    match (parts.is_empty(), rule.action) {
        (true, Action::Remind) => parts.push("not enrolled".to_owned()),
        (true, Action::Exempt | Action::Require) => parts.push("everyone".to_owned()),
        (false, Action::Remind) => parts.push("if not enrolled".to_owned()),
        (false, Action::Exempt | Action::Require) => (),
    }
    parts.join(" ")
}

/// Returns whether the rule can let in a user without a code at the time `now`. If the time is unknown, no rule counts
/// as ended.
fn lets_in(rule: &Rule, now: Option<UnixTime>) -> bool {
    let over = rule.until.zip(now).is_some_and(|(until, now)| now >= until);
    !over && rule.action != Action::Require
}

fn not_enrolled(config: &str, policy: &Policy) -> Option<Leniency> {
    let finding = lenient_findings::not_enrolled(config.to_owned(), policy.not_enrolled)?;
    Some(Leniency { service: None, who: "not enrolled".to_owned(), finding })
}
