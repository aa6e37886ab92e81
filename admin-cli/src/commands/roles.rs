//! `twinlock roles`: writes, checks and shows the roles file, which lets members of a group help other users.

mod check;
mod init;
mod show;

use std::fmt::Write;

use rustix::process::geteuid;
use serde_json::Value;
use twinlock_core::{
    base::account::{Account, Membership},
    policy::{
        role_decision::Memberships,
        roles::{Approval, Role, RoleVerb, Roles},
        settings::SettingsError,
    },
};
use twinlock_host::{
    accounts::Nss,
    settings::roles_file::{ROLES, RolesReadError},
    trusted_dir::Owner,
};

use crate::{
    cli::{Command, RolesVerb},
    error::{
        exit::{CliError, Exit},
        settings_errors,
    },
    text::{Notation, WIDTH, harmless, plain, wrap},
};

const OWNER: Owner = Owner(0);

/// Runs a subcommand of `roles`. None of them needs the settings.
pub(crate) fn run(command: &Command, wanted: &RolesVerb) -> Result<(), CliError> {
    if !geteuid().is_root() {
        let what = "only root may see and change roles";
        return Err(CliError::new(Exit::NotAllowed, what, "Ask your administrator."));
    }
    let printed = match wanted {
        RolesVerb::Init => init::run()?,
        RolesVerb::Check { file } => check::run(file.as_deref())?,
        RolesVerb::Show => show::run()?,
    };
    printed.print(command.json)
}

/// Returns the error for `requests` or `approve` by root: only members of a role may run them, and root can run the
/// operation itself.
pub(crate) fn root_needs_no_approval() -> CliError {
    CliError::new(
        Exit::NotAllowed,
        "only members of a role approve requests, never root",
        "Root runs the verb itself, such as twinlock reset USER.",
    )
}

/// What a subcommand of `roles` prints: sentences, or with `--json` an object for a script.
struct Printed {
    text: String,
    object: Value,
}

impl Printed {
    fn print(&self, json: bool) -> Result<(), CliError> {
        let (text, notation) = if json {
            (self.object.to_string(), Notation::Json)
        } else {
            (self.text.clone(), Notation::Text)
        };
        let text = format!("{}\n", text.trim_end());
        let text = harmless(&text, notation);
        std::io::Write::write_all(&mut std::io::stdout(), text.as_bytes()).or_else(|error| {
            // The reader of the output, such as head(1), has closed the pipe.
            if error.kind() == std::io::ErrorKind::BrokenPipe {
                return Ok(());
            }
            let what = format!("standard output cannot be written ({error})");
            Err(CliError::new(Exit::Refused, what, "Send it to a file on a disk that has room."))
        })
    }
}

/// Returns the error for a roles file that cannot be used.
fn unusable(path: &str, error: &RolesReadError) -> CliError {
    let (what, remedy) = match error {
        RolesReadError::File(fault) => (
            settings_errors::of_file(path, *fault),
            "Only root may be able to write to it. To begin: twinlock roles init".to_owned(),
        ),
        RolesReadError::Folder(folder) => settings_errors::of_folder(path, folder),
        RolesReadError::Mistake(mistake) => return wrong(path, mistake),
    };
    CliError::new(Exit::Usage, format!("{what}; every role is refused"), remedy)
}

/// Returns the error for a mistake in a roles file.
fn wrong(path: &str, mistake: &SettingsError) -> CliError {
    let (what, remedy) = settings_errors::explain(path, mistake);
    let what = if path == ROLES { format!("{what}; every role is refused") } else { what };
    CliError::new(Exit::Usage, what, remedy)
}

/// Returns whether NSS knows a group.
fn is_known(group: &str) -> bool {
    let nobody =
        Account { name: "-".into(), uid: u32::MAX, gid: u32::MAX, full_name: String::new() };
    let found = Memberships::of(&Nss::default(), &nobody, group);
    matches!(found, Ok(Membership::Member | Membership::Outside))
}

/// Returns the groups of a roles file that NSS does not know. Every role is refused while there is such a group.
fn unknown_groups(roles: &Roles) -> Vec<String> {
    let mut unknown: Vec<String> = Vec::new();
    for group in roles.groups().filter(|group| !is_known(group)) {
        if !unknown.iter().any(|known| known == group) {
            unknown.push(group.to_owned());
        }
    }
    unknown
}

/// Checks that NSS knows each group that the roles file `path` names.
fn groups_must_be_known(path: &str, roles: &Roles) -> Result<(), CliError> {
    let unknown = unknown_groups(roles);
    if unknown.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = unknown.iter().map(|group| plain(group)).collect();
    let what = format!("{}: there is no group {}", plain(path), names.join(", "));
    let remedy = "Remove it from the file, or create it (groupadd). One unknown group refuses every role, because it may be the one that protects a user.";
    Err(CliError::new(Exit::Usage, what, remedy))
}

/// Describes a role in a paragraph.
fn described(role: &Role) -> String {
    let verbs: Vec<&str> = role.verbs.iter().map(|verb| verb.word()).collect();
    let mut text = format!(
        "{}: members of {} may run {} for members of {}, {} times a day",
        plain(&role.name),
        plain(&role.group),
        verbs.join(", "),
        plain(&role.over),
        role.per_day
    );
    if role.approval == Approval::Another {
        text.push_str(", if another member approves");
    }
    text.push('.');
    if role.verbs.contains(&RoleVerb::Bypass) {
        let life = twinlock_core::text::duration(role.bypass_for);
        let _ = write!(text, " Bypass codes work for {life}.");
    }
    if let Some(address) = &role.notify {
        let _ = write!(text, " {} is told.", address.as_str());
    }
    wrap(&text, WIDTH, 2)
}

fn of_role(role: &Role) -> Value {
    let verbs: Vec<&str> = role.verbs.iter().map(|verb| verb.word()).collect();
    let members = if role.approval == Approval::Another { 2 } else { 1 };
    serde_json::json!({
        "name": role.name, "group": role.group, "over": role.over, "verbs": verbs,
        "approve": members, "per_day": role.per_day, "bypass_for": role.bypass_for,
        "notify": role.notify.as_ref().map(|address| address.as_str()),
    })
}
