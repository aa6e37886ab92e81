//! `twinlock settings check [FILE]`: reports the first error of a settings file with its line and the most similar
//! known name. Changes nothing.

use rustix::process::geteuid;
use serde_json::{Value, json};
use twinlock_core::{
    base::{account::Account, error::LookupError},
    policy::{
        Action, Rule, forbidden_in_fleet,
        rules::shadows,
        settings::{SETTINGS_MAX, rules as form},
    },
    ports::{Accounts, Membership},
};
use twinlock_host::{
    accounts::Nss,
    settings::{self, RULES},
    trusted_dir::{Owner, READABLE, read_file},
    trusted_path,
};

use crate::{
    cli::Command,
    commands::settings::draft::SettingsDraft,
    context::ChosenSettings,
    error::{
        exit::{CliError, Exit},
        settings_errors,
    },
    terminal::keyboard::tell,
    text::{WIDTH, plain, wrap},
};

const OWNER: Owner = Owner(0);

/// A warning about a rule that is valid, but probably not what the administrator means.
#[derive(Debug, PartialEq, Eq)]
struct Warning {
    line: Option<u32>,
    what: String,
}

/// Checks the settings file `file`; with `None`, the file in use.
pub(crate) fn run(command: &Command, file: Option<&str>) -> Result<(), CliError> {
    let chosen = ChosenSettings::of(command)?;
    // This is checked before the file is read as root, because a caller could replace the file if the folder belonged
    // to the caller.
    if chosen.is_named && file.is_none() {
        folder_must_be_trusted(&chosen.path)?;
    }
    let in_use = chosen.path;
    let path = file.unwrap_or(&in_use);
    let draft = file.map_or_else(|| SettingsDraft::in_use(path), SettingsDraft::named)?;
    if path == in_use {
        must_be_trusted(path)?;
    }
    let rules = settings::read_rules(RULES, OWNER);
    let rules = rules.map_err(|fault| {
        let (what, remedy) = settings_errors::of_settings(path, &fault);
        CliError::new(Exit::Usage, what, remedy)
    })?;
    must_suit_a_fleet(&draft)?;
    let warnings = warn(&draft, &rules);
    let shown = plain(path);
    let said = if path == in_use {
        format!("{shown}: no mistake. To copy it to settings.good: twinlock settings apply")
    } else {
        format!("{shown}: no mistake. To install it: twinlock settings apply {shown}")
    };
    let said = if command.json {
        json!({ "file": path, "warnings": warnings, "kept": null }).to_string()
    } else {
        wrap(&said, WIDTH, 0)
    };
    // The check is complete; a failed write does not change its result.
    let _ = std::io::Write::write_all(&mut std::io::stdout(), format!("{said}\n").as_bytes());
    Ok(())
}

/// Prints the warnings about the rules of a settings file and of rules.toml (`rules`). Returns them as JSON.
pub(crate) fn warn(draft: &SettingsDraft, rules: &[Rule]) -> Value {
    let warnings = warnings(draft, rules, &Nss::default());
    for warning in &warnings {
        let line = warning.line.map_or(String::new(), |line| format!("{line}:"));
        let said = format!("{}:{line} warning: {}", plain(&draft.path), warning.what);
        tell(&format!("{}\n", wrap(&said, WIDTH, 2)));
    }
    let object = |warning: &Warning| json!({ "line": warning.line, "what": warning.what });
    warnings.iter().map(object).collect()
}

/// Refuses settings with which this host belongs to a fleet and lets in users who have no record.
pub(crate) fn must_suit_a_fleet(draft: &SettingsDraft) -> Result<(), CliError> {
    let Some(setting) = forbidden_in_fleet(&draft.policy) else { return Ok(()) };
    let what = format!(
        "{}: a fleet forbids `{setting}`, because it lets a user in whose record is absent",
        plain(&draft.path)
    );
    let remedy = "Set `not_enrolled = \"deny\"`, or `not_enrolled = \"enroll\"` with `enroll_needs_ticket = true`, and remove rules with `action = \"remind\"`.";
    Err(CliError::new(Exit::Usage, what, remedy))
}

