//! The values in a settings file. Each is checked against the range of its setting.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use toml::Spanned;

use crate::policy::settings::{
    FileSetting, Reader, SettingValue, SettingsError,
    table::{Section, Setting, SettingType},
};
use crate::{
    base::time::{DAY, HOUR, MINUTE},
    format::lines::line_at,
    policy::Policy,
};

impl Reader<'_> {
    /// Returns the error for a value of the file, with the line of the value. `what` says what is wrong. Its control
    /// characters, which come from a quoted value, are escaped, so that the message stays on one line.
    pub(super) fn mistake<T>(&self, found: &Spanned<T>, what: String) -> SettingsError {
        let mut line = String::with_capacity(what.len());
        for letter in what.chars() {
            match letter.is_control() {
                true => line.extend(letter.escape_default()),
                false => line.push(letter),
            }
        }
        SettingsError { line: line_at(self.text, found.span().start), what: line }
    }

    /// Replaces a setting in the policy by the value found in the file.
    ///
    /// # Errors
    /// [`SettingsError`] if the value is invalid.
    pub(super) fn set(&self, policy: &mut Policy, found: FileSetting) -> Result<(), SettingsError> {
        let FileSetting { section, setting, value } = found;
        match value {
            SettingValue::Text(text) => {
                replace(policy, section, setting, Value::Text(text.get_ref()))
                    .map_err(|what| self.mistake(&text, what))
            }
            SettingValue::Number(number) => {
                replace(policy, section, setting, Value::Number(*number.get_ref()))
                    .map_err(|what| self.mistake(&number, what))
            }
            // Both values are valid.
            SettingValue::Boolean(value) => {
                replace(policy, section, setting, Value::Boolean(value)).or(Ok(()))
            }
            SettingValue::Names(names) => {
                replace(policy, section, setting, Value::Names(names.get_ref().clone()))
                    .map_err(|what| self.mistake(&names, what))
            }
        }
    }
}

/// A value of a settings file. Settings files have two parsers, a general one for TOML and a fast one for the usual
/// spelling; both pass values in this form to [`replace`].
pub(super) enum Value<'a> {
    Text(&'a str),
    Number(i64),
    Boolean(bool),
    Names(Vec<String>),
}

/// Replaces a setting in the policy by a value of its type. Both parsers of settings files call this function, so each
/// value is checked in the same way.
///
/// # Errors
/// What is wrong with the value, as a clause.
pub(super) fn replace(
    policy: &mut Policy,
    section: &Section,
    setting: &Setting,
    value: Value<'_>,
) -> Result<(), String> {
    match (&setting.kind, value) {
        (SettingType::Boolean { set, .. }, Value::Boolean(value)) => set(policy, value),
        (SettingType::Names { set, .. }, Value::Names(names)) => set(policy, names),
        (SettingType::Words { words, set, .. }, Value::Names(names)) => {
            let mut bits = 0;
            for name in &names {
                let place = words.iter().position(|word| word == name).ok_or_else(|| {
                    let (key, all) = (section.full_name(setting), words.join(", "));
                    format!("{key}: \"{name}\" is none of {all}")
                })?;
                bits |= 1 << place;
            }
            set(policy, bits);
        }
        (SettingType::Number { .. }, Value::Number(number)) => {
            set_number(policy, section, setting, number)?;
        }
        (_, Value::Text(text)) => set_text(policy, section, setting, text)?,
        // The parsers give a setting no value of another type.
        (_, Value::Boolean(_) | Value::Names(_) | Value::Number(_)) => {}
    }
    Ok(())
}

fn set_number(
    policy: &mut Policy,
    section: &Section,
    setting: &Setting,
    value: i64,
) -> Result<(), String> {
    let SettingType::Number { least, most, set, .. } = setting.kind else { return Ok(()) };
    match u32::try_from(value) {
        Ok(value) if (least..=most).contains(&value) => {
            set(policy, value);
            Ok(())
        }
        _ => Err(format!(
            "{} = {value} is not between {least} and {most}",
            section.full_name(setting)
        )),
    }
}

