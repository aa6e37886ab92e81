//! Writes a rule to rules.toml by which members of a group are reminded to enroll. twinlock.toml is never rewritten.

use core::fmt;

use twinlock_core::{
    base::{
        error::{FileError, MachineError},
        time::UnixTime,
    },
    policy::{
        Action, Rule,
        rules::shadows,
        settings as form,
        settings::{SETTINGS_MAX, rules as rules_form},
    },
    ports::Entropy,
};
use twinlock_host::{
    entropy::KernelEntropy,
    settings::{
        self, GOOD, RULES, SettingsReadError, last_good_settings,
        swap_file::{SwapContent, SwapError, SwapFile},
    },
    trusted_dir::{self, Owner, READABLE, read_file},
};
use twinlock_setup::rules::place_of_reminder;

use crate::{
    context::Context,
    error::{
        exit::{CliError, Exit},
        settings_errors,
    },
    text::{date, plain},
};

const OWNER: Owner = Owner(0);
/// Mode of rules.toml, which all users may read.
const MODE: u32 = 0o644;

/// A group, and the first day on which its members need a code.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reminder<'a> {
    /// Name of the group.
    pub(crate) group: &'a str,
    /// Start (00:00 UTC) of the first day on which a code is required.
    pub(crate) until: UnixTime,
}

/// How rules.toml changes when the rule that reminds a group to enroll is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RuleChange {
    /// The file does not change, because it has the rule already.
    Before,
    /// The rule is added to the file.
    Added,
    /// The file has a rule for the group with another date, and the date is replaced.
    Moved,
}

impl RuleChange {
    /// Returns the change as a word for scripts.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Before => "there_already",
            Self::Added => "new",
            Self::Moved => "moved",
        }
    }
}

/// Why the rule that reminds a group to enroll cannot be written.
#[derive(Debug, PartialEq, Eq)]
enum ReminderError {
    /// An earlier rule, in this file and line, decides for all members, so that the reminder would have no effect.
    Shadowed { path: String, line: u32 },
    /// The existing settings or rules in this file cannot be used.
    Unusable { path: String, fault: SettingsReadError },
    /// The kernel returned no random bytes.
    NoRandomness,
}

impl fmt::Display for ReminderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shadowed { path, line } => write!(
                f,
                "{}:{line}: the rule there comes first and decides for all members of the group; no rule was written",
                plain(path)
            ),
            Self::Unusable { path, fault } => {
                write!(f, "{}; no rule was written", settings_errors::of_settings(path, fault).0)
            }
            Self::NoRandomness => MachineError.fmt(f),
        }
    }
}

impl core::error::Error for ReminderError {}

/// The rules of one file, and the line at which each begins, from 1.
struct ListedRules {
    path: String,
    rules: Vec<Rule>,
    lines: Vec<u32>,
}

/// Returns how rules.toml would change, without changing it.
pub(crate) fn plan(context: &Context, reminder: Reminder<'_>) -> Result<RuleChange, CliError> {
    if context.stand_in {
        return Err(CliError::new(
            Exit::NotInState,
            "the settings or the rules have a mistake, so settings.good is in force; nothing was changed",
            "Correct them first: twinlock settings check",
        ));
    }
    let before = match read_file(RULES, OWNER, READABLE, SETTINGS_MAX) {
        Ok(bytes) => bytes,
        Err(fault) if trusted_dir::is_absent(fault) => Vec::new(),
        Err(fault) => {
            let fault = SettingsReadError::RulesFile(fault);
            return Err(failure(&ReminderError::Unusable { path: RULES.into(), fault }));
        }
    };
    decided(context, &before, reminder).map(|(_, written)| written).map_err(|fault| failure(&fault))
}

/// Writes the rule `group = G, action = "remind", until = DATE` to rules.toml, unless it is there, and updates the last
/// good copies of the settings.
pub(crate) fn write(context: &Context, reminder: Reminder<'_>) -> Result<RuleChange, CliError> {
    let file = SwapFile::open(RULES, SETTINGS_MAX, OWNER).map_err(|folder| {
        let (what, remedy) = settings_errors::of_folder(RULES, &folder);
        CliError::new(Exit::NotInState, what, remedy)
    })?;
    // The result of the first call counts, because a later call may find the rule that this run has written.
    let mut first = None;
    let changed = file.change(&mut |before| {
        let (rules, written) = decided(context, before, reminder)?;
        first.get_or_insert(written);
        rules.map(|rules| content(&rules)).transpose()
    });
    let stands = || {
        let rules = settings::read_rules(RULES, OWNER).ok()?;
        Some(rules.iter().any(|rule| *rule == reminder.rule()))
    };
    changed.map_err(|error| match error {
        SwapError::Declined(fault) => failure(&fault),
        SwapError::Store(fault) => unwritten(stands(), fault),
        SwapError::Busy => CliError::new(
            Exit::NotInState,
            format!("{RULES} keeps being changed by another process; the rule was not written"),
            "Run it again.",
        ),
    })?;
    for path in files(context) {
        keep(path)?;
    }
    Ok(first.unwrap_or(RuleChange::Before))
}

