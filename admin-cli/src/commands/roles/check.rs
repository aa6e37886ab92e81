//! `twinlock roles check [FILE]`: reports the first mistake of a roles file with its line. Changes nothing.

use std::{io::Read, path::Path};

use serde_json::json;
use twinlock_core::policy::roles::{ROLES_MAX, Roles};
use twinlock_host::{
    caller_file,
    settings::roles_file::{ROLES, RolesReadError, read_roles},
};

use crate::{
    commands::roles::{OWNER, Printed, groups_must_be_known, unusable, wrong},
    error::{
        caller_files::unreadable,
        exit::{CliError, Exit},
    },
    text::{WIDTH, count, plain, wrap},
};

const REMEDY: &str = "Name a roles file: twinlock roles check FILE";

/// Checks the roles file `file`. With `None`, checks the roles file in use.
pub(super) fn run(file: Option<&str>) -> Result<Printed, CliError> {
    let path = file.unwrap_or(ROLES);
    let roles = match file {
        None => read_roles(ROLES, OWNER).map_err(|error| unusable(ROLES, &error))?,
        Some(path) => named(path)?,
    };
    groups_must_be_known(path, &roles)?;
    let found = count(roles.roles.len(), "role");
    let text = wrap(&format!("{}: {found}, no mistake.", plain(path)), WIDTH, 0);
    Ok(Printed { text, object: json!({ "file": path, "roles": roles.roles.len() }) })
}

/// Reads and parses the roles file `path` with the rights of the invoking user, who has named it.
fn named(path: &str) -> Result<Roles, CliError> {
    let opened = caller_file::open(Path::new(path));
    let file = opened.map_err(|error| unreadable(path, &error, REMEDY))?;
    let mut text = String::new();
    let most = u64::try_from(ROLES_MAX).unwrap_or(u64::MAX);
    let read = file.take(most + 1).read_to_string(&mut text);
    read.map_err(|error| {
        let what = format!("{} cannot be read ({error})", plain(path));
        CliError::new(Exit::Usage, what, REMEDY)
    })?;
    if text.len() > ROLES_MAX {
        return Err(unusable(
            path,
            &RolesReadError::File(twinlock_core::base::error::FileError::TooLarge),
        ));
    }
    Roles::read(&text).map_err(|mistake| wrong(path, &mistake))
}
