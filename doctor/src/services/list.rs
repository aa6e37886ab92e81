//! Lists the PAM services of the machine.
use std::collections::BTreeSet;

use crate::machine::ExaminedMachine;
use crate::pam::line::{LineReader, field, lines};
use crate::pam::load::{FOLDERS, SINGLE_FILE, UnreadableError};
use crate::pam::stack::{Facility, Service};
use crate::services::catalogue;
use crate::sshd::config::Patterns;

/// Names of the files in libpam's folders of services.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ServiceNames {
    /// Sorted names of services that a program can call.
    pub services: Vec<String>,
    /// Sorted names of old copies of PAM files. No program calls a service with such a name.
    pub copies: Vec<String>,
}

/// Ends of the names that package managers and editors give to copies of files.
const COPIES: [&str; 11] = [
    "~", ".bak", ".old", ".orig", ".rpmnew", ".rpmsave", ".rpmorig", ".pacnew", ".pacsave", ".swp",
    ".save",
];

/// Returns the names of the files in libpam's folders of services, each name once. If there is no such folder, returns
/// the services of /etc/pam.conf.
///
/// # Errors
/// [`UnreadableError`] if a folder cannot be listed.
pub fn names(machine: &dyn Patterns) -> Result<ServiceNames, UnreadableError> {
    let folders = machine.pam_folders();
    if !folders.iter().any(|folder| machine.is_folder(folder)) {
        let services =
            single_file(&machine.text(SINGLE_FILE).unwrap_or_default(), machine.line_reader());
        return Ok(ServiceNames { services, copies: Vec::new() });
    }
    let mut names = BTreeSet::new();
    for folder in folders {
        let paths = machine.matching(&format!("{folder}/*"))?;
        let files = paths.iter().filter(|path| !machine.is_folder(path));
        names.extend(files.filter_map(|path| path.rsplit('/').next().map(str::to_owned)));
    }
    let (copies, services) = names.into_iter().partition(|name| is_copy(name));
    Ok(ServiceNames { services, copies })
}

/// Returns the names of the services in the text of /etc/pam.conf, in lower case, each once.
fn single_file(text: &str, reader: LineReader) -> Vec<String> {
    let lines = lines(text, reader).complete;
    let names = lines.iter().filter_map(|line| field(&line.text).map(|(name, _)| name));
    let names: BTreeSet<String> = names.map(|name| name.to_ascii_lowercase()).collect();
    names.into_iter().collect()
}

/// Returns the names of the services, other than sshd, through which a person can get the rights of root here: a program
/// that calls the service is installed. A service that only some versions of its program call is left out if it has no
/// PAM file.
///
/// # Errors
/// [`UnreadableError`] if a folder cannot be listed.
pub fn root_doors(machine: &ExaminedMachine) -> Result<Vec<String>, UnreadableError> {
    let listed = names(machine)?.services;
    let is_installed = |name: &str| {
        let programs = catalogue::find(name).map_or([].as_slice(), |door| door.programs);
        programs.iter().any(|program| machine.has_program(program))
    };
    let is_called = |name: &str| {
        listed.iter().any(|one| one == name)
            || catalogue::called_without_file().any(|one| one == name)
    };
    let doors = catalogue::root_doors().filter(|name| is_called(name) && is_installed(name));
    Ok(doors.map(str::to_owned).collect())
}

/// Reports whether a file with this name is a copy that libpam never reads. A name with a capital letter also counts as
/// a copy, because libpam looks up names in lower case.
fn is_copy(name: &str) -> bool {
    let left = [".dpkg-", ".ucf-"].iter().any(|part| name.contains(part));
    left || COPIES.iter().any(|end| name.ends_with(end)) || name != name.to_ascii_lowercase()
}

/// Returns the paths of the files that the service includes.
pub fn included(service: &Service) -> impl Iterator<Item = &str> {
    let all = [Facility::Auth, Facility::Account, Facility::Session, Facility::Password];
    let lines = all.into_iter().flat_map(|facility| service.lines(facility));
    let files = lines.map(|line| line.place.file.as_str());
    files.filter(|file| Some(*file) != service.file.as_deref())
}

/// Reports whether the file `name` is only a part of services: one of them includes it, and no known program calls a
/// service with this name. `included` are the paths of all included files.
#[must_use]
pub fn is_part(name: &str, included: &BTreeSet<String>) -> bool {
    let here = |folder: &&str| included.contains(&format!("{folder}/{name}"));
    catalogue::find(name).is_none() && name != "other" && FOLDERS.iter().any(here)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_no_services() {
        for name in ["sudo.dpkg-old", "su~", "sshd.rpmsave", "common-auth.bak", "Sudo"] {
            assert!(is_copy(name), "{name}");
        }
        for name in ["sudo", "polkit-1", "gdm-password", "old", "vsftpd.virtual"] {
            assert!(!is_copy(name), "{name}");
        }
    }

    #[test]
    fn a_single_file_names_its_services() {
        let text = "# all\nsudo auth required pam_unix.so\nSu auth required \\\n pam_unix.so\nsudo account required pam_unix.so\n";
        assert_eq!(single_file(text, LineReader::Buffer), ["su", "sudo"]);
    }

    #[test]
    fn a_known_service_is_no_part_although_others_include_it() {
        let included =
            ["/etc/pam.d/su", "/etc/pam.d/common-auth"].into_iter().map(str::to_owned).collect();
        assert!(is_part("common-auth", &included));
        assert!(!is_part("su", &included));
        assert!(!is_part("house", &included));
    }
}
