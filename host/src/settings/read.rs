//! Reads the settings in force: the settings file and rules.toml, or the last good copy of both if one of them cannot
//! be used.

use twinlock_core::{
    base::error::FileError,
    policy::{
        Policy, Rule, last_good, settings as form,
        settings::{SETTINGS_MAX, SettingsError, rules as rules_form},
    },
};

use crate::{
    open_beneath,
    trusted_dir::{self, Owner, READABLE},
    trusted_path::{self, FolderError},
};
use std::os::fd::AsFd;

/// The default path of the settings file.
pub const PATH: &str = "/etc/twinlock/twinlock.toml";
/// The file with the rules that the command writes. They are appended to the rules of the settings file, whichever
/// settings file is used.
pub const RULES: &str = "/etc/twinlock/rules.toml";
/// The name of the last good copy, which contains the settings and rules that were last applied. It is in the folder of
/// the settings file.
pub const GOOD: &str = "settings.good";

/// Why the settings cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingsReadError {
    /// The settings file cannot be trusted or read.
    File(FileError),
    /// A folder above the settings file cannot be trusted.
    Folder(FolderError),
    /// The settings file has an error.
    Mistake(SettingsError),
    /// rules.toml cannot be trusted or read.
    RulesFile(FileError),
    /// rules.toml has an error.
    RulesMistake(SettingsError),
}

impl core::fmt::Display for SettingsReadError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::File(error) | Self::RulesFile(error) => error.fmt(f),
            Self::Folder(error) => error.fmt(f),
            Self::Mistake(error) | Self::RulesMistake(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for SettingsReadError {}

/// The settings in force, and whether they come from the last good copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// The settings that are in force.
    pub policy: Policy,
    /// Why the settings files could not be used, if `policy` comes from the last good copy. `None` if `policy` comes
    /// from the files.
    pub stands_in_for: Option<SettingsReadError>,
}

const ABSENT: SettingsReadError = SettingsReadError::File(FileError::Missing);

/// Loads the settings in force: the settings file at `path` and rules.toml, or the last good copy of both. If neither
/// the settings file nor a last good copy exists, the defaults and rules.toml apply.
///
/// # Errors
/// [`SettingsReadError`] of the first file that cannot be used, if there is no usable last good copy.
pub fn load(path: &str, owner: Owner) -> Result<Loaded, SettingsReadError> {
    load_beside(path, RULES, owner)
}

fn load_beside(path: &str, rules: &str, owner: Owner) -> Result<Loaded, SettingsReadError> {
    let loaded = loaded(path, read(path, owner), rules, owner);
    if loaded == Err(ABSENT) && good(path, owner) == Err(ABSENT) {
        let policy = with_rules(Policy::default(), rules, owner)?;
        return Ok(Loaded { policy, stands_in_for: None });
    }
    loaded
}

/// Loads the settings in force from a path that a PAM line or an option names: this file and rules.toml, or the last
/// good copy of both. The file must exist, and only `owner` (root) may be able to write to the folders above it.
///
/// # Errors
/// [`SettingsReadError::Folder`] if other users can write to a folder above the file; the last good copy is then not
/// used. Otherwise the errors of [`load`].
pub fn load_named(path: &str, owner: Owner) -> Result<Loaded, SettingsReadError> {
    let (folder, name) = trusted_path::folder_of(path, owner).map_err(SettingsReadError::Folder)?;
    let opened = open_beneath::file(folder.as_fd(), name);
    let bytes = trusted_dir::read_opened(opened, owner, READABLE, SETTINGS_MAX);
    loaded(
        path,
        bytes.map_err(SettingsReadError::File).and_then(|(bytes, _)| parse(&bytes)),
        RULES,
        owner,
    )
}

fn loaded(
    path: &str,
    settings: Result<Policy, SettingsReadError>,
    rules: &str,
    owner: Owner,
) -> Result<Loaded, SettingsReadError> {
    match settings.and_then(|policy| with_rules(policy, rules, owner)) {
        Ok(policy) => Ok(Loaded { policy, stands_in_for: None }),
        Err(fault) => match good(path, owner) {
            Ok(policy) => Ok(Loaded { policy, stands_in_for: Some(fault) }),
            Err(_) => Err(fault),
        },
    }
}

