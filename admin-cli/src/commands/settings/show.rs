//! `twinlock settings show`: prints the settings in force as a settings file, with comments that give the defaults.

use std::collections::BTreeMap;

use serde_json::json;
use toml_edit::{DocumentMut, Item, Table, Value};
use twinlock_core::{
    base::time::{DAY, HOUR, MINUTE},
    policy::{
        Policy,
        settings::{
            rules::{self, quoted},
            table::{SETTINGS, Setting, SettingType},
        },
    },
};
use twinlock_host::settings;

use crate::{
    context::Context,
    error::exit::CliError,
    text::{plain, wrap},
};

/// Width in columns above which a list is broken into lines. Narrow terminals have 60 columns.
const LIST_MAX: usize = 56;

/// Prints the settings in force.
pub(crate) fn run(context: &Context) -> Result<(), CliError> {
    if context.json {
        let text = text(&context.policy);
        let Values { values, rules } = Values::of(&text);
        let object =
            json!({ "file": context.file(), "settings": text, "values": values, "rules": rules });
        return context.print(&format!("{object}\n"));
    }
    let origin = match context.file() {
        Some(file) => format!("# From {}", plain(&file)),
        None => {
            format!("# There is no {}: all settings have their defaults", plain(&context.config))
        }
    };
    context.print(&format!("{origin}\n{}", text(&context.policy)))
}

/// Settings by name, and the rules. The name of a setting in a table begins with the table's name and a dot.
#[derive(Default)]
struct Values {
    values: BTreeMap<String, String>,
    rules: Vec<BTreeMap<String, String>>,
}

impl Values {
    fn of(text: &str) -> Self {
        let mut all = Self::default();
        let Ok(document) = text.parse::<DocumentMut>() else { return all };
        for (key, item) in document.iter() {
            match item {
                Item::Value(value) => {
                    all.values.insert(key.into(), bare(value));
                }
                Item::Table(table) => all
                    .values
                    .extend(pairs(table).map(|(name, value)| (format!("{key}.{name}"), value))),
                Item::ArrayOfTables(rules) => {
                    all.rules.extend(rules.iter().map(|rule| pairs(rule).collect()));
                }
                Item::None => {}
            }
        }
        all
    }
}

fn pairs(table: &Table) -> impl Iterator<Item = (String, String)> + '_ {
    table.iter().filter_map(|(name, item)| Some((name.to_owned(), bare(item.as_value()?))))
}

/// Returns a TOML value as text without quotation marks. The members of a list are joined with commas.
fn bare(value: &Value) -> String {
    match value {
        Value::String(text) => text.value().clone(),
        Value::Array(values) => values.iter().map(bare).collect::<Vec<_>>().join(","),
        Value::Integer(_)
        | Value::Float(_)
        | Value::Boolean(_)
        | Value::Datetime(_)
        | Value::InlineTable(_) => value.clone().decorated("", "").to_string(),
    }
}

impl Context {
    /// Returns the path of the file from which the settings in force come; `None` if there is none and the defaults
    /// apply.
    fn file(&self) -> Option<String> {
        if self.stand_in {
            return Some(settings::last_good_path(&self.config));
        }
        std::path::Path::new(&self.config).exists().then(|| self.config.clone())
    }
}

fn text(policy: &Policy) -> String {
    let usual = Policy::default();
    let mut text = String::new();
    for section in SETTINGS {
        if !section.name.is_empty() {
            text.push_str(&format!("\n[{}]\n", section.name));
        }
        section.settings.iter().for_each(|setting| text.push_str(&line(setting, policy, &usual)));
    }
    policy.rules.iter().for_each(|rule| text.push_str(&rules::one(rule)));
    text
}

/// Returns the line for a setting, with a comment that gives its default. `usual` are the default settings.
fn line(setting: &Setting, policy: &Policy, usual: &Policy) -> String {
    let key = setting.key;
    match (value(setting, policy), value(setting, usual)) {
        (None, _) => {
            let means = setting.unset.as_ref().map_or("not set", |unset| unset.means);
            format!("# {key}: {means}\n")
        }
        (Some(value), None) => format!("{key} = {value}\n"),
        (Some(value), Some(usual)) if value == usual => {
            let value = format!("{value}  # default");
            format!("{key} = {}\n", in_lines(&value))
        }
        (Some(value), Some(usual)) => format!("{key} = {value}  # default: {usual}\n"),
    }
}

/// Returns a TOML value and the comment that follows it. A long list is broken into lines that fit a narrow terminal.
/// The comment is then on the first line, after the bracket that opens the list.
fn in_lines(value: &str) -> String {
    let list = value.strip_prefix('[').and_then(|rest| rest.rsplit_once(']'));
    match list.filter(|_| value.len() > LIST_MAX) {
        Some((list, comment)) => {
            let lines = wrap(list, LIST_MAX, 0);
            let lines: Vec<String> = lines.lines().map(|line| format!("    {line}\n")).collect();
            format!("[{comment}\n{}]", lines.concat())
        }
        None => value.into(),
    }
}

