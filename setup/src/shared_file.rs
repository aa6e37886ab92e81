//! Writes rules.toml and accepted.toml by compare-and-swap, because other commands and administrators change them too,
//! and their changes must not be lost.

use std::io;

use twinlock_core::{
    base::time::UnixTime,
    policy::{
        Rule,
        settings::{SETTINGS_MAX, rules as rules_form},
    },
};
use twinlock_doctor::accepted;
use twinlock_host::{
    settings::{
        PATH, RULES, last_good_settings,
        swap_file::{SwapContent as Swapped, SwapError, SwapFile},
    },
    trusted_dir::Owner,
};

use crate::{entries, rules, wishes::ServiceName};

const OWNER: Owner = Owner(0);
/// Mode of the files, which all users may read.
const MODE: u32 = 0o644;
/// Maximum size of accepted.toml in bytes.
const ENTRIES_MAX: usize = 1 << 20;

/// Returns whether a path is that of rules.toml or of accepted.toml.
#[must_use]
pub fn is_shared(path: &str) -> bool {
    [RULES, accepted::FILE].contains(&path)
}

/// Replaces the content `before` of a shared file by `after`.
///
/// # Errors
/// [`io::Error`] if the file does not have the content `before`, or cannot be written.
pub fn write(path: &str, before: &[u8], after: &[u8]) -> io::Result<()> {
    let mut decide = |now: &[u8]| match now == before {
        true => Ok(Some(Swapped { bytes: after.to_vec(), mode: MODE })),
        false => Err("it is being changed"),
    };
    changed(path, opened(path)?.change(&mut decide))
}

/// Returns whether a shared file already has the rules or entries for the service that it had in `before`, so that
/// [`take_back`] would not change it. `now` is the content of the file.
#[must_use]
pub fn is_taken_back(path: &str, service: &ServiceName, now: &[u8], before: &[u8]) -> bool {
    merged(path, service, [now, before]).as_deref() == Some(now)
}

/// Replaces setup's rules or entries for a service by those of the earlier content `before`. The rest of the file stays
/// as it is. A file that cannot be parsed gets the content `before`.
///
/// # Errors
/// [`io::Error`] if the file cannot be written.
pub fn take_back(path: &str, service: &ServiceName, before: &[u8]) -> io::Result<()> {
    let mut decide = |now: &[u8]| {
        let merged = merged(path, service, [now, before]);
        let bytes = merged.unwrap_or_else(|| before.to_vec());
        Ok::<_, &str>((bytes != now).then_some(Swapped { bytes, mode: MODE }))
    };
    let file = opened(path)?;
    changed(path, file.change(&mut decide))?;
    // The file may have its earlier content again. This removes what a killed process has left beside that content.
    changed(path, file.change(&mut |_| Ok(None)))
}

/// Returns the content of a shared file after [`take_back`], if `now` is its present content and `before` the content
/// before setup changed it. Returns `None` if one of the two contents cannot be parsed.
fn merged(path: &str, service: &ServiceName, [now, before]: [&[u8]; 2]) -> Option<Vec<u8>> {
    let (now, before) = (str::from_utf8(now).ok()?, str::from_utf8(before).ok()?);
    let text = if path == RULES {
        let mut earlier: Vec<Rule> = rules_form::read(before).ok()?;
        earlier.retain(|rule| rules::is_of(rule, service));
        rules::replaced(now, service, &earlier).ok()?.unwrap_or_else(|| now.to_owned())
    } else {
        let earlier = entries::of_service(before, service).ok()?;
        let without = entries::replaced(now, service, &[], UnixTime(0)).ok()?;
        entries::extended(&without, &earlier).ok()?
    };
    Some(text.into_bytes())
}

fn opened(path: &str) -> io::Result<SwapFile> {
    let max = if path == RULES { SETTINGS_MAX } else { ENTRIES_MAX };
    SwapFile::open(path, max, OWNER).map_err(|error| io::Error::other(error.fault.to_string()))
}

/// Returns the result of a change with an [`io::Error`] as its error. After a change of rules.toml, also updates the
/// rules in the last good copy of the settings, which logins use while the settings cannot be read.
fn changed(path: &str, done: Result<bool, SwapError<&str>>) -> io::Result<()> {
    done.map_err(|error| io::Error::other(error.to_string()))?;
    if path != RULES {
        return Ok(());
    }
    let kept = last_good_settings::keep_rules(PATH, RULES, OWNER);
    kept.map_err(|error| io::Error::other(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scope::Scope;
    use twinlock_core::policy::NotEnrolled;

    fn back(path: &str, now: &str, before: &str) -> Option<String> {
        let ssh = ServiceName::of("ssh").unwrap();
        let bytes = merged(path, &ssh, [now.as_bytes(), before.as_bytes()])?;
        Some(String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn rules_of_others_outlive_those_of_setup() {
        let ssh = ServiceName::of("ssh").unwrap();
        let group = |name: &str| {
            let scope = Scope { group: Some(name.to_owned()), ..Scope::default() };
            rules::of(&ssh, &scope, NotEnrolled::Deny)
        };
        let reminder = "[[rule]]\ngroup = \"dev\"\naction = \"remind\"\nuntil = 2027-01-31\n";
        let before = rules::replaced("", &ssh, &group("a")).unwrap().unwrap();
        let after = rules::replaced(&before, &ssh, &group("b")).unwrap().unwrap();
        let meanwhile = format!("{after}{reminder}");
        for (now, count) in [(&after, 2), (&meanwhile, 3)] {
            let text = back(RULES, now, &before).unwrap();
            let rules = rules_form::read(&text).unwrap();
            assert_eq!(rules.len(), count);
            assert!(group("a").iter().all(|rule| rules.contains(rule)), "{text}");
            assert!(!text.contains("\"b\""), "{text}");
        }
        assert_eq!(rules_form::read(&back(RULES, &after, "").unwrap()).unwrap(), []);
        assert_eq!(back(RULES, "odd", &before), None);
    }

    #[test]
    fn entries_of_others_outlive_those_of_setup() {
        let entry = |reason: &str| {
            format!(
                "[[accepted]]\nfinding = \"f\"\nservice = \"sshd\"\noutcome = \"o {reason}\"\nreason = \"{reason}\"\nuntil = 2027-01-31\n"
            )
        };
        let (old, new, hand) = (
            entry("twinlock setup ssh --group a"),
            entry("twinlock setup ssh --group b"),
            entry("by hand"),
        );
        let file = accepted::FILE;
        assert_eq!(back(file, &new, "").as_deref(), Some(""));
        assert_eq!(back(file, &new, &old).as_deref(), Some(&*old));
        let both = format!("{hand}\n{new}");
        assert_eq!(back(file, &both, "").as_deref(), Some(&*hand));
        assert_eq!(back(file, &both, &old).unwrap(), format!("{hand}\n{old}"));
        assert_eq!(back(file, "odd", &old), None);
    }
}