/// Checks that logins trust the file in use, by its owner, mode and folders. Does nothing if the caller is not root.
pub(crate) fn must_be_trusted(path: &str) -> Result<(), CliError> {
    if !geteuid().is_root() {
        return Ok(());
    }
    if path != settings::PATH {
        folder_must_be_trusted(path)?;
    }
    let found = read_file(path, OWNER, READABLE, SETTINGS_MAX);
    found.map(drop).map_err(|fault| {
        let what = settings_errors::of_file(path, fault);
        CliError::new(
            Exit::Usage,
            format!("{what}; logins do not trust it"),
            settings_errors::FILE_REMEDY,
        )
    })
}

/// If the process has the rights of root, refuses a file in a folder that logins do not trust. Otherwise, does nothing.
fn folder_must_be_trusted(path: &str) -> Result<(), CliError> {
    if !geteuid().is_root() {
        return Ok(());
    }
    trusted_path::folder_of(path, OWNER).map(drop).map_err(|folder| {
        let (what, remedy) = settings_errors::of_folder(path, &folder);
        CliError::new(Exit::Usage, format!("{what}; logins do not trust it"), remedy)
    })
}

fn warnings(draft: &SettingsDraft, written: &[Rule], accounts: &dyn Accounts) -> Vec<Warning> {
    let (lines, rules) = (form::lines(&draft.text), &draft.policy.rules);
    let line_of = |place: usize| lines.get(place).copied();
    let first = |later: &Rule, before: usize| {
        rules.iter().take(before).position(|earlier| shadows(earlier, later))
    };
    let mut warnings = Vec::new();
    for (place, rule) in rules.iter().enumerate() {
        let mut doubts = doubts(rule, accounts);
        if let Some(earlier) = first(rule, place) {
            let of = line_of(earlier).map_or(String::new(), |line| format!(" (line {line})"));
            doubts.push(format!(
                "rule {}{of} comes first and matches every login that this one matches",
                earlier + 1
            ));
        }
        let warning = |what| {
            let what = format!("rule {}: {what}", place + 1);
            Warning { line: line_of(place), what }
        };
        warnings.extend(doubts.into_iter().map(warning));
    }
    for (number, rule) in (1..).zip(written) {
        if let Some(earlier) = first(rule, rules.len()) {
            let what = format!(
                "it comes first and matches every login that rule {number} of {RULES} matches"
            );
            let what = format!("rule {}: {what}", earlier + 1);
            warnings.push(Warning { line: line_of(earlier), what });
        }
    }
    warnings
}

