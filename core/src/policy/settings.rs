//! The settings file `twinlock.toml`: parses it into a policy. Each error names the line.
//!
//! `Reader` has an `impl` block in `settings/rules.rs` and one in `settings/values.rs`.

mod as_usual;
mod general;
pub mod rules;
mod sections;
pub mod table;
pub mod values;

use alloc::{string::String, vec::Vec};

use toml::Spanned;

pub use crate::format::tables::KNOWN_HERE;
use crate::{
    format::{
        comments,
        lines::line_at,
        tables::{Table, TableError},
    },
    policy::Policy,
};
use table::{SETTINGS, Section, Setting, SettingType};

/// Maximum size of a settings file in bytes.
pub const SETTINGS_MAX: usize = 64 * 1024;

/// An error in a settings file: the line, and what is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsError {
    /// Number of the line with the error, from 1; 0 if unknown.
    pub line: u32,
    /// What is wrong, as a clause without the path and the line number.
    pub what: String,
}

impl core::fmt::Display for SettingsError {
    /// Writes the line number (0 if unknown), a colon, and what is wrong. The text follows the path of the file and a
    /// colon.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        if self.line > 0 {
            write!(f, "{}: ", self.line)?;
        }
        f.write_str(&self.what)
    }
}

impl core::error::Error for SettingsError {}

/// One setting of the file, with its value.
struct FileSetting {
    section: &'static Section,
    setting: &'static Setting,
    value: SettingValue,
}

/// A value from the file. It has the type of its setting, but its range is not checked yet.
enum SettingValue {
    Text(Spanned<String>),
    Number(Spanned<i64>),
    Boolean(bool),
    Names(Spanned<Vec<String>>),
}

/// The settings and rules of a file, before their values are checked.
struct SettingsFile {
    settings: Vec<FileSetting>,
    rules: Vec<rules::RuleTable>,
}

impl SettingsFile {
    fn of(mut root: Table<'_>) -> Result<Self, TableError> {
        let mut settings = Vec::new();
        for section in SETTINGS {
            if section.name.is_empty() {
                take(section, &mut root, &mut settings)?;
            } else if root.has(section.name) {
                let mut table = root.table(section.name)?;
                take(section, &mut table, &mut settings)?;
                table.end_among(keys(section))?;
            }
        }
        let rules = root.tables("rule")?.into_iter().map(rules::RuleTable::of);
        let rules = rules.collect::<Result<_, _>>()?;
        let sections = SETTINGS.iter().map(|section| section.name).filter(|name| !name.is_empty());
        let known = SETTINGS.iter().take(1).flat_map(keys).chain(sections).chain(["rule"]);
        root.end_among(known).map(|()| Self { settings, rules })
    }
}

fn keys(section: &'static Section) -> impl Iterator<Item = &'static str> {
    section.settings.iter().map(|setting| setting.key)
}

/// Takes the settings of a section from its table and appends them to `settings`.
fn take(
    section: &'static Section,
    table: &mut Table<'_>,
    settings: &mut Vec<FileSetting>,
) -> Result<(), TableError> {
    for setting in section.settings {
        let key = setting.key;
        // Every login reads the file, and most settings are not in it. `has` costs less than taking a value.
        if !table.has(key) {
            continue;
        }
        let value = match setting.kind {
            SettingType::Word { .. } | SettingType::Text { .. } | SettingType::Path { .. } => {
                table.string(key)?.map(SettingValue::Text)
            }
            SettingType::Duration { .. } => table.string_or_number(key)?.map(SettingValue::Text),
            SettingType::Number { .. } => table.number(key)?.map(SettingValue::Number),
            SettingType::Boolean { .. } => table.boolean(key)?.map(SettingValue::Boolean),
            SettingType::Words { .. } | SettingType::Names { .. } => {
                table.strings(key)?.map(SettingValue::Names)
            }
        };
        settings.extend(value.map(|value| FileSetting { section, setting, value }));
    }
    Ok(())
}

/// Parses a settings file. A setting that the file does not contain gets its default.
///
/// # Errors
/// [`SettingsError`] for the first error in the file.
pub fn read(text: &str) -> Result<Policy, SettingsError> {
    as_usual::read(text).map_or_else(|| read_toml(text), Ok)
}

/// Parses a settings file with the TOML parser.
fn read_toml(text: &str) -> Result<Policy, SettingsError> {
    let text = &comments::taken_out(text);
    let file = Table::parse(text).and_then(SettingsFile::of);
    let file = file.map_err(|odd| SettingsError { line: line_at(text, odd.at), what: odd.what })?;
    let reader = Reader { text };
    let mut policy = Policy::default();
    for found in file.settings {
        reader.set(&mut policy, found)?;
    }
    policy.rules =
        file.rules.into_iter().map(|rule| reader.rule(rule)).collect::<Result<_, _>>()?;
    Ok(policy)
}

struct Reader<'a> {
    text: &'a str,
}

#[cfg(test)]
mod tests;
