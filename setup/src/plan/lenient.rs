//! Computes the new rules.toml, whose rules let users in without a code, and accepted.toml, whose entries tell doctor
//! that this is intended.

use twinlock_core::{
    base::time::UnixTime,
    policy::{
        Action, NotEnrolled, Rule,
        rules::shadows,
        settings::{self as form, rules as rules_form},
    },
};
use twinlock_doctor::{accepted, sshd::config::Patterns};
use twinlock_host::settings::{PATH, RULES};

use crate::{
    entries::{self, EntryInput},
    plan::{FileChange, PlanError, read},
    rules,
    wishes::{ServiceName, Wishes},
};

/// What determines the changes of accepted.toml and rules.toml, in addition to these files and to the options of the
/// administrator ([`Wishes`]).
pub(super) struct PlanInput<'a> {
    /// The current time.
    pub(super) now: UnixTime,
    /// Path of the drop-in file of sshd; `None` for other services.
    pub(super) drop_in: Option<&'a str>,
}

/// Returns the changes of accepted.toml and rules.toml. A file that need not change is left out.
///
/// # Errors
/// [`PlanError`] if a file cannot be used, or a rule would have no effect.
pub(super) fn plan(
    files: &dyn Patterns,
    wishes: &Wishes,
    moment: &PlanInput<'_>,
) -> Result<Vec<FileChange>, PlanError> {
    let Wishes { service, scope, .. } = wishes;
    let has = [("--network", !scope.networks.is_empty()), ("--robot", !scope.robots.is_empty())];
    if let Some((option, _)) = has.into_iter().find(|(_, given)| *given && !service.is_ssh()) {
        return Err(PlanError::OnlySshHas(option));
    }
    let (settings, not_enrolled) = match scope.asks_all() {
        true => (None, NotEnrolled::Deny),
        false => {
            let text = read(files, PATH)?.unwrap_or_default();
            let policy = form::read(&text).map_err(|error| unusable(PATH, &error.to_string()))?;
            (Some((text, policy.rules)), policy.not_enrolled)
        }
    };
    if !scope.robots.is_empty() && matches!(not_enrolled, NotEnrolled::Allow | NotEnrolled::Remind)
    {
        return Err(PlanError::RobotsEverywhere);
    }
    let new = rules::of(service, scope, not_enrolled);
    let before = read(files, RULES)?;
    let text = before.clone().unwrap_or_default();
    let after = match rules::replaced(&text, service, &new) {
        // If all users are asked, a file that cannot be read needs no change.
        Err(_) if scope.asks_all() => None,
        after => after.map_err(|error| unusable(RULES, &error.to_string()))?,
    };
    let written = after.as_deref().unwrap_or(&text);
    if let Some((text, rules)) = &settings {
        must_decide(&RuleFile { path: PATH, text, rules, of: None }, &new)?;
        of_rules(written, service, &new)?;
    }
    let rules =
        after.map(|after| FileChange { path: RULES.to_owned(), before, after: Some(after) });
    let input = EntryInput { rules: &new, not_enrolled, drop_in: moment.drop_in, now: moment.now };
    let wanted = entries::of(wishes, &input);
    let replaced = |before: &str| entries::replaced(before, service, &wanted, moment.now);
    let entries = match of_entries(files, replaced) {
        Err(PlanError::Unusable { .. }) if scope.asks_all() => None,
        entries => entries?,
    };
    Ok(entries.into_iter().chain(rules).collect())
}

/// Checks for each of the new rules that no earlier rule of rules.toml decides otherwise for all of its users.
/// `written` is the new text of the file.
fn of_rules(written: &str, service: &ServiceName, new: &[Rule]) -> Result<(), PlanError> {
    let all = rules_form::read(written).map_err(|error| unusable(RULES, &error.to_string()))?;
    for rule in new {
        let place = all.iter().position(|one| one == rule).unwrap_or_default();
        let rules = all.get(..place).unwrap_or_default();
        let earlier = RuleFile { path: RULES, text: written, rules, of: Some(service) };
        must_decide(&earlier, core::slice::from_ref(rule))?;
    }
    Ok(())
}

/// Returns the changes that remove the rules and entries of a service. A file with an error stays as it is: without the
/// PAM lines, its rules and entries for the service have no effect.
///
/// # Errors
/// [`PlanError::Unreadable`] if a file cannot be read.
pub(super) fn teardown(
    files: &dyn Patterns,
    service: &ServiceName,
) -> Result<Vec<FileChange>, PlanError> {
    let before = read(files, RULES)?;
    let after = rules::replaced(before.as_deref().unwrap_or_default(), service, &[]);
    let after = after.ok().flatten();
    let rules =
        after.map(|after| FileChange { path: RULES.to_owned(), before, after: Some(after) });
    // All entries of the service are removed, so the date has no effect.
    let entries = of_entries(files, |before| entries::replaced(before, service, &[], UnixTime(0)));
    let entries = match entries {
        Err(PlanError::Unusable { .. }) => None,
        entries => entries?,
    };
    Ok(rules.into_iter().chain(entries).collect())
}

fn of_entries(
    files: &dyn Patterns,
    replaced: impl Fn(&str) -> Result<String, String>,
) -> Result<Option<FileChange>, PlanError> {
    let path = accepted::FILE;
    let before = read(files, path)?;
    let text = before.clone().unwrap_or_default();
    let after = replaced(&text).map_err(|why| unusable(path, &why))?;
    let changes = after != text;
    Ok(changes.then(|| FileChange { path: path.to_owned(), before, after: Some(after) }))
}

/// The rules of one file.
struct RuleFile<'a> {
    path: &'static str,
    text: &'a str,
    rules: &'a [Rule],
    /// The service to which the new rules apply. The rules that setup has written for this service are skipped, because
    /// they are the new rules themselves. With `None`, no rule of the file is skipped.
    of: Option<&'a ServiceName>,
}

/// Checks that no rule of the file makes one of the new rules useless: a rule that applies to all users of the new
/// rule, and decides otherwise.
fn must_decide(listed: &RuleFile<'_>, new: &[Rule]) -> Result<(), PlanError> {
    // An earlier rule with an end date requires a code from that date on. Until that date, the administrator has chosen
    // its result, so it contradicts only a new rule that exempts users.
    let ends = |one: &Rule, rule: &Rule| one.until.is_some() && rule.action != Action::Exempt;
    let is_new = |one: &Rule| listed.of.is_some_and(|service| rules::is_of(one, service));
    let decides = |one: &Rule, rule: &Rule| {
        !is_new(one) && shadows(one, rule) && one.action != rule.action && !ends(one, rule)
    };
    let first = |rule: &Rule| listed.rules.iter().position(|one| decides(one, rule));
    let Some(place) = new.iter().find_map(first) else { return Ok(()) };
    let line = rules_form::lines(listed.text).get(place).copied().unwrap_or(0);
    Err(PlanError::Shadowed { path: listed.path.to_owned(), line })
}

fn unusable(path: &str, why: &str) -> PlanError {
    PlanError::Unusable { path: path.to_owned(), why: why.to_owned() }
}