/// Reads one settings file, without rules.toml.
///
/// # Errors
/// [`SettingsReadError`] if the file cannot be trusted or read, or has an error.
pub fn read(path: &str, owner: Owner) -> Result<Policy, SettingsReadError> {
    let bytes = trusted_dir::read_file(path, owner, READABLE, SETTINGS_MAX);
    parse(&bytes.map_err(SettingsReadError::File)?)
}

fn parse(bytes: &[u8]) -> Result<Policy, SettingsReadError> {
    form::read(utf8(bytes).map_err(SettingsReadError::Mistake)?).map_err(SettingsReadError::Mistake)
}

pub(crate) fn utf8(bytes: &[u8]) -> Result<&str, SettingsError> {
    std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count();
        let line = u32::try_from(line).unwrap_or(u32::MAX).saturating_add(1);
        SettingsError { line, what: "not UTF-8".into() }
    })
}

/// Appends the rules of rules.toml to those of the settings.
fn with_rules(mut policy: Policy, rules: &str, owner: Owner) -> Result<Policy, SettingsReadError> {
    policy.rules.extend(read_rules(rules, owner)?);
    Ok(policy)
}

/// Reads the rules that the command wrote; none if the file is missing.
///
/// # Errors
/// [`SettingsReadError::RulesFile`] if the file cannot be trusted or read, [`SettingsReadError::RulesMistake`] if it
/// has an error.
pub fn read_rules(path: &str, owner: Owner) -> Result<Vec<Rule>, SettingsReadError> {
    match trusted_dir::read_file(path, owner, READABLE, SETTINGS_MAX) {
        Ok(bytes) => {
            let rules = utf8(&bytes).and_then(rules_form::read);
            rules.map_err(SettingsReadError::RulesMistake)
        }
        Err(fault) if trusted_dir::is_absent(fault) => Ok(Vec::new()),
        Err(fault) => Err(SettingsReadError::RulesFile(fault)),
    }
}

/// Returns the settings in the last good copy next to the settings file `path`, without the rules of rules.toml.
///
/// # Errors
/// [`SettingsReadError`] if the copy cannot be trusted or read, or has an error.
pub fn kept(path: &str, owner: Owner) -> Result<Policy, SettingsReadError> {
    good_parts(path, owner).map(|(policy, _)| policy)
}

/// Returns the settings and the rules in the last good copy next to the settings file `path`.
fn good(path: &str, owner: Owner) -> Result<Policy, SettingsReadError> {
    let (mut policy, rules) = good_parts(path, owner)?;
    policy.rules.extend(rules);
    Ok(policy)
}

fn good_parts(path: &str, owner: Owner) -> Result<(Policy, Vec<Rule>), SettingsReadError> {
    let bytes =
        trusted_dir::read_file(&last_good_path(path), owner, READABLE, last_good::LAST_GOOD_MAX)
            .map_err(SettingsReadError::File)?;
    let text = utf8(&bytes).map_err(SettingsReadError::Mistake)?;
    let newer =
        || SettingsError { line: 1, what: "of a form that this twinlock does not read".into() };
    let (settings, rules) =
        last_good::split(text).ok_or_else(|| SettingsReadError::Mistake(newer()))?;
    let rules = rules_form::read(rules).map_err(SettingsReadError::RulesMistake)?;
    Ok((parse(settings.as_bytes())?, rules))
}

/// Returns the path of `settings.good` next to a settings file.
#[must_use]
pub fn last_good_path(path: &str) -> String {
    sibling(path, GOOD)
}

/// Returns the path of the file `name` in the folder of `path`.
#[must_use]
pub fn sibling(path: &str, name: &str) -> String {
    match path.rsplit_once('/') {
        Some((folder, _)) => [folder, "/", name].concat(),
        None => name.into(),
    }
}

