//! The `[[rule]]` tables of twinlock.toml and of rules.toml, which contains only such tables.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use toml::Spanned;

use crate::{
    base::time::UnixTime,
    format::{
        comments,
        lines::line_at,
        tables::{Dated, Table, TableError},
    },
    policy::{
        Action, Network, Rule,
        settings::{Reader, SettingsError},
    },
};

/// Version of rules.toml that twinlock writes. A file with another version is refused.
const VERSION: i64 = 1;
/// The comment at the top of rules.toml.
const HEAD: &str = "# Written by twinlock: comments here are lost. Rules of yours belong into twinlock.toml,\n\
                    # whose rules come first.\n";

/// A `[[rule]]` table, with its values as they are written in the file.
pub(super) struct RuleTable {
    user: Option<String>,
    group: Option<String>,
    service: Option<String>,
    network: Option<Spanned<String>>,
    action: Spanned<String>,
    until: Option<Spanned<Dated>>,
}

impl RuleTable {
    pub(super) fn of(mut table: Table<'_>) -> Result<Self, TableError> {
        let plain = |text: Option<Spanned<String>>| text.map(Spanned::into_inner);
        let action = table.string("action")?;
        let rule = Self {
            user: plain(table.string("user")?),
            group: plain(table.string("group")?),
            service: plain(table.string("service")?),
            network: table.string("network")?,
            until: table.date("until")?,
            // A misspelt key may be the cause of a missing action, so it is reported first.
            action: table.end().and_then(|()| table.must("action", action))?,
        };
        Ok(rule)
    }
}

impl Reader<'_> {
    fn action(&self, found: &RuleTable) -> Result<Action, SettingsError> {
        // If the file was truncated within a rule, what is left of the rule must not exempt all users for ever.
        let of_nobody = found.user.is_none()
            && found.group.is_none()
            && found.service.is_none()
            && found.network.is_none()
            && found.until.is_none();
        let what = match found.action.get_ref().as_str() {
            "require" => return Ok(Action::Require),
            "exempt" if of_nobody => {
                "a rule that exempts must say whom (user, group, service, network) or until when"
                    .into()
            }
            "exempt" => return Ok(Action::Exempt),
            "remind" => return Ok(Action::Remind),
            other => format!("action = \"{other}\" is none of require, exempt, remind"),
        };
        Err(self.mistake(&found.action, what))
    }

    pub(super) fn rule(&self, found: RuleTable) -> Result<Rule, SettingsError> {
        let action = self.action(&found)?;
        let network = found.network.map(|text| {
            Network::parse(text.get_ref()).ok_or_else(|| {
                self.mistake(
                    &text,
                    format!(
                        "network = \"{}\" is no address like 10.0.0.0/8; names are not looked up",
                        text.get_ref()
                    ),
                )
            })
        });
        let until = found.until.map(|until| {
            let what = || format!("until = {} is no date like 2027-01-31", until.get_ref().text);
            let day = until.get_ref().day;
            let first = day.and_then(|(year, month, day)| UnixTime::of_date(year, month, day));
            first.ok_or_else(|| self.mistake(&until, what()))
        });
        Ok(Rule {
            user: found.user,
            group: found.group,
            service: found.service,
            network: network.transpose()?,
            action,
            until: until.transpose()?,
        })
    }
}

struct RulesFile {
    version: Option<Spanned<i64>>,
    rule: Vec<RuleTable>,
}

impl RulesFile {
    fn of(mut table: Table<'_>) -> Result<Self, TableError> {
        let file = Self {
            version: table.number("version")?,
            rule: table.tables("rule")?.into_iter().map(RuleTable::of).collect::<Result<_, _>>()?,
        };
        // The generation only makes each version of the file different. Its value is not used.
        table.string("generation")?;
        table.end().map(|()| file)
    }
}