fn content(rules: &[Rule]) -> Result<SwapContent, ReminderError> {
    let mut generation = [0; 8];
    KernelEntropy.fill(&mut generation).map_err(|MachineError| ReminderError::NoRandomness)?;
    let text = rules_form::written(rules, u64::from_ne_bytes(generation));
    Ok(SwapContent { bytes: text.into_bytes(), mode: MODE })
}

/// Returns the paths of the settings files whose rules come before those of rules.toml: the default file, and the file
/// that the command line names, if it is another file.
fn files(context: &Context) -> impl Iterator<Item = &str> {
    let other = Some(context.config.as_str()).filter(|path| *path != settings::PATH);
    std::iter::once(settings::PATH).chain(other)
}

/// Copies the rules to the last good copy of the settings file `path`, if there is such a copy.
fn keep(path: &str) -> Result<(), CliError> {
    last_good_settings::keep_rules(path, RULES, OWNER).map_err(|fault| {
        let why = settings_errors::of_file(&settings::sibling(path, GOOD), fault);
        let what = format!("{why}; the rule is in {RULES}");
        CliError::new(Exit::StoreUnreachable, what, "Check the disk, then run it again.")
    })
}

/// Returns the error for a failed write of rules.toml. `stands` tells whether the rule is in the file; `None` if that
/// is not known.
fn unwritten(stands: Option<bool>, fault: FileError) -> CliError {
    let stands = match stands {
        Some(false) => "the rule was not written",
        Some(true) => "the rule was written, but may be lost if the machine loses power",
        None => "it is unknown whether the rule was written",
    };
    let what = format!("{}; {stands}", settings_errors::of_file(RULES, fault));
    CliError::new(Exit::StoreUnreachable, what, settings_errors::FILE_REMEDY)
}

fn failure(fault: &ReminderError) -> CliError {
    let remedy = match fault {
        ReminderError::Shadowed { .. } => {
            "Remove it, or change it there. To see the rules: twinlock settings show".to_owned()
        }
        ReminderError::Unusable { path, fault } => settings_errors::of_settings(path, fault).1,
        ReminderError::NoRandomness => return MachineError.into(),
    };
    CliError::new(Exit::NotInState, fault.to_string(), remedy)
}

/// Returns the new rules of rules.toml, and how the file changes. The rules are `None` if the file need not change.
/// `before` is the present content of the file.
fn decided(
    context: &Context,
    before: &[u8],
    reminder: Reminder<'_>,
) -> Result<(Option<Vec<Rule>>, RuleChange), ReminderError> {
    let earlier = files(context).map(of_settings).collect::<Result<Vec<_>, _>>()?;
    let text = String::from_utf8_lossy(before);
    let rules = rules_form::read(&text).map_err(|found| ReminderError::Unusable {
        path: RULES.into(),
        fault: SettingsReadError::RulesMistake(found),
    })?;
    let lines = rules_form::lines(&text);
    changed(&earlier, ListedRules { path: RULES.into(), rules, lines }, reminder)
}

fn of_settings(path: &str) -> Result<ListedRules, ReminderError> {
    let unusable = |fault| ReminderError::Unusable { path: path.to_owned(), fault };
    let bytes = match read_file(path, OWNER, READABLE, SETTINGS_MAX) {
        Err(fault) if trusted_dir::is_absent(fault) && path == settings::PATH => Vec::new(),
        read => read.map_err(|fault| unusable(SettingsReadError::File(fault)))?,
    };
    let text = String::from_utf8_lossy(&bytes);
    let policy = form::read(&text).map_err(|found| unusable(SettingsReadError::Mistake(found)))?;
    Ok(ListedRules { path: path.to_owned(), lines: rules_form::lines(&text), rules: policy.rules })
}

