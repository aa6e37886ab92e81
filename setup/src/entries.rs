//! Computes the entries that `setup` and `invite` write to accepted.toml. An entry names a login without a code that
//! the administrator wants, so that doctor does not report it.
//!
//! setup recognizes its entries by their reason, which begins with the command that wrote them.

use toml_edit::{DocumentMut, Item, Table, Value};
use twinlock_core::{
    base::time::UnixTime,
    policy::{Action, NotEnrolled, Rule},
};
use twinlock_doctor::{
    accepted::{self, AcceptedFinding, FILE},
    finding::{Finding, Level},
    lenient_findings,
    sshd::judge::{WITHOUT_CODE, key_alone},
};

use crate::{
    scope::Scope,
    wishes::{ServiceName, Wishes, part_of},
};

/// Number of seconds for which a login without a code is accepted. After that, doctor reports it again, and setup
/// renews the entry.
const YEAR: u64 = 365 * 86_400;

/// Start of the reason of each of setup's entries. The name of the service follows.
const COMMAND: &str = "twinlock setup ";

/// What determines the entries of accepted.toml for a service, in addition to the options of setup.
pub struct EntryInput<'a> {
    /// The rules that setup writes for the service.
    pub rules: &'a [Rule],
    /// Value of the setting `not_enrolled`: how users who are not enrolled are treated.
    pub not_enrolled: NotEnrolled,
    /// Path of the drop-in file of sshd; `None` for other services.
    pub drop_in: Option<&'a str>,
    /// The current time.
    pub now: UnixTime,
}

/// Returns an entry of accepted.toml for each login without a code that the administrator asks for with the options in
/// `wishes`.
#[must_use]
pub fn of(wishes: &Wishes, input: &EntryInput<'_>) -> Vec<AcceptedFinding> {
    let scope = &wishes.scope;
    let until = UnixTime(input.now.plus(YEAR).day() * 86_400);
    let entry = |service: &str, finding: &Finding, option: &str| AcceptedFinding {
        finding: finding.id.to_owned(),
        service: service.to_owned(),
        outcome: finding.outcome(),
        reason: format!("{COMMAND}{} {option}", part_of(service)),
        until,
    };
    let mut all = Vec::new();
    for rule in input.rules.iter().filter(|rule| rule.action != Action::Require) {
        let finding = lenient_findings::by_rule(FILE.to_owned(), rule);
        let service = rule.service.as_deref().unwrap_or_default();
        all.push(entry(service, &finding, &option(scope, rule)));
    }
    let setting = lenient_findings::not_enrolled(FILE.to_owned(), input.not_enrolled);
    if let Some(finding) = setting.filter(|_| scope.reminds) {
        for service in wishes.service.pam_services() {
            all.push(entry(&service, &finding, "--not-enrolled remind"));
        }
    }
    for robot in scope.robots.iter().filter(|_| wishes.service.is_ssh()) {
        let finding = Finding {
            level: Level::WayIn,
            id: WITHOUT_CODE,
            place: String::new(),
            what: key_alone(
                &format!("user {}", robot.user),
                &format!("{}:0", input.drop_in.unwrap_or_default()),
                &robot.criteria(),
            ),
            remedy: String::new(),
        };
        all.push(entry("sshd", &finding, &format!("--robot {robot}")));
    }
    all
}

/// Returns the command-line option that made setup write `rule`, such as `--network 192.0.2.0/24`. An entry in
/// `accepted.toml` gives it as the reason.
fn option(scope: &Scope, rule: &Rule) -> String {
    match (&rule.network, &scope.group, rule.action) {
        (Some(network), _, _) => format!("--network {network}"),
        (None, Some(group), Action::Exempt) => format!("--group {group}"),
        (None, _, _) => "--not-enrolled remind".to_owned(),
    }
}

/// Returns whether two entries accept the same logins without a code. Their reasons and end dates may differ.
fn covers(one: &AcceptedFinding, other: &AcceptedFinding) -> bool {
    one.finding == other.finding && one.service == other.service && one.outcome == other.outcome
}

/// Returns the text `before` of accepted.toml, followed by those of `entries` that the file does not have yet. An entry
/// that differs only in its reason counts as the same.
///
/// # Errors
/// A clause that says why the entries cannot be appended.
pub fn extended(before: &str, entries: &[AcceptedFinding]) -> Result<String, String> {
    let known = accepted::read(before)?.accepted;
    let same = |one: &AcceptedFinding, entry: &AcceptedFinding| {
        covers(one, entry) && one.until == entry.until
    };
    let mut after = before.to_owned();
    for entry in entries.iter().filter(|entry| !known.iter().any(|one| same(one, entry))) {
        if !after.is_empty() {
            after.push_str(if after.ends_with('\n') { "\n" } else { "\n\n" });
        }
        after.push_str(&written(entry));
    }
    // If the file does not write its list as `[[accepted]]` tables, no table can be appended to the list.
    let whole = accepted::read(&after)?.accepted;
    match entries.iter().all(|entry| whole.iter().any(|one| same(one, entry))) {
        true => Ok(after),
        false => Err("the entry cannot be added".to_owned()),
    }
}