/// Parses rules.toml.
///
/// # Errors
/// [`SettingsError`] for the first error in the file.
pub fn read(text: &str) -> Result<Vec<Rule>, SettingsError> {
    let text = &comments::taken_out(text);
    let file = Table::parse(text).and_then(RulesFile::of);
    let file = file.map_err(|odd| SettingsError { line: line_at(text, odd.at), what: odd.what })?;
    let reader = Reader { text };
    if let Some(version) = file.version.filter(|version| *version.get_ref() != VERSION) {
        let what = format!("version = {} is none that this twinlock reads", version.get_ref());
        return Err(reader.mistake(&version, what));
    }
    file.rule.into_iter().map(|rule| reader.rule(rule)).collect()
}

/// Returns the text of rules.toml. `generation` must be random, so that no two versions of the file are equal.
#[must_use]
pub fn written(rules: &[Rule], generation: u64) -> String {
    let mut text = format!("{HEAD}version = {VERSION}\ngeneration = \"{generation:016x}\"\n");
    rules.iter().for_each(|rule| text.push_str(&one(rule)));
    text
}

/// Returns a rule as the text of a `[[rule]]` table. An empty line precedes the table.
#[must_use]
pub fn one(rule: &Rule) -> String {
    let action = match rule.action {
        Action::Require => "require",
        Action::Exempt => "exempt",
        Action::Remind => "remind",
    };
    let lines = [
        ("user", rule.user.as_deref().map(quoted)),
        ("group", rule.group.as_deref().map(quoted)),
        ("service", rule.service.as_deref().map(quoted)),
        ("network", rule.network.map(|network| quoted(&network.to_string()))),
        ("action", Some(quoted(action))),
        ("until", rule.until.map(date)),
    ];
    let mut text = String::from("\n[[rule]]\n");
    for (key, value) in lines {
        if let Some(value) = value {
            text.push_str(&format!("{key} = {value}\n"));
        }
    }
    text
}

fn date(until: UnixTime) -> String {
    let (year, month, day) = until.date();
    format!("{year:04}-{month:02}-{day:02}")
}

/// Returns a text as a TOML basic string, in double quotes.
#[must_use]
pub fn quoted(text: &str) -> String {
    let escape = |letter: char| match letter {
        '"' | '\\' => format!("\\{letter}"),
        letter if letter.is_control() => format!("\\u{:04X}", u32::from(letter)),
        letter => letter.to_string(),
    };
    format!("\"{}\"", text.chars().map(escape).collect::<String>())
}

/// Returns the line number, from 1, of each `[[rule]]` in a settings file. The list is empty if the text cannot be
/// parsed.
#[must_use]
pub fn lines(text: &str) -> Vec<u32> {
    let text = &comments::taken_out(text);
    let tables = Table::parse(text).and_then(|mut table| table.tables("rule"));
    tables.into_iter().flatten().map(|table| line_at(text, table.at())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "[[rule]]\nuser = \"a\\\"\"\nnetwork = \"10.0.0.0/8\"\naction = \"exempt\"\n\
                        [[rule]]\ngroup = \"dev\"\naction = \"remind\"\nuntil = 2027-01-31\n\
                        [[rule]]\nservice = \"sudo\"\naction = \"require\"\n";

    #[test]
    fn what_is_written_is_read() {
        let rules = read(TEXT).unwrap();
        assert_eq!(rules.len(), 3);
        let text = written(&rules, 7);
        assert_eq!(read(&text).unwrap(), rules);
        assert_ne!(written(&rules, 8), text);
        assert_eq!(read("").unwrap(), []);
    }

    #[test]
    fn rules_file_holds_rules_alone() {
        for (text, line, what) in [
            ("require_own_code = false\n", 1, "there is no setting require_own_code"),
            ("version = 2\n", 1, "version = 2 is none that this twinlock reads"),
            ("version = 1\n[[rule]]\naction = \"ask\"\n", 3, "action = \"ask\" is none"),
            ("\n[[rule]]\naction = \"exempt\"\n", 3, "a rule that exempts must say whom"),
        ] {
            let mistake = read(text).unwrap_err();
            assert!(mistake.what.starts_with(what), "{mistake:?}");
            assert_eq!(mistake.line, line, "{text}");
        }
    }

    #[test]
    fn each_rule_has_its_line() {
        assert_eq!(lines(&format!("# a\n\nwindow = 1\n{TEXT}")), [4, 8, 12]);
        assert_eq!(lines("[["), []);
    }
}
