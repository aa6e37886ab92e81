//! Parses settings files as administrators usually write them, line by line. Every login reads the settings, and the
//! TOML parser takes ten times as long.

use alloc::{string::String, vec::Vec};

use crate::policy::{
    Policy,
    settings::{
        table::{SETTINGS, Section, Setting, SettingType},
        values::{Value, replace},
    },
};

/// Number of all settings.
const COUNT: usize = {
    let (mut count, mut sections) = (0, SETTINGS);
    while let [section, rest @ ..] = sections {
        count += section.settings.len();
        sections = rest;
    }
    count
};

/// Parses a settings file. Returns `None` if it contains anything but comments, sections, and keys with plain values,
/// or if a value is invalid: the TOML parser then decides.
pub(super) fn read(text: &str) -> Option<Policy> {
    let mut found = Found { section: 0, begun: 1, values: [None; COUNT] };
    for line in text.split('\n') {
        match line.as_bytes().first() {
            None => {}
            Some(b'#') => harmless(line.as_bytes()).then_some(())?,
            Some(b'[') => found.begin(line)?,
            Some(_) => found.take(line)?,
        }
    }
    found.policy()
}

/// The values of a settings file as text. The index of a value is the position of its setting among all settings of
/// [`SETTINGS`].
struct Found<'a> {
    /// Index in [`SETTINGS`] of the section that the current line belongs to.
    section: usize,
    /// The sections that have begun: bit N is set for the section at index N of [`SETTINGS`].
    begun: u32,
    values: [Option<&'a str>; COUNT],
}

impl<'a> Found<'a> {
    /// Begins the section that a line names; `None` if there is no such section or it has begun before.
    fn begin(&mut self, line: &str) -> Option<()> {
        let (name, rest) = line.strip_prefix('[')?.split_once(']')?;
        ends(rest).then_some(())?;
        self.section = SETTINGS.iter().position(|section| section.name == name)?;
        let bit = 1_u32.checked_shl(u32::try_from(self.section).ok()?)?;
        let first = self.begun & bit == 0;
        self.begun |= bit;
        first.then_some(())
    }

    /// Takes the key and the value of a line; `None` if the key is unknown or was taken before.
    fn take(&mut self, line: &'a str) -> Option<()> {
        let end = line.bytes().position(|byte| byte == b'=')?;
        let (key, value) = (line.get(..end)?, line.get(end.checked_add(1)?..)?);
        let (key, value) = (before_blanks(key), after_blanks(value));
        let (before, rest) = SETTINGS.split_at_checked(self.section)?;
        let settings = rest.first()?.settings;
        let place = settings.iter().position(|setting| setting.key == key)?;
        let first = before.iter().map(|section| section.settings.len()).sum::<usize>();
        let slot = self.values.get_mut(first.checked_add(place)?)?;
        slot.replace(value).is_none().then_some(())
    }

    /// Returns the policy with the values of the file; `None` if a value is invalid. The values are set in the order of
    /// the table, not of the file.
    fn policy(&self) -> Option<Policy> {
        let mut policy = Policy::default();
        let mut rest = self.values.as_slice();
        let mut begun = self.begun;
        for section in SETTINGS {
            let (values, others) = rest.split_at_checked(section.settings.len())?;
            rest = others;
            let is_begun = begun & 1 == 1;
            begun >>= 1;
            // Every login comes here, and most sections are not in the file.
            if !is_begun {
                continue;
            }
            for (setting, value) in section.settings.iter().zip(values) {
                if let Some(value) = value {
                    set(&mut policy, section, setting, value)?;
                }
            }
        }
        Some(policy)
    }
}

