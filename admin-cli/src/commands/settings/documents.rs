//! Checks that twinlock.toml.reference and twinlock.toml(5) contain the text that is generated from the table of
//! settings.
//!
//! `TWINLOCK_WRITE_GOLDEN=1 cargo test -p twinlock settings_documents` rewrites both files.

use std::{env, fs, path::PathBuf};

use twinlock_core::policy::{
    Policy,
    settings::table::{SETTINGS, Section, Setting, SettingType},
};
use twinlock_doctor::wrap::wrap;

use crate::commands::settings::show::value;

const REFERENCE: &str = "config/twinlock.toml.reference";
const PAGE: &str = "packaging/man/twinlock.toml.5";
const WIDTH: usize = 86;

/// Returns the text as comment lines of a settings file.
fn comment(text: &str) -> String {
    let lines = wrap(&text.replace('`', "\""), WIDTH, 0);
    lines.lines().map(|line| format!("# {line}\n")).collect()
}

fn in_reference(section: &Section) -> String {
    let mut text = String::new();
    if !section.name.is_empty() {
        text.push_str(&format!("{}[{}]\n", comment(section.text), section.name));
    }
    for setting in section.settings {
        let (about, line) = match &setting.unset {
            Some(unset) => (
                format!("{} Default: {}.", setting.doc, unset.means),
                format!("# {} = {}\n", setting.key, unset.example),
            ),
            None => {
                let usual = value(setting, &Policy::default()).unwrap_or_default();
                (with_form(setting), format!("{} = {usual}\n", setting.key))
            }
        };
        text.push_str(&comment(&about));
        text.push_str(&line);
        if section.name.is_empty() {
            text.push('\n');
        }
    }
    if !section.name.is_empty() {
        text.push('\n');
    }
    text
}

/// Returns the description of a setting, with the accepted values added unless the description names them.
#[expect(clippy::wildcard_enum_match_arm, reason = "every other case is treated the same")]
fn with_form(setting: &Setting) -> String {
    match setting.kind {
        SettingType::Word { words, .. } if words.iter().any(|word| !setting.doc.contains(word)) => {
            format!("{} One of {}.", setting.doc, words.join(", "))
        }
        SettingType::Number { least, most, .. } => format!("{} {least} to {most}.", setting.doc),
        _ => setting.doc.into(),
    }
}

fn in_page(section: &Section) -> String {
    let mut text = match section.name {
        "" => String::new(),
        name => format!(".SS [{name}]\n{}", roff(section.text)),
    };
    for setting in section.settings {
        let default = match &setting.unset {
            Some(unset) => unset.means.into(),
            None => value(setting, &Policy::default()).unwrap_or_default(),
        };
        let form = form(&setting.kind).replace('"', "\\(dq");
        text.push_str(&format!(".TP\n.BR {} \" = {form}\"\n", setting.key));
        text.push_str(&roff(setting.doc));
        text.push_str(&roff(&format!("Default: {default}.")));
    }
    text
}

/// Returns the accepted values of a setting as the manual page writes them, such as `1..10`.
fn form(kind: &SettingType) -> String {
    match kind {
        SettingType::Word { words, .. } => {
            words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(" | ")
        }
        SettingType::Number { least, most, .. } => format!("{least}..{most}"),
        SettingType::Boolean { .. } => "true | false".into(),
        SettingType::Text { .. } => "\"TEXT\"".into(),
        SettingType::Path { .. } => "\"PATH\"".into(),
        SettingType::Duration { least: 0, .. } => "\"DURATION\" | 0".into(),
        SettingType::Duration { .. } => "\"DURATION\"".into(),
        SettingType::Words { .. } => "[ \"WORD\", ... ]".into(),
        SettingType::Names { .. } => "[ \"NAME\", ... ]".into(),
    }
}

/// Returns prose as troff, with each sentence on a line and text in back quotes in bold.
fn roff(text: &str) -> String {
    let escaped = text.replace('\\', "\\e").replace('-', "\\-").replace('"', "\\(dq");
    let parts = escaped.split('`').enumerate();
    let bold = |(index, part): (usize, &str)| match index % 2 {
        0 => part.to_owned(),
        _ => format!("\\fB{part}\\fR"),
    };
    let text: String = parts.map(bold).collect();
    format!("{}\n", text.replace(". ", ".\n"))
}

/// Returns the text `file` with `new` in place of what is between the texts `after` and `before`.
fn renewed(file: &str, after: &str, before: &str, new: &str) -> String {
    let (head, rest) = file.split_once(after).expect("the beginning of the settings");
    let (_, tail) = rest.split_once(before).expect("the end of the settings");
    [head, after, new, before, tail].concat()
}

#[test]
fn documents_are_the_table() {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap()).join("..");
    let reference: String = SETTINGS.iter().map(in_reference).collect();
    let page: String = SETTINGS.iter().map(in_page).collect();
    for (file, after, before, new) in [
        (REFERENCE, "settings check FILE\n\n", "# Who is asked for a code.", reference),
        (PAGE, ".SH SETTINGS\n", ".SS [[rule]]\n", page),
    ] {
        let path = root.join(file);
        let written = fs::read_to_string(&path).unwrap();
        let right = renewed(&written, after, before, &new);
        if env::var_os("TWINLOCK_WRITE_GOLDEN").is_some() {
            fs::write(&path, &right).unwrap();
        } else {
            assert_eq!(written, right, "{file}: run with TWINLOCK_WRITE_GOLDEN=1");
        }
    }
}
