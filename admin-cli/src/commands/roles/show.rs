//! `twinlock roles show`: prints the roles in force.

use serde_json::{Value, json};
use twinlock_host::settings::roles_file::{ROLES, read_roles};

use crate::{
    commands::roles::{OWNER, Printed, described, groups_must_be_known, of_role, unusable},
    error::exit::CliError,
    text::{WIDTH, plain, wrap},
};

/// Prints the roles, or why none is in force.
pub(super) fn run() -> Result<Printed, CliError> {
    let roles = read_roles(ROLES, OWNER).map_err(|error| unusable(ROLES, &error))?;
    groups_must_be_known(ROLES, &roles)?;
    let protected: Vec<String> = roles.protected.iter().map(|group| plain(group)).collect();
    let mut lines = vec![wrap(&format!("Protected: {}", protected.join(", ")), WIDTH, 2)];
    lines.extend(roles.roles.iter().map(described));
    if roles.roles.is_empty() {
        lines.push("There is no role.".into());
    }
    let of_roles: Vec<Value> = roles.roles.iter().map(of_role).collect();
    let object = json!({ "file": ROLES, "protected": roles.protected, "roles": of_roles });
    Ok(Printed { text: lines.join("\n"), object })
}
