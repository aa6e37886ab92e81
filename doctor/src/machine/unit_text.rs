//! Reads systemd's units: the settings of a unit and of its drop-ins, in the order in which systemd applies them.
use std::collections::BTreeMap;

use crate::machine::ExaminedMachine;
use crate::machine::units::{UNIT_FOLDERS, WANTS};
use crate::pam::load::Files;
use crate::pam::stack::LinePlace;
use crate::sshd::command_line::joined;
use crate::sshd::config::Patterns;

/// One line `KEY=VALUE` of a unit or of a drop-in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct UnitSetting {
    /// The key, such as `ExecStart`.
    pub(super) key: String,
    /// The value, without blanks at its ends. An empty value removes the earlier values of some keys.
    pub(super) value: String,
    /// File and number of the line at which the setting begins.
    pub(super) place: LinePlace,
}

impl ExaminedMachine {
    /// Returns the settings of the unit `name`, then those of its drop-ins. Returns an empty list if there is no such
    /// unit.
    pub(super) fn unit_settings(&self, name: &str) -> Vec<UnitSetting> {
        let Some(main) = self.fragment(name) else { return Vec::new() };
        let files = [main].into_iter().chain(self.drop_ins(name));
        files.flat_map(|file| settings(&self.text(&file).unwrap_or_default(), &file)).collect()
    }

    /// Returns the file of a unit: in a folder of units, under its own name or under that of its template, or the link
    /// by which another unit wants it.
    fn fragment(&self, name: &str) -> Option<String> {
        let names = [Some(name.to_owned()), template(name)];
        let files = names.into_iter().flatten();
        let mut files = files.flat_map(|one| self.in_unit_folders(&one));
        let links = WANTS.map(|end| format!("*{end}/{name}"));
        let wanted = |folder: &str| {
            links.iter().find_map(|link| {
                self.matching(&format!("{folder}/{link}")).unwrap_or_default().into_iter().next()
            })
        };
        files
            .find(|file| self.text(file).is_ok())
            .or_else(|| UNIT_FOLDERS.into_iter().find_map(wanted))
    }

    /// Returns the drop-ins of a unit, sorted by their names. Of several with one name, returns the one that systemd
    /// prefers.
    fn drop_ins(&self, name: &str) -> Vec<String> {
        let mut by_name: BTreeMap<String, String> = BTreeMap::new();
        for folder in drop_in_folders(name) {
            for place in self.in_unit_folders(&folder) {
                for file in self.matching(&format!("{place}/*.conf")).unwrap_or_default() {
                    let name = file.rsplit('/').next().unwrap_or_default().to_owned();
                    by_name.entry(name).or_insert(file);
                }
            }
        }
        by_name.into_values().collect()
    }

    /// Returns the paths of the entries with this name in systemd's folders of units, in the order of precedence. An
    /// unreadable folder counts as one that has the entry.
    fn in_unit_folders(&self, name: &str) -> Vec<String> {
        // Each folder is listed once: a host has hundreds of units, and each may have drop-ins in many folders.
        let read = || UNIT_FOLDERS.map(|folder| self.tree.names(folder).ok()).into();
        let names = self.unit_names.get_or_init(read);
        let has = |names: &Option<Vec<String>>| {
            names.as_ref().is_none_or(|all| all.iter().any(|one| one == name))
        };
        let folders = UNIT_FOLDERS.iter().zip(names).filter(|(_, names)| has(names));
        folders.map(|(folder, _)| format!("{folder}/{name}")).collect()
    }
}

/// Returns the name of the template of an instance: `sshd@.service` for `sshd@red.service`. `None` if the unit is no
/// instance.
fn template(name: &str) -> Option<String> {
    let (stem, suffix) = name.rsplit_once('.')?;
    let (template, instance) = stem.split_once('@')?;
    (!instance.is_empty()).then(|| format!("{template}@.{suffix}"))
}

/// Returns the name of an instance, the text between `@` and the suffix; an empty text if the unit is no instance.
pub(super) fn instance_name(name: &str) -> &str {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    stem.split_once('@').map_or("", |(_, instance)| instance)
}

/// Returns the names of the folders with drop-ins of a unit, beginning with those that systemd prefers: for its own
/// name, for its template, for the parts of its name up to a hyphen, and for all units of its kind.
fn drop_in_folders(name: &str) -> Vec<String> {
    let (stem, suffix) = name.rsplit_once('.').unwrap_or((name, ""));
    let mut folders = vec![format!("{name}.d")];
    folders.extend(template(name).map(|one| format!("{one}.d")));
    let hyphens = stem.char_indices().rev().filter(|(_, letter)| *letter == '-');
    folders.extend(hyphens.filter_map(|(at, _)| Some(format!("{}.{suffix}.d", stem.get(..=at)?))));
    folders.push(format!("{suffix}.d"));
    folders
}

/// Returns the settings in the text of a unit or drop-in.
fn settings(text: &str, file: &str) -> Vec<UnitSetting> {
    let of = |(line, text): (usize, String)| {
        let (key, value) = text.split_once('=')?;
        Some(UnitSetting {
            key: key.trim().to_owned(),
            value: value.trim().to_owned(),
            place: LinePlace { file: file.to_owned(), line },
        })
    };
    joined(text).into_iter().filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_units() {
        assert_eq!(template("sshd@red.service").as_deref(), Some("sshd@.service"));
        assert_eq!(template("sshd@.service"), None);
        assert_eq!(template("ssh.service"), None);
        assert_eq!(instance_name("sshd@red.service"), "red");
        assert_eq!(instance_name("ssh.service"), "");
        assert_eq!(
            drop_in_folders("a-b-c@x.service"),
            [
                "a-b-c@x.service.d",
                "a-b-c@.service.d",
                "a-b-.service.d",
                "a-.service.d",
                "service.d"
            ]
        );
    }

    #[test]
    fn lines_are_joined_over_comments() {
        let text = "a=1 \\\n# no\n  2\n; no\nb=\n";
        assert_eq!(joined(text), [(1, "a=1    2".to_owned()), (5, "b=".to_owned())]);
        let of: Vec<_> = settings(text, "/x").into_iter().map(|one| (one.key, one.value)).collect();
        assert_eq!(of, [("a".into(), "1    2".into()), ("b".into(), String::new())]);
    }
}
