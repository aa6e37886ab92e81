//! Explains errors in a settings file, with the line and the most similar known name.

use std::path::Path;

use twinlock_core::{
    base::error::FileError,
    policy::settings::{KNOWN_HERE, SettingsError},
};
use twinlock_host::{
    caller_file,
    settings::{RULES, SettingsReadError},
    trusted_path::FolderError,
};

use crate::text::plain;

/// Similarity, from 0 to 1, from which an unknown name counts as a misspelling of a known one.
const LIKENESS: f64 = 0.8;
/// What to do about a settings file whose owner or mode logins do not trust.
pub(crate) const FILE_REMEDY: &str = "Make it a plain file of root: chown root:root, chmod 644.";

/// Returns two texts about an error in a settings file: `file:line` with what is wrong, and what to do. Quotes nothing
/// of a file that the invoking user may not read, because `--config` can name any file of root.
pub(crate) fn explain(path: &str, mistake: &SettingsError) -> (String, String) {
    let place = format!("{}:{}", plain(path), mistake.line);
    if !caller_file::may_be_quoted(Path::new(path)) {
        let what =
            "there is a mistake, not quoted because the user who called this may not read the file";
        return (format!("{place}: {what}"), "Read that line as root.".into());
    }
    let Some((what, known)) = mistake.what.rsplit_once(KNOWN_HERE) else {
        let remedy = "All settings are explained in twinlock.toml.reference.";
        return (format!("{place}: {}", plain(&mistake.what)), remedy.into());
    };
    let wrong = what.rsplit(' ').next().unwrap_or_default();
    let remedy = match nearest(wrong, &known.split(", ").collect::<Vec<_>>()) {
        Some(near) => format!("Did you mean {near}?"),
        None => format!("Known here: {known}."),
    };
    (format!("{place}: {}", plain(what)), remedy)
}

/// Returns two texts about settings that cannot be used: what is wrong, and what to do. The file may be unreadable or
/// not trusted, or have an error.
pub(crate) fn of_settings(path: &str, fault: &SettingsReadError) -> (String, String) {
    match fault {
        SettingsReadError::File(fault) => (of_file(path, *fault), FILE_REMEDY.into()),
        SettingsReadError::Folder(folder) => of_folder(path, folder),
        SettingsReadError::Mistake(mistake) => explain(path, mistake),
        SettingsReadError::RulesFile(fault) => (of_file(RULES, *fault), FILE_REMEDY.into()),
        SettingsReadError::RulesMistake(mistake) => explain(RULES, mistake),
    }
}

/// Returns two texts about a folder above a settings file that cannot be used: what is wrong, and what to do.
pub(crate) fn of_folder(path: &str, folder: &FolderError) -> (String, String) {
    let what = format!("{}: {}", plain(path), plain(&folder.to_string()));
    let remedy = "Settings are read only from a folder such as /etc/twinlock: only root may be able to write to it and to each folder above it.";
    (what, remedy.into())
}

/// Returns the path of the file that cannot be used, with the line of the error if there is one.
pub(crate) fn place_of(path: &str, fault: &SettingsReadError) -> String {
    match fault {
        SettingsReadError::File(_) | SettingsReadError::Folder(_) => path.to_owned(),
        SettingsReadError::Mistake(mistake) => format!("{path}:{}", mistake.line),
        SettingsReadError::RulesFile(_) => RULES.to_owned(),
        SettingsReadError::RulesMistake(mistake) => format!("{RULES}:{}", mistake.line),
    }
}

/// Returns a clause that says why a file cannot be read or is not trusted.
pub(crate) fn of_file(path: &str, fault: FileError) -> String {
    format!("{}: {fault}", plain(path))
}

fn nearest<'a>(wrong: &str, known: &[&'a str]) -> Option<&'a str> {
    let likeness = |name: &&&str| strsim::jaro_winkler(wrong, name);
    let best = known.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    (strsim::jaro_winkler(wrong, best) >= LIKENESS).then_some(best)
}

#[cfg(test)]
mod tests {
    use super::*;
    use twinlock_core::policy::settings::read;

    fn explained(text: &str) -> (String, String) {
        explain("t", &read(text).unwrap_err())
    }

    #[test]
    fn a_misspelt_setting_is_told_its_neighbour() {
        for (text, what, remedy) in [
            ("windwo = 1", "t:1: there is no setting windwo", "Did you mean window?"),
            ("\n[throttle]\nfre = 1", "t:3: there is no setting fre", "Did you mean free?"),
            ("[[rule]]\nacton = 1", "t:2: there is no setting acton", "Did you mean action?"),
            ("[thottle]", "t:1: there is no setting thottle", "Did you mean throttle?"),
        ] {
            assert_eq!(explained(text), (what.into(), remedy.into()));
        }
        let (_, remedy) = explained("zzz = 1");
        assert!(remedy.starts_with("Known here: issuer, language"), "{remedy}");
    }

    #[test]
    fn other_mistakes_keep_their_words() {
        assert_eq!(explained("window = 11").0, "t:1: window = 11 is not between 0 and 10");
    }
}