/// Replaces a setting in the policy by `value`, the text after the equals sign; `None` if the value is invalid or not
/// in plain form.
fn set(policy: &mut Policy, section: &Section, setting: &Setting, value: &str) -> Option<()> {
    let value = match setting.kind {
        SettingType::Word { .. } | SettingType::Text { .. } | SettingType::Path { .. } => {
            Value::Text(string(value)?)
        }
        SettingType::Duration { .. } => {
            Value::Text(string(value).or_else(|| number(value).map(|_| digits(value)))?)
        }
        SettingType::Number { .. } => Value::Number(number(value)?),
        SettingType::Boolean { .. } => Value::Boolean(boolean(value)?),
        SettingType::Words { .. } | SettingType::Names { .. } => Value::Names(names(value)?),
    };
    replace(policy, section, setting, value).ok()
}

/// Parses a list of strings on one line; `None` if one contains a comma, a bracket or a character that TOML escapes.
fn names(value: &str) -> Option<Vec<String>> {
    let (names, rest) = value.strip_prefix('[')?.split_once(']')?;
    ends(rest).then_some(())?;
    if names.is_empty() {
        return Some(Vec::new());
    }
    names.split(',').map(|name| string(after_blanks(before_blanks(name))).map(Into::into)).collect()
}

/// Returns the content of a quoted string; `None` if it contains a character that TOML escapes.
fn string(value: &str) -> Option<&str> {
    let text = value.strip_prefix('"')?;
    let odd = |byte: u8| byte == b'"' || byte == b'\\' || byte < b' ' || byte == 0x7f;
    let end = text.bytes().position(odd)?;
    let (text, rest) = text.split_at_checked(end)?;
    ends(rest.strip_prefix('"')?).then_some(text)
}

/// Parses a number; `None` if it has a sign, leading zeros, or more digits than any setting.
fn number(value: &str) -> Option<i64> {
    let digits = digits(value);
    let plain = matches!(digits.len(), 1..=9) && (digits == "0" || !digits.starts_with('0'));
    let add = |number: i64, digit: u8| number * 10 + i64::from(digit - b'0');
    (plain && ends(value.get(digits.len()..)?)).then(|| digits.bytes().fold(0, add))
}

fn digits(value: &str) -> &str {
    let end = value.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(value.len());
    value.get(..end).unwrap_or_default()
}

fn boolean(value: &str) -> Option<bool> {
    let (truth, rest) = match value.strip_prefix("true") {
        Some(rest) => (true, rest),
        None => (false, value.strip_prefix("false")?),
    };
    ends(rest).then_some(truth)
}

/// Returns whether the rest of a line contains nothing or a comment.
fn ends(rest: &str) -> bool {
    let rest = after_blanks(rest);
    rest.is_empty() || rest.starts_with('#') && harmless(rest.as_bytes())
}

/// Returns whether a comment contains only characters that TOML allows in it.
fn harmless(comment: &[u8]) -> bool {
    let plain = |byte: &u8| (*byte >= b' ' && *byte != 0x7f) || *byte == b'\t';
    let (words, rest) = comment.as_chunks::<8>();
    words.iter().all(|word| is_printable(*word) || word.iter().all(plain)) && rest.iter().all(plain)
}

/// Returns whether each of eight bytes is from 0x20 to 0x7e. Checks all bytes at once, as one number, in which no
/// addition overflows into another byte.
const fn is_printable(word: [u8; 8]) -> bool {
    let word = u64::from_ne_bytes(word);
    const EACH: u64 = u64::from_ne_bytes([1; 8]);
    let (ascii, lower) = (word & (EACH * 0x80) == 0, word & (EACH * 0x7f));
    // Bit 7 of a sum is set from 0x20 on, and from 0x7f on.
    ascii && (lower + EACH * 0x60) & !(lower + EACH) & (EACH * 0x80) == EACH * 0x80
}

fn after_blanks(text: &str) -> &str {
    let end = text.bytes().position(|byte| byte != b' ' && byte != b'\t').unwrap_or(text.len());
    text.get(end..).unwrap_or_default()
}