impl SettingsReadError {
    /// Returns what is wrong, as a clause for the log that names the file. `path` is the path of the settings file.
    #[must_use]
    pub fn clause(&self, path: &str) -> String {
        match self {
            Self::File(_) | Self::Folder(_) => format!("{path}: {self}"),
            Self::Mistake(_) => format!("{path}:{self}"),
            Self::RulesFile(_) => format!("{RULES}: {self}"),
            Self::RulesMistake(_) => format!("{RULES}:{self}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn me() -> Owner {
        Owner(rustix::process::getuid().as_raw())
    }

    fn write(path: &str, text: &str) {
        std::fs::write(path, text).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).unwrap();
    }

    fn files() -> (tempfile::TempDir, String, String) {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path().canonicalize().unwrap();
        let base = base.to_str().unwrap();
        (folder, format!("{base}/twinlock.toml"), format!("{base}/{GOOD}"))
    }

    /// Loads settings for tests, without rules.toml.
    fn load(path: &str, owner: Owner) -> Result<Loaded, SettingsReadError> {
        load_beside(path, "/none/rules.toml", owner)
    }

    #[test]
    fn no_file_is_the_default() {
        let (_folder, path, good) = files();
        assert_eq!(load(&path, me()).unwrap().policy, Policy::default());
        let none = load_named("/none/t", Owner(0)).unwrap_err();
        assert_eq!(none.clause("/none/t"), "/none/t: the folder /none is missing");
        write(&good, "windwo = 2");
        assert!(load(&path, me()).is_err());
        write(&good, "tries = 2");
        let loaded = load(&path, me()).unwrap();
        assert_eq!(loaded.policy.tries, 2);
        assert!(loaded.stands_in_for.is_some());
    }

    #[test]
    fn a_mistake_falls_back_to_what_was_good_and_else_refuses() {
        let (_folder, path, good) = files();
        write(&path, "window = 2\nwindwo = 1");
        let SettingsReadError::Mistake(mistake) = load(&path, me()).unwrap_err() else { panic!() };
        assert_eq!(mistake.line, 2);
        write(&good, "window = 3");
        let loaded = load(&path, me()).unwrap();
        assert_eq!(loaded.policy.window, 3);
        assert!(
            loaded
                .stands_in_for
                .unwrap()
                .clause(&path)
                .contains("twinlock.toml:2: there is no setting")
        );
        write(&good, "also bad");
        assert!(load(&path, me()).is_err());
    }

    #[test]
    fn a_file_that_others_can_write_is_not_used() {
        let (_folder, path, _) = files();
        write(&path, "window = 2");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o646)).unwrap();
        assert_eq!(load(&path, me()), Err(SettingsReadError::File(FileError::TooOpen)));
        std::fs::write(&path, [b'#', b'\n', 0xff]).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert!(load(&path, me()).unwrap_err().clause("t").contains("t:2: not UTF-8"));
    }

    #[test]
    fn rules_follow_those_of_the_settings() {
        let (_folder, path, good) = files();
        let rules = path.replace("twinlock.toml", "rules.toml");
        let load = || load_beside(&path, &rules, me());
        let users = || {
            let rules = load().unwrap().policy.rules.into_iter();
            rules.map(|rule| rule.user.unwrap_or_default()).collect::<Vec<_>>()
        };
        let rule = |user: &str| format!("[[rule]]\nuser = \"{user}\"\naction = \"exempt\"\n");
        write(&rules, &rule("bob"));
        assert_eq!(users(), ["bob"]);
        write(&path, &rule("ada"));
        assert_eq!(users(), ["ada", "bob"]);
        write(&rules, "windwo = 1\n");
        assert_eq!(
            load().unwrap_err().clause("t"),
            format!("{RULES}:1: there is no setting windwo; known here: version, rule, generation")
        );
        write(&good, &last_good::join("window = 3\n", &rule("cy")));
        assert_eq!((users(), load().unwrap().policy.window), (vec!["cy".into()], 3));
        write(&rules, "");
        std::fs::set_permissions(&rules, std::fs::Permissions::from_mode(0o666)).unwrap();
        assert_eq!(
            load().unwrap().stands_in_for,
            Some(SettingsReadError::RulesFile(FileError::TooOpen))
        );
    }
}
