//! systemd's units: the folders that contain them, and which units are enabled.
use crate::machine::ExaminedMachine;

/// Folders with units, in order of precedence.
pub(super) const UNIT_FOLDERS: [&str; 4] = [
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];

impl ExaminedMachine {
    /// Returns the names of the units that another unit wants or requires, as after `systemctl enable`.
    pub(super) fn enabled(&self) -> Vec<String> {
        let mut found = Vec::new();
        for folder in UNIT_FOLDERS {
            let mut targets = self.tree.names(folder).unwrap_or_default();
            targets.retain(|name| name.ends_with(".wants") || name.ends_with(".requires"));
            for target in targets {
                found.extend(self.tree.names(&format!("{folder}/{target}")).unwrap_or_default());
            }
        }
        found.sort();
        found.dedup();
        found
    }
}

/// Returns the names of the service files that the unit `unit` starts: its own name if it is a service, or the names of
/// both services that a socket can start. The instances of a template, such as `sshd@1.service`, all have the file of
/// the template.
pub(super) fn services_of(unit: &str) -> Vec<String> {
    let stem = |suffix: &str| {
        let stem = unit.strip_suffix(suffix)?;
        Some(stem.split_once('@').map_or(stem.to_owned(), |(template, _)| format!("{template}@")))
    };
    match (stem(".service"), stem(".socket")) {
        (Some(stem), _) => vec![format!("{stem}.service")],
        (None, Some(stem)) => {
            let bare = stem.trim_end_matches('@');
            vec![format!("{bare}.service"), format!("{bare}@.service")]
        }
        (None, None) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_of_units() {
        for (unit, expected) in [
            ("ssh.service", &["ssh.service"][..]),
            ("zone@red.service", &["zone@.service"]),
            ("admin.socket", &["admin.service", "admin@.service"]),
            ("admin@red.socket", &["admin.service", "admin@.service"]),
            ("multi-user.target", &[]),
        ] {
            assert_eq!(services_of(unit), expected, "{unit}");
        }
    }
}
