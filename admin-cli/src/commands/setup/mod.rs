//! `twinlock setup` and `twinlock teardown`: change the files of a service, try logins with them, and restore the old
//! files if nobody confirms the change.

mod agree;
mod apply;
mod confirm;
mod decisions;
mod future_rules;
mod judge;
mod matched;
mod parts;
mod people;
mod preview;
mod prove;
mod reload;
mod robots;
mod sudo_time;
pub(crate) mod teardown;
pub(crate) mod undo;
mod units;
mod waiting;
mod way_in;

use std::path::PathBuf;

use twinlock_doctor::{machine::ExaminedMachine, services::list};
use twinlock_setup::{
    plan::{FileChange, PlanError},
    scope::{Scope, ScopeOptions},
    wishes::{ServiceName, Wishes, With},
};

use crate::{
    cli::{Command, Setup, SetupVerb},
    context::Context,
    error::exit::{CliError, Exit},
    text::plain,
};

/// Sets up a service, shows what would be changed, or confirms a change, as the arguments say.
pub(crate) fn run(context: &Context, command: &Command, wanted: &Setup) -> Result<(), CliError> {
    context.need_root("set up services")?;
    must_be_usual_settings(command)?;
    match &wanted.verb {
        Some(SetupVerb::Confirm { word }) => confirm::run(context, word),
        // `commands::run` has run this verb already, because it needs no settings.
        Some(SetupVerb::Undo { .. }) => Ok(()),
        None => {
            let wishes = wishes(wanted)?;
            match wanted.preview.is_asked() {
                true => preview::run(context, &wishes, &wanted.preview),
                false => apply::run(context, &wishes, wanted),
            }
        }
    }
}

fn wishes(wanted: &Setup) -> Result<Wishes, CliError> {
    let with = wanted.with.as_deref().and_then(With::of);
    let with = with.ok_or_else(|| {
        CliError::new(Exit::Usage, "--with is missing", "Write: --with publickey")
    })?;
    let service = service(wanted.service.as_deref().unwrap_or_default())?;
    let service = match service.is_root() {
        false => service,
        true => {
            service.with_doors(list::root_doors(&host()).map_err(|error| no_plan(&error.into()))?)
        }
    };
    if wanted.timestamp_timeout.is_some() && !service.pam_services().iter().any(|one| one == "sudo")
    {
        return Err(CliError::new(
            Exit::Usage,
            "--timestamp-timeout is for sudo and root",
            "Leave out --timestamp-timeout.",
        ));
    }
    let options = ScopeOptions {
        group: wanted.exceptions.group.as_deref(),
        networks: &wanted.exceptions.network,
        robots: &wanted.exceptions.robot,
        reminds: wanted.not_enrolled.as_deref() == Some("remind"),
    };
    let scope = Scope::of(&options).map_err(|error| {
        CliError::new(Exit::Usage, plain(&error.to_string()), plain(&error.remedy()))
    })?;
    Ok(Wishes { service, with, scope, sudo_minutes: wanted.timestamp_timeout })
}

/// Returns the service with this name on the command line.
fn service(name: &str) -> Result<ServiceName, CliError> {
    ServiceName::of(name).ok_or_else(|| {
        CliError::new(
            Exit::Usage,
            format!("{} is no service that can be set up", plain(name)),
            "Give ssh, root, or the name of a file in /etc/pam.d, such as sudo or su.",
        )
    })
}

/// Refuses `--config`. Doctor's verdict on the new files depends on the settings, and logins use the default settings
/// file.
fn must_be_usual_settings(command: &Command) -> Result<(), CliError> {
    match &command.config {
        None => Ok(()),
        Some(_) => Err(CliError::new(
            Exit::Usage,
            "setup and teardown use the settings in /etc/twinlock",
            "Leave out --config.",
        )),
    }
}

/// Returns this host with its present files.
fn host() -> ExaminedMachine {
    ExaminedMachine::new(PathBuf::from("/"), None)
}

/// Returns this host as it would be with the changes.
fn future(changes: &[FileChange]) -> ExaminedMachine {
    host().with_candidates(changes.iter().map(FileChange::candidate).collect())
}

/// Returns the error for a service whose files setup cannot change.
fn no_plan(error: &PlanError) -> CliError {
    let what = format!("{}; nothing was changed", plain(&error.to_string()));
    CliError::new(Exit::NotInState, what, error.remedy())
}