/// Returns a clause for each condition of the rule that is probably not what the administrator means.
fn doubts(rule: &Rule, accounts: &dyn Accounts) -> Vec<String> {
    let mut doubts = Vec::new();
    if let Some(user) = &rule.user {
        match accounts.by_name(user) {
            Ok(Some(account)) if account.name == *user => {}
            Ok(Some(account)) => {
                doubts.push(format!(
                    "the name of {} is written {}",
                    plain(user),
                    plain(&account.name)
                ));
            }
            Ok(None) => doubts.push(format!("there is no user {}", plain(user))),
            Err(LookupError) => doubts.push(format!("user {} cannot be looked up", plain(user))),
        }
    }
    if let Some(group) = &rule.group {
        let anybody =
            Account { name: String::new(), uid: u32::MAX, gid: u32::MAX, full_name: String::new() };
        match accounts.membership(&anybody, group) {
            Ok(Membership::Member | Membership::Outside) => {}
            Ok(Membership::NoSuchGroup) => {
                doubts.push(format!("there is no group {}", plain(group)))
            }
            Err(LookupError) => doubts.push(format!("group {} cannot be looked up", plain(group))),
        }
    }
    let everybody = rule.user.is_none()
        && rule.group.is_none()
        && rule.service.is_none()
        && rule.network.is_none();
    if everybody && rule.action == Action::Exempt {
        doubts.push("it exempts all users, root too".into());
    }
    doubts
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Two;

    impl Accounts for Two {
        fn host_name(&self) -> String {
            "web01".into()
        }

        fn by_name(&self, name: &str) -> Result<Option<Account>, LookupError> {
            let canonical = name.to_lowercase();
            Ok((canonical == "ada").then(|| Account {
                name: canonical,
                uid: 1,
                gid: 1,
                full_name: String::new(),
            }))
        }

        fn membership(&self, _: &Account, group: &str) -> Result<Membership, LookupError> {
            match group {
                "staff" => Ok(Membership::Outside),
                "broken" => Err(LookupError),
                _ => Ok(Membership::NoSuchGroup),
            }
        }
    }

    fn warned(text: &str) -> Vec<(Option<u32>, String)> {
        warned_with(text, "")
    }

    fn warned_with(text: &str, rules: &str) -> Vec<(Option<u32>, String)> {
        let rules = form::read(rules).unwrap();
        let warnings = warnings(&SettingsDraft::of(text), &rules, &Two).into_iter();
        warnings.map(|warning| (warning.line, warning.what)).collect()
    }

    #[test]
    fn settings_of_a_fleet_let_nobody_in_without_a_record() {
        let checked = |text: &str| must_suit_a_fleet(&SettingsDraft::of(text));
        for (text, is_right) in [
            ("not_enrolled = \"allow\"\n", true),
            ("not_enrolled = \"allow\"\n[fleet]\nenabled = true\n", false),
            (
                "not_enrolled = \"enroll\"\nenroll_needs_ticket = false\n[fleet]\nenabled = true\n",
                false,
            ),
            ("not_enrolled = \"enroll\"\n[fleet]\nenabled = true\n", true),
        ] {
            assert_eq!(checked(text).is_ok(), is_right, "{text}");
        }
    }

    #[test]
    fn rules_about_nobody_are_doubted() {
        let rule = |line: &str| format!("window = 1\n[[rule]]\n{line}\naction = \"require\"\n");
        let one = |what: &str| vec![(Some(2), format!("rule 1: {what}"))];
        for (line, what) in [
            ("user = \"bob\"", "there is no user bob"),
            ("user = \"Ada\"", "the name of Ada is written ada"),
            ("group = \"stuff\"", "there is no group stuff"),
            ("group = \"broken\"", "group broken cannot be looked up"),
        ] {
            assert_eq!(warned(&rule(line)), one(what));
        }
        assert!(warned(&rule("user = \"ada\"\ngroup = \"staff\"")).is_empty());
        assert!(warned(&rule("")).is_empty());
        assert_eq!(
            warned("[[rule]]\naction = \"exempt\"\nuntil = 2027-01-31"),
            [(Some(1), "rule 1: it exempts all users, root too".into())]
        );
    }

    #[test]
    fn shadowed_rules_are_doubted_with_the_line() {
        let staff = "[[rule]]\ngroup = \"staff\"\naction = \"require\"\n";
        let ada = "[[rule]]\ngroup = \"staff\"\nuser = \"ada\"\naction = \"exempt\"\n";
        assert_eq!(
            warned(&format!("{staff}\n{ada}")),
            [(
                Some(5),
                "rule 2: rule 1 (line 1) comes first and matches every login that this one matches"
                    .into()
            )]
        );
        assert_eq!(
            warned_with(&format!("{ada}{staff}"), staff),
            [(
                Some(5),
                format!(
                    "rule 2: it comes first and matches every login that rule 1 of {RULES} matches"
                )
            )]
        );
        assert_eq!(warned_with(ada, staff), []);
    }
}