fn before_blanks(text: &str) -> &str {
    let end = text.bytes().rposition(|byte| byte != b' ' && byte != b'\t');
    end.and_then(|end| text.get(..=end)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use proptest::{collection::vec, prelude::*, sample::select};

    use super::*;
    use crate::policy::settings::read_toml;

    /// Values in all forms that TOML allows in a settings file, and some that it does not allow.
    const VALUES: &[&str] = &[
        "\"sv\"",
        "\"SHA256\"",
        "\"allow\"",
        "\"/srv/a\"",
        "\"8 h\"",
        "\"login\"",
        "\"\"",
        "\"a\u{e4}\"",
        "\"a",
        "\"a\\n\"",
        "\"a#b\" # c",
        "\"a]\"",
        "\"\"\"a\"\"\"",
        "'sv'",
        "0",
        "1",
        "7",
        "07",
        "1_0",
        "+2",
        "-1",
        "60 # s",
        "0x10",
        "3.0",
        "9999999999",
        "true",
        "false",
        "truer",
        "true# c",
        "True",
        "[]",
        "[\"a\"]",
        "[ \"a\", \"b\" ] #",
        "[\"a,b\"]",
        "[\"a\",]",
        "[1]",
        "{}",
        "2027-01-31",
        "",
        "\"a\tb\"",
        "\"a\u{7f}\"",
        "1\r",
    ];
    const LINES: &[&str] = &[
        "",
        " ",
        "# comment",
        "#\u{7f}",
        "# 12345678\u{1}",
        "# \u{e4}23456789",
        "#\r",
        "[throttle]",
        "[totp] # new keys",
        "[backup_codes]",
        "[ totp ]",
        "[]",
        "[other]",
        "[[rule]]",
        "action = \"require\"",
        "totp.digits = 6",
        "tries",
        "\"tries\" = 2",
        "= 1",
        "echo = true = 1",
        "\u{feff}tries = 1",
    ];

    fn line() -> impl Strategy<Value = String> {
        let keys: Vec<&str> = SETTINGS
            .iter()
            .flat_map(|section| section.settings)
            .map(|setting| setting.key)
            .collect();
        let equals = select(&[" = ", "=", "\t=  ", " == "]);
        prop_oneof![
            3 => (select(keys), equals, select(VALUES)).prop_map(|(key, equals, value)| format!("{key}{equals}{value}")),
            1 => select(LINES).prop_map(String::from),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn what_is_read_is_what_toml_reads(lines in vec(line(), 0..5), end in "\n?") {
            let text = lines.join("\n") + &end;
            if let Some(policy) = read(&text) {
                prop_assert_eq!(read_toml(&text), Ok(policy), "{:?}", text);
            }
        }
    }

    #[test]
    fn the_files_of_a_host_are_read() {
        for text in [
            include_str!("../../../../config/twinlock.toml"),
            include_str!("../../../../config/twinlock.toml.reference"),
            "issuer = \"Example\" # shown\nwindow=2\n\nown_code_exempt = [\"root\", \"a\"]\n[throttle] # strict\nfree = 3\n",
        ] {
            let policy = read(text);
            assert!(policy.is_some(), "{text}");
            assert_eq!(policy, read_toml(text).ok());
        }
    }

    #[test]
    fn each_setting_is_read_in_its_own_place() {
        let written = include_str!("../../../../config/twinlock.toml.reference");
        let mut section = "";
        for line in written.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            if line.starts_with('[') {
                section = line;
            } else {
                let text = format!("{section}\n{line}\n");
                assert_eq!(read(&text), read_toml(&text).ok(), "{text}");
                assert!(read(&text).is_some(), "{text}");
                assert_eq!(read(&format!("{text}{line}\n")), None, "{text}");
            }
        }
    }

    #[test]
    fn eight_bytes_are_judged_as_each_of_them() {
        for byte in 0..=u8::MAX {
            for place in 0..8 {
                let mut word = [b'a'; 8];
                word[place] = byte;
                assert_eq!(is_printable(word), (0x20..0x7f).contains(&byte), "{byte} {place}");
            }
        }
    }
}