fn changed(
    earlier: &[ListedRules],
    mut listed: ListedRules,
    reminder: Reminder<'_>,
) -> Result<(Option<Vec<Rule>>, RuleChange), ReminderError> {
    let wanted = reminder.rule();
    let shadowed = |one: &ListedRules, before: usize| {
        let place = one.rules.iter().take(before).position(|rule| shadows(rule, &wanted))?;
        let line = one.lines.get(place).copied().unwrap_or(0);
        Some((place, ReminderError::Shadowed { path: one.path.clone(), line }))
    };
    let mut stands = false;
    for one in earlier {
        match shadowed(one, one.rules.len()) {
            Some((place, _)) if one.rules.get(place) == Some(&wanted) => stands = true,
            Some((_, fault)) => return Err(fault),
            None => {}
        }
    }
    if stands && earlier.iter().all(|one| one.rules.contains(&wanted)) {
        return Ok((None, RuleChange::Before));
    }
    let place = listed.rules.iter().position(|rule| reminder.is_one(rule));
    if let Some((_, fault)) = shadowed(&listed, place.unwrap_or(listed.rules.len())) {
        return Err(fault);
    }
    let written = match place.and_then(|place| listed.rules.get_mut(place)) {
        Some(rule) if *rule == wanted => return Ok((None, RuleChange::Before)),
        Some(rule) => {
            *rule = wanted;
            RuleChange::Moved
        }
        None => {
            listed.rules.insert(place_of_reminder(&listed.rules), wanted);
            RuleChange::Added
        }
    };
    Ok((Some(listed.rules), written))
}

impl Reminder<'_> {
    /// Returns the reminder as a rule.
    pub(crate) fn rule(self) -> Rule {
        Rule {
            user: None,
            group: Some(self.group.to_owned()),
            service: None,
            network: None,
            action: Action::Remind,
            until: Some(self.until),
        }
    }

    /// Returns a sentence about the effect of the reminder rule.
    pub(crate) fn effect(self) -> String {
        format!(
            "Until {} members of {} who are not enrolled are reminded, and let in without a code.",
            date(self.until),
            plain(self.group)
        )
    }

    /// Returns whether `rule` is a reminder rule for the group of `self`, whatever the date at which the rule ends.
    fn is_one(self, rule: &Rule) -> bool {
        Rule { until: Some(self.until), ..rule.clone() } == self.rule()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JANUARY: Reminder<'_> = Reminder { group: "dev", until: UnixTime(1_801_353_600) };
    const MARCH: Reminder<'_> = Reminder { group: "dev", until: UnixTime(1_803_859_200) };
    const RULE: &str = "[[rule]]\ngroup = \"dev\"\naction = \"remind\"\nuntil = 2027-01-31\n";

    fn listed(path: &str, text: &str) -> ListedRules {
        let rules = rules_form::read(text).unwrap();
        ListedRules { path: path.into(), rules, lines: rules_form::lines(text) }
    }

    fn change(
        settings: &str,
        rules: &str,
        reminder: Reminder<'_>,
    ) -> Result<(Option<Vec<Rule>>, RuleChange), ReminderError> {
        changed(&[listed("t", settings)], listed("r", rules), reminder)
    }

    #[test]
    fn rule_is_added_once() {
        let ada = "[[rule]]\nuser = \"ada\"\naction = \"exempt\"\n";
        for before in ["", ada] {
            let (after, written) = change(ada, before, JANUARY).unwrap();
            let after = after.unwrap();
            assert_eq!(written, RuleChange::Added);
            assert_eq!(after.last(), Some(&JANUARY.rule()));
            let text = rules_form::written(&after, 1);
            assert_eq!(change(ada, &text, JANUARY), Ok((None, RuleChange::Before)));
        }
        // Earlier versions of twinlock wrote the rule to twinlock.toml. It counts there as well.
        assert_eq!(change(RULE, "", JANUARY), Ok((None, RuleChange::Before)));
    }

    #[test]
    fn another_date_replaces_the_old_one() {
        let (after, written) = change("", &format!("{RULE}{RULE}"), MARCH).unwrap();
        assert_eq!((written, after), (RuleChange::Moved, Some(vec![MARCH.rule(), JANUARY.rule()])));
    }

    #[test]
    fn shadowed_rule_is_refused_with_its_line() {
        let shadowed = |path: &str, line| Err(ReminderError::Shadowed { path: path.into(), line });
        let everybody = "\n[[rule]]\naction = \"require\"\n";
        assert_eq!(change(everybody, "", JANUARY), shadowed("t", 2));
        let group = "[[rule]]\nuser = \"a\"\naction = \"exempt\"\n# g\n[[rule]]\ngroup = \"dev\"\naction = \"exempt\"\n";
        assert_eq!(change(group, "", JANUARY), shadowed("t", 5));
        assert_eq!(change("", group, JANUARY), shadowed("r", 5));
        assert_eq!(change("", &format!("{group}{RULE}"), MARCH), shadowed("r", 5));
        assert_eq!(change(RULE, "", MARCH), shadowed("t", 1));
        let service = "[[rule]]\nservice = \"sudo\"\naction = \"require\"\n";
        assert!(change(service, "", JANUARY).is_ok());
    }
}
