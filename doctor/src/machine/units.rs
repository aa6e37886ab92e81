//! systemd's units: the folders that contain them, and which units are enabled.
use crate::machine::ExaminedMachine;
use crate::machine::unit_command::in_force;

/// Folders with units, in order of precedence.
pub(super) const UNIT_FOLDERS: [&str; 8] = [
    "/etc/systemd/system.control",
    "/run/systemd/transient",
    "/etc/systemd/system",
    "/run/systemd/system",
    "/run/systemd/generator",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];

/// Ends of the names of folders with links to the units that a unit wants.
pub(super) const WANTS: [&str; 3] = [".wants", ".requires", ".upholds"];

impl ExaminedMachine {
    /// Returns the names of the units that another unit wants or requires, as after `systemctl enable`.
    pub(super) fn enabled(&self) -> Vec<String> {
        let mut found = Vec::new();
        for folder in UNIT_FOLDERS {
            let mut targets = self.tree.names(folder).unwrap_or_default();
            targets.retain(|name| WANTS.iter().any(|end| name.ends_with(end)));
            for target in targets {
                found.extend(self.tree.names(&format!("{folder}/{target}")).unwrap_or_default());
            }
        }
        found.sort();
        found.dedup();
        found
    }

    /// Returns the names of the services that the unit `unit` starts: the services that its lines `Service` name, or
    /// else those that have its name.
    pub(super) fn services_of(&self, unit: &str) -> Vec<String> {
        let named = match unit.ends_with(".socket") {
            true => self.unit_settings(unit),
            false => Vec::new(),
        };
        let named = in_force(&named, "Service").into_iter().map(|one| one.value.clone());
        named.chain(services_of(unit)).collect()
    }
}

/// Returns the names of the services that the unit `unit` starts by its name: its own name if it is a service, or the
/// names of both services that a socket can start.
fn services_of(unit: &str) -> Vec<String> {
    match (unit.ends_with(".service"), unit.strip_suffix(".socket")) {
        (true, _) => vec![unit.to_owned()],
        (false, Some(stem)) => {
            let bare = stem.split_once('@').map_or(stem, |(template, _)| template);
            let of_instance = (bare != stem).then(|| format!("{stem}.service"));
            let usual = [format!("{bare}.service"), format!("{bare}@.service")];
            usual.into_iter().chain(of_instance).collect()
        }
        (false, None) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_of_units() {
        for (unit, expected) in [
            ("ssh.service", &["ssh.service"][..]),
            ("zone@red.service", &["zone@red.service"]),
            ("admin.socket", &["admin.service", "admin@.service"]),
            ("admin@red.socket", &["admin.service", "admin@.service", "admin@red.service"]),
            ("multi-user.target", &[]),
        ] {
            assert_eq!(services_of(unit), expected, "{unit}");
        }
    }
}