/// Returns the value of a setting as TOML; `None` if it is not set.
pub(crate) fn value(setting: &Setting, policy: &Policy) -> Option<String> {
    Some(match setting.kind {
        SettingType::Word { get, .. } => quoted(get(policy)),
        SettingType::Number { get, .. } => get(policy).to_string(),
        SettingType::Boolean { get, .. } => get(policy).to_string(),
        SettingType::Text { get, .. } => quoted(get(policy)?),
        SettingType::Path { get, .. } => quoted(get(policy)),
        SettingType::Duration { get, .. } => duration(get(policy)),
        SettingType::Words { words, get, .. } => {
            let bits = get(policy);
            let has = |place: usize| bits >> place & 1 == 1;
            let chosen = words.iter().enumerate().filter(|(place, _)| has(*place));
            let chosen: Vec<String> = chosen.map(|(_, word)| quoted(word)).collect();
            format!("[{}]", chosen.join(", "))
        }
        SettingType::Names { get, .. } => {
            let names: Vec<String> = get(policy).iter().map(|name| quoted(name)).collect();
            format!("[{}]", names.join(", "))
        }
    })
}

/// Returns a number of seconds as a TOML duration in the largest unit without a remainder, such as `"90 min"`.
fn duration(seconds: u64) -> String {
    match seconds {
        0 => "0".into(),
        _ if seconds > DAY && seconds.is_multiple_of(DAY) => {
            quoted(&format!("{} d", seconds / DAY))
        }
        _ if seconds.is_multiple_of(HOUR) => quoted(&format!("{} h", seconds / HOUR)),
        _ if seconds.is_multiple_of(MINUTE) => quoted(&format!("{} min", seconds / MINUTE)),
        _ => quoted(&format!("{seconds} s")),
    }
}

/// Returns the names of the settings that differ between two policies. If any rule differs, `rule` is one of them.
pub(crate) fn changed(old: &Policy, new: &Policy) -> Vec<&'static str> {
    let settings = SETTINGS.iter().flat_map(|section| section.settings);
    let differs = |setting: &&Setting| value(setting, old) != value(setting, new);
    let mut names: Vec<&'static str> =
        settings.filter(differs).map(|setting| setting.key).collect();
    if old.rules != new.rules {
        names.push("rule");
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use twinlock_core::policy::{Author, settings::read};

    #[test]
    fn what_is_shown_says_the_same_when_read() {
        let all = "issuer = \"Ex \\\"å\\\\\"\nlanguage = \"sv\"\nnot_enrolled = \"allow\"\nwindow = 10\n\
                   enroll_needs_ticket = false\nenroll_reason = \"Because.\"\nafter_reset = \"login\"\n\
                   ticket_lifetime_mail = \"90 min\"\nticket_lifetime_paper = \"3 d\"\n\
                   handover_logins = 0\nremember_for = \"8 h\"\nrequire_own_code = false\n\
                   own_code_exempt = [\"kim\", \"o\\\"x\"]\nmail_domain = \"example.org\"\n\
                   mail_from = \"tw@example.org\"\nsendmail = \"/opt/mail\"\n\
                   tries = 1\nprompt = \"Kod: \"\necho = true\nrecords = \"/srv/r\"\n\
                   ledger = \"/srv/l\"\nledger_persistent = true\nledger_mounted = true\n[backup_codes]\ncount = 1\nwarn_below = 2\n[throttle]\nfree = 1\n\
                   delay = 2\nmax_delay = 3\nper_day = 4\nin_a_row = 5\n[totp]\ndigits = 8\n\
                   period = 60\nalgorithm = \"SHA256\"\n[[rule]]\nuser = \"b\\\"\\n\"\n\
                   group = \"g\"\nservice = \"sshd\"\nnetwork = \"2001:db8::/32\"\n\
                   action = \"exempt\"\nuntil = 2027-02-28\n[[rule]]\nnetwork = \"10.0.0.0/8\"\n\
                   action = \"require\"\n";
        for settings in ["", "window = 3", all] {
            let policy = read(settings).unwrap();
            let shown = text(&policy);
            let mut again = read(&shown).unwrap();
            // The file states all settings, including defaults.
            assert_eq!(std::mem::take(&mut again.not_enrolled_by), Author::Settings);
            let policy = Policy { not_enrolled_by: Author::Nobody, ..policy };
            assert_eq!(again, policy, "{shown}");
        }
    }

    #[test]
    fn defaults_are_marked() {
        let shown = text(&read("window = 3").unwrap());
        assert!(shown.contains("window = 3  # default: 1\n"), "{shown}");
        assert!(shown.contains("tries = 3  # default\n"), "{shown}");
        assert!(shown.contains("# issuer: the host name\n"), "{shown}");
        assert!(shown.contains("# mail_domain: none\n"), "{shown}");
    }
}
