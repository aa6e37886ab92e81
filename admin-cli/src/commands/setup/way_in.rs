//! Names the PAM services through which a login can confirm a change.

use twinlock_setup::wishes::{ServiceName, is_second, part_of};

/// Folder with the PAM files that setup writes.
const PAM: &str = "/etc/pam.d/";

/// Returns the PAM services of `service` that ask by a changed file. `changed` are the paths of the changed files. For
/// other names than `root`, these are all its PAM services.
pub(super) fn services<'a>(
    service: &ServiceName,
    changed: impl Iterator<Item = &'a str>,
) -> Vec<String> {
    let mut names = service.pam_services();
    if service.is_root() {
        let changed: Vec<&str> = changed.filter_map(|path| path.strip_prefix(PAM)).collect();
        names.retain(|name| changed.contains(&name.as_str()) || changed.contains(&part_of(name)));
    }
    names
}

/// Returns these PAM services as text for a message; for other names than `root`, the name.
pub(super) fn listed(service: &ServiceName, services: &[String]) -> String {
    if !service.is_root() {
        return service.as_str().to_owned();
    }
    match services.iter().filter(|name| !is_second(name)).collect::<Vec<_>>().as_slice() {
        [all @ .., last] if !all.is_empty() => {
            let all: Vec<&str> = all.iter().map(|name| name.as_str()).collect();
            format!("{} or {last}", all.join(", "))
        }
        all => all.first().map_or_else(String::new, |name| (*name).clone()),
    }
}