/// Returns the text of accepted.toml with setup's entries for a service replaced by `new`. An old entry stays if it
/// accepts the same logins as a new one and has not expired.
///
/// # Errors
/// A clause that says why the file cannot be changed.
pub fn replaced(
    before: &str,
    service: &ServiceName,
    new: &[AcceptedFinding],
    now: UnixTime,
) -> Result<String, String> {
    let known = accepted::read(before)?.accepted;
    let stands =
        |one: &AcceptedFinding| now < one.until && new.iter().any(|entry| covers(one, entry));
    let without = if known.iter().any(|one| is_of(&one.reason, service) && !stands(one)) {
        taken_out(before, service, &stands)?
    } else {
        before.to_owned()
    };
    let missing =
        |entry: &&AcceptedFinding| !known.iter().any(|one| now < one.until && covers(one, entry));
    extended(&without, &new.iter().filter(missing).cloned().collect::<Vec<_>>())
}

/// Returns setup's entries for a service.
///
/// # Errors
/// A clause that says what is wrong with the file.
pub fn of_service(text: &str, service: &ServiceName) -> Result<Vec<AcceptedFinding>, String> {
    let mut all = accepted::read(text)?.accepted;
    all.retain(|one| is_of(&one.reason, service));
    Ok(all)
}

fn is_of(reason: &str, service: &ServiceName) -> bool {
    let rest = reason.strip_prefix(COMMAND).unwrap_or_default();
    let name = rest.split(' ').next().unwrap_or_default();
    name == service.as_str()
        || service.is_root() && service.pam_services().iter().any(|one| one == name)
}

/// Returns the text `before` of accepted.toml without setup's entries for a service, but keeps those entries for which
/// `stands` returns true. The rest of the file keeps its form and its comments.
fn taken_out(
    before: &str,
    service: &ServiceName,
    stands: &dyn Fn(&AcceptedFinding) -> bool,
) -> Result<String, String> {
    let goes = |one: &AcceptedFinding| is_of(&one.reason, service) && !stands(one);
    let mut text = before.to_owned();
    for entry in accepted::read(before)?.accepted.iter().filter(|one| goes(one)) {
        // An entry in another form was edited by hand.
        let block = written(entry);
        if let Some(rest) = text.strip_prefix(&block) {
            text = rest.strip_prefix('\n').unwrap_or(rest).to_owned();
        } else if let Some(at) = text.find(&format!("\n{block}")) {
            let blank = usize::from(text.get(..at).is_some_and(|earlier| earlier.ends_with('\n')));
            text.replace_range(at + 1 - blank..=at + block.len(), "");
        }
    }
    let left = accepted::read(&text)?.accepted;
    match left.iter().any(goes) {
        true => edited(&text, &left, &goes),
        false => Ok(text),
    }
}

/// Returns the text of accepted.toml without the entries for which `goes` returns true. Works even if entries were
/// edited by hand. `entries` are all entries of the text, in its order. A comment that precedes a removed entry is
/// removed with it.
fn edited(
    text: &str,
    entries: &[AcceptedFinding],
    goes: &dyn Fn(&AcceptedFinding) -> bool,
) -> Result<String, String> {
    let odd = || "its list cannot be changed".to_owned();
    let mut document: DocumentMut = text.parse().map_err(|_| odd())?;
    let Some(Item::ArrayOfTables(tables)) = document.get_mut("accepted") else { return Err(odd()) };
    let mut entries = entries.iter();
    tables.retain(|_: &Table| entries.next().is_some_and(|one| !goes(one)));
    Ok(document.to_string())
}

fn written(entry: &AcceptedFinding) -> String {
    let AcceptedFinding { finding, service, outcome, reason, until } = entry;
    let (year, month, day) = until.date();
    let quoted = |text: &str| Value::from(text).to_string();
    format!(
        "[[accepted]]\nfinding = {}\nservice = {}\noutcome = {}\nreason = {}\nuntil = {year:04}-{month:02}-{day:02}\n",
        quoted(finding),
        quoted(service),
        quoted(outcome),
        quoted(reason),
    )
}

#[cfg(test)]
mod tests;
