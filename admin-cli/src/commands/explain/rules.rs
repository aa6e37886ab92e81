//! Explains each rule: why it matches a login or does not, and whether it can have an effect at all.

use serde_json::json;
use twinlock_core::{
    base::{
        account::{Account, Membership},
        error::LookupError,
    },
    policy::{
        Action, Rule,
        rules::{self, Decided},
    },
    ports::Accounts,
};

use crate::commands::explain::{ExplainStep, ExplainedLogin, membership, subject};
use crate::{
    context::Context,
    text::{date, plain},
};

/// Services whose logins have no address, so that a rule with a network never matches them.
const LOCAL: [&str; 7] = ["su", "su-l", "sudo", "sudo-i", "login", "polkit-1", "vlock"];

/// Matches all rules against the login. Returns the action that the rules demand, and the step of the explanation that
/// tells the administrator about each rule.
pub(crate) fn walk(
    context: &Context,
    login: &ExplainedLogin<'_>,
) -> (Result<Decided, LookupError>, ExplainStep) {
    let all = &context.policy.rules;
    let decided = rules::decide(all, &subject(login), &mut membership(context));
    let first = decided.ok().and_then(|decided| decided.rule);
    let (mut lines, mut objects) = (Vec::new(), Vec::new());
    for (number, rule) in (1..).zip(all) {
        let verdict = verdict(context, login, rule);
        let (word, said) = match first {
            Some(first) if number > first => {
                ("not_reached", format!("not reached; {first} decides"))
            }
            Some(first) if number == first => {
                ("decides", format!("matches, and decides: {}", effect(rule, login)))
            }
            _ => ("passed", verdict),
        };
        lines.push(format!("Rule {number} ({}): {said}.", described(rule)));
        let never = never(context, login, all, number);
        if let Some(never) = &never {
            lines.push(format!("  {never}."));
        }
        objects.push(json!({ "rule": number, "result": word, "said": said, "never": never }));
    }
    lines.push(match decided {
        Err(LookupError) => {
            "Rules: a group could not be looked up, so the login is refused.".into()
        }
        Ok(Decided { rule: None, .. }) if all.is_empty() => {
            "Rules: there are none; a code is needed.".into()
        }
        Ok(Decided { rule: None, .. }) => "Rules: none matches; a code is needed.".into(),
        Ok(Decided { rule: Some(rule), .. }) => format!("Rules: rule {rule} decides."),
    });
    (decided, ExplainStep { lines, object: json!({ "rules": objects, "decides": first }) })
}

/// Returns the conditions and the action of a rule as text, such as `group staff, exempt`.
fn described(rule: &Rule) -> String {
    let word = match rule.action {
        Action::Require => "require",
        Action::Exempt => "exempt",
        Action::Remind => "remind",
    };
    let named = |name: &str, value: &Option<String>| {
        value.as_ref().map(|value| format!("{name} {}", plain(value)))
    };
    let parts = [
        named("user", &rule.user),
        named("group", &rule.group),
        named("service", &rule.service),
        rule.network.map(|network| format!("network {network}")),
        rule.until.map(|until| format!("until {}", date(until))),
        Some(word.to_owned()),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// Returns a phrase that says whether the rule matches the login, and if not, the first reason.
fn verdict(context: &Context, login: &ExplainedLogin<'_>, rule: &Rule) -> String {
    if rule.user.as_ref().is_some_and(|user| *user != login.account.name) {
        return "is for another user".into();
    }
    if rule.service.as_ref().is_some_and(|service| service != login.service) {
        return "is for another service".into();
    }
    match (rule.network, login.address) {
        (Some(_), None) => return "is for a network, and this login has no address".into(),
        (Some(network), Some(address)) if !network.holds(address) => {
            return "is for another network".into();
        }
        _ => {}
    }
    let Some(group) = &rule.group else { return "matches".into() };
    match context.machine.accounts.membership(login.account, group) {
        Ok(Membership::Member) => "matches".into(),
        Ok(Membership::Outside) => format!("is for members of {}", plain(group)),
        Ok(Membership::NoSuchGroup) => "is for a group that does not exist".into(),
        Err(LookupError) => "its group could not be looked up".into(),
    }
}

fn effect(rule: &Rule, login: &ExplainedLogin<'_>) -> &'static str {
    let over = rule.until.is_some_and(|until| login.now.unix >= until);
    match rule.action {
        _ if over => "its date has passed, so a code is needed",
        Action::Require => "a code is needed",
        Action::Exempt => "no code is needed",
        Action::Remind => "a user who is not enrolled is reminded, and let in without a code",
    }
}

/// Returns a sentence without a full stop that says why the rule `number` (from 1) has no effect of its own; `None` if
/// the rule may have an effect.
fn never(
    context: &Context,
    login: &ExplainedLogin<'_>,
    all: &[Rule],
    number: usize,
) -> Option<String> {
    let rule = all.get(number.checked_sub(1)?)?;
    let over = rule.until.is_some_and(|until| login.now.unix >= until);
    if over && rule.action != Action::Require {
        return Some("Its date has passed: it acts like a rule with action = \"require\"".into());
    }
    let of_nobody = of_nobody(context, rule);
    let service = rule.service.as_deref().filter(|service| LOCAL.contains(service));
    let no_address = service
        .filter(|_| rule.network.is_some())
        .map(|service| format!("a login by {} has no address", plain(service)));
    let before = || {
        let earlier =
            all.iter().take(number - 1).position(|earlier| rules::shadows(earlier, rule))?;
        Some(format!(
            "rule {} comes first and matches every login that this one matches",
            earlier + 1
        ))
    };
    let why = of_nobody.or(no_address).or_else(before)?;
    Some(format!("It can never take effect: {why}"))
}

/// Returns a clause that names the user or group of the rule that does not exist; `None` if both exist.
fn of_nobody(context: &Context, rule: &Rule) -> Option<String> {
    let accounts = &context.machine.accounts;
    let anybody =
        Account { name: String::new(), uid: u32::MAX, gid: u32::MAX, full_name: String::new() };
    let no_group =
        |group: &&String| accounts.membership(&anybody, group) == Ok(Membership::NoSuchGroup);
    if let Some(group) = rule.group.as_ref().filter(no_group) {
        return Some(format!("there is no group {}", plain(group)));
    }
    let user = rule.user.as_ref().filter(|user| accounts.by_name(user) == Ok(None))?;
    Some(format!("there is no account {}", plain(user)))
}