fn set_text(
    policy: &mut Policy,
    section: &Section,
    setting: &Setting,
    text: &str,
) -> Result<(), String> {
    // Only an error needs the name.
    let name = || section.full_name(setting);
    match setting.kind {
        SettingType::Word { words, set, .. } => {
            let word = words.iter().find(|word| word.eq_ignore_ascii_case(text));
            let wrong = || format!("{} = \"{text}\" is none of {}", name(), words.join(", "));
            set(policy, word.ok_or_else(wrong)?);
        }
        SettingType::Text { most, set, .. } => {
            // The issuer must not contain a colon, because a colon separates issuer and user in the URI of a key.
            let colons = setting.key != "issuer";
            let line = line_of(text, most, colons);
            set(policy, line.ok_or_else(|| unfit_line(&name(), most, colons))?);
        }
        SettingType::Path { set, .. } => {
            let wrong = || format!("{} must be a whole path without . and .. in it", name());
            set(policy, path_of(text).ok_or_else(wrong)?);
        }
        SettingType::Duration { least, most, set, .. } => {
            let seconds = seconds_of(text).filter(|seconds| (least..=most).contains(seconds));
            set(policy, seconds.ok_or_else(|| unfit_duration(&name(), least, most))?);
        }
        SettingType::Number { .. }
        | SettingType::Boolean { .. }
        | SettingType::Words { .. }
        | SettingType::Names { .. } => {}
    }
    Ok(())
}

/// Returns a text if it is one line of 1 to `most` bytes; `None` otherwise. A text with a colon is refused if `colons`
/// is `false`.
fn line_of(text: &str, most: usize, colons: bool) -> Option<String> {
    let unfit = |letter: char| letter.is_control() || (letter == ':' && !colons);
    let fits = !text.is_empty() && text.len() <= most && !text.contains(unfit);
    fits.then(|| text.to_string())
}

fn unfit_line(name: &str, most: usize, colons: bool) -> String {
    let without = if colons { "" } else { "colons and " };
    format!("{name} must be 1 to {most} bytes without {without}control characters")
}

fn path_of(text: &str) -> Option<String> {
    let whole = text.starts_with('/') && text.len() < 1024 && !text.contains('\0');
    let plain = text.split('/').skip(1).all(|part| !matches!(part, "" | "." | ".."));
    (whole && plain).then(|| text.to_string())
}

fn unfit_duration(name: &str, least: u64, most: u64) -> String {
    let days = most / DAY;
    if least == 0 {
        format!("{name} is no duration like \"8 h\", of at most {days} d, or 0")
    } else {
        format!("{name} is no duration like \"24 h\", of {} min to {days} d", least / MINUTE)
    }
}

/// Parses a duration such as `8 h`, `30m`, `7d` or `0`, and returns it in seconds; `None` if the text is not a
/// duration.
#[must_use]
pub fn seconds_of(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let number: u64 = number.parse().ok()?;
    let unit = match unit.trim() {
        "" if number == 0 => 1,
        "s" => 1,
        "m" | "min" => MINUTE,
        "h" => HOUR,
        "d" => DAY,
        _ => return None,
    };
    number.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        for (text, seconds) in [
            ("8h", Some(28_800)),
            ("8 h", Some(28_800)),
            ("90 min", Some(5400)),
            ("30m", Some(1800)),
            ("7 d", Some(604_800)),
            ("45s", Some(45)),
            ("0", Some(0)),
            ("8", None),
            ("", None),
            ("h", None),
            ("-1h", None),
            ("1.5h", None),
            ("99999999999999999999h", None),
            ("9999999999999999999d", None),
        ] {
            assert_eq!(seconds_of(text), seconds, "{text}");
        }
    }
}
