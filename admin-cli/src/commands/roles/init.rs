//! `twinlock roles init`: writes a new roles file, which protects the powerful groups of this host and has no role yet.

use std::{convert::Infallible, fs};

use serde_json::json;
use twinlock_core::{
    base::error::FileError,
    policy::{
        roles::{ROLES_MAX, Roles},
        settings::rules::quoted,
    },
};
use twinlock_host::settings::{
    roles_file::{ROLES, RolesReadError},
    swap_file::{SwapContent, SwapError, SwapFile},
};

use crate::{
    commands::roles::{OWNER, Printed, is_known, unusable},
    error::exit::{CliError, Exit},
    text::{WIDTH, wrap},
};

/// Groups whose members can become root or read what only root may read, on one distribution or another.
const POWERFUL: [&str; 19] = [
    "root",
    "wheel",
    "sudo",
    "admin",
    "adm",
    "disk",
    "kmem",
    "shadow",
    "staff",
    "backup",
    "operator",
    "docker",
    "podman",
    "lxd",
    "incus-admin",
    "libvirt",
    "microk8s",
    "ssl-cert",
    "systemd-journal",
];
const SUDOERS: &str = "/etc/sudoers";
const SUDOERS_FOLDER: &str = "/etc/sudoers.d";
const HEAD: &str = "\
# Who may help other users with twinlock, without being root: roles.toml(5).
# After a change: twinlock roles check

# No role reaches members of these groups. Each group must exist.
";
const EXAMPLE: &str = "
# [[role]]
# name = \"help-desk\"
# group = \"helpdesk\"                          # who has the role
# over = \"people\"                             # for whom
# verbs = [\"status\", \"why\", \"unlock\", \"reset\", \"bypass\"]
# approve = 2                                 # a second member must agree
# per_day = 10                                # for each member
# bypass_for = \"1h\"
# notify = \"security@example.org\"
";

/// Writes a new roles file, unless there already is one.
pub(super) fn run() -> Result<Printed, CliError> {
    let mut groups: Vec<String> = POWERFUL.map(str::to_owned).to_vec();
    groups.extend(of_sudoers().into_iter().filter(|group| !POWERFUL.contains(&group.as_str())));
    groups.retain(|group| is_known(group));
    groups.dedup();
    let quoted: Vec<String> = groups.iter().map(|group| quoted(group)).collect();
    let text = format!("{HEAD}protected = [{}]\n{EXAMPLE}", quoted.join(", "));
    // The text is parsed before it is written, because a group name from sudoers may make it invalid.
    Roles::read(&text).map_err(|error| unusable(ROLES, &RolesReadError::Mistake(error)))?;
    write(&text)?;
    let said = format!(
        "{ROLES} was written. It protects {}, and has no role yet. Edit it, then: twinlock roles check",
        groups.join(", ")
    );
    Ok(Printed {
        text: wrap(&said, WIDTH, 0),
        object: json!({ "file": ROLES, "protected": groups }),
    })
}

fn write(text: &str) -> Result<(), CliError> {
    let exists = || {
        let what = format!("{ROLES} exists, and is kept");
        CliError::new(Exit::NotInState, what, "Edit it, then: twinlock roles check")
    };
    if fs::symlink_metadata(ROLES).is_ok() {
        return Err(exists());
    }
    let file = SwapFile::open(ROLES, ROLES_MAX, OWNER)
        .map_err(|folder| unusable(ROLES, &RolesReadError::Folder(folder)))?;
    let content = SwapContent { bytes: text.as_bytes().to_vec(), mode: 0o644 };
    let mut decide = |before: &[u8]| -> Result<Option<SwapContent>, Infallible> {
        Ok(before.is_empty().then(|| content.clone()))
    };
    match file.change(&mut decide) {
        Ok(true) => Ok(()),
        Ok(false) => Err(exists()),
        Err(SwapError::Store(fault)) => Err(failed(fault)),
        Err(SwapError::Busy) => Err(failed(FileError::Io { errno: 0 })),
        Err(SwapError::Declined(never)) => match never {},
    }
}

fn failed(fault: FileError) -> CliError {
    CliError::bare(format!("{ROLES} cannot be written: {fault}"), "Check the disk.".to_owned())
}

/// Returns the groups that occur in sudoers files.
fn of_sudoers() -> Vec<String> {
    let mut texts: Vec<String> = fs::read_to_string(SUDOERS).into_iter().collect();
    for entry in fs::read_dir(SUDOERS_FOLDER).into_iter().flatten().flatten() {
        texts.extend(fs::read_to_string(entry.path()));
    }
    texts.iter().flat_map(|text| groups_of(text)).collect()
}

/// Returns the groups at the beginning of the lines of a sudoers(5) file: `%GROUP` or `%GROUP, %GROUP`. Names with
/// escapes and group ids are left out.
fn groups_of(text: &str) -> Vec<String> {
    let plain = |name: &&str| {
        !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    let lines = text.lines().map(str::trim).filter(|line| line.starts_with('%'));
    let words = lines.flat_map(|line| {
        line.split([',', ' ', '\t', '='])
            .take_while(|word| word.is_empty() || word.starts_with('%'))
    });
    words.filter_map(|word| word.strip_prefix('%')).filter(plain).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_of_sudoers_are_found() {
        let text = "# %no\nroot ALL=(ALL) ALL\n%sudo\tALL=(ALL:ALL) ALL\n  %ops, %dba ALL=(root) /bin/x\n\
                    %#1000 ALL=ALL\n%:ad ALL=ALL\n%\"domain admins\" ALL=ALL\nUser_Alias X = %y\n";
        assert_eq!(groups_of(text), ["sudo", "ops", "dba"]);
    }

    #[test]
    fn the_example_is_a_role() {
        let text = format!("protected = [\"root\"]\n{}", EXAMPLE.replace("\n# ", "\n"));
        assert_eq!(Roles::read(&text).unwrap().roles.len(), 1);
    }
}
