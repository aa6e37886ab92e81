//! The commands of twinlock, one file for each verb (subcommand).
//!
//! May use: every folder of this crate.

mod backup_codes;
mod bypass;
mod change;
mod completion;
mod deliver;
mod devices;
pub(crate) mod doctor;
mod enroll;
mod enroll_many;
mod epoch;
mod explain;
mod export;
mod fleet;
mod invite;
mod invite_group;
mod list;
mod manual;
mod remove;
mod remove_authenticator;
mod reset;
mod roles;
mod settings;
mod setup;
mod show_key;
mod status;
mod unlock;
mod verify;
mod why;

use crate::cli::picture::Choice;
use twinlock_migrate::merge::Wanted;

use crate::{
    cli::{self, Command, EpochVerb, Import, SettingsVerb, SetupVerb, Verb},
    context::Context,
    error::exit::CliError,
    import,
};

/// Runs the subcommand of the command line. The error of a subcommand that can change something says what was changed.
pub(crate) fn run(command: &Command) -> Result<(), CliError> {
    let done = answered(command);
    if command.verb.changes() { done.map_err(CliError::unchanged) } else { done }
}

#[expect(clippy::too_many_lines, reason = "a table: one line for each verb")]
#[expect(clippy::wildcard_enum_match_arm, reason = "every other case is treated the same")]
fn answered(command: &Command) -> Result<(), CliError> {
    // Verbs that repair settings, or need none, run without them.
    match &command.verb {
        Verb::Settings(SettingsVerb::Check { file }) => {
            return settings::check::run(command, file.as_deref());
        }
        Verb::Settings(SettingsVerb::Apply(wanted)) => {
            return settings::apply::run(command, wanted);
        }
        // A broken settings file must not keep a change in force that locks people out.
        Verb::Setup(cli::Setup { verb: Some(SetupVerb::Undo { at_boot }), .. }) => {
            return setup::undo::run(command, *at_boot);
        }
        Verb::Roles(wanted) => return roles::run(command, wanted),
        Verb::Requests | Verb::Approve { .. } => return Err(roles::root_needs_no_approval()),
        Verb::Completions { shell } => return completion::run(*shell),
        Verb::Man => return manual::man(),
        _ => {}
    }
    let context = Context::open(command)?;
    context.say_fleet();
    match &command.verb {
        Verb::Enroll(wanted) => match &wanted.many.from {
            Some(path) => enroll_many::run(&context, path, wanted),
            None => enroll::run(&context, wanted),
        },
        Verb::Import(import) => take_in(&context, import),
        Verb::Export(wanted) => export::run(&context, wanted),
        Verb::Status { user } => status::run(&context, user.as_deref()),
        Verb::List(wanted) => list::run(&context, wanted),
        Verb::Verify { user, .. } => verify::run(&context, user),
        Verb::Invite(wanted) => match &wanted.many.group {
            Some(group) => invite_group::run(&context, group, &wanted.many),
            None => invite::run(&context, wanted),
        },
        Verb::Reset(wanted) => reset::run(&context, wanted),
        Verb::Change(wanted) => change::run(&context, wanted),
        Verb::BackupCodes(wanted) => backup_codes::run(&context, wanted),
        Verb::ShowKey(wanted) => show_key::run(&context, wanted),
        Verb::Bypass(wanted) => bypass::run(&context, wanted),
        Verb::Unlock(wanted) => unlock::run(&context, &wanted.user),
        Verb::Devices { user } => devices::list(&context, user),
        Verb::Forget(wanted) => devices::forget(&context, wanted),
        Verb::Why { user } => why::run(&context, user),
        Verb::Explain { login, service } => explain::run(&context, login, service),
        Verb::Remove(wanted) => match &wanted.authenticator {
            Some(name) => remove_authenticator::run(&context, wanted, name),
            None => remove::run(&context, wanted),
        },
        Verb::Settings(SettingsVerb::Show) => settings::show::run(&context),
        Verb::Epoch(EpochVerb::Ensure) => epoch::ensure(&context),
        Verb::Epoch(EpochVerb::Now(_)) => epoch::now(&context),
        Verb::Epoch(EpochVerb::Show) => epoch::show(&context),
        Verb::Epoch(EpochVerb::Sweep) => epoch::sweep(&context),
        Verb::Setup(wanted) => setup::run(&context, command, wanted),
        Verb::Teardown(wanted) => setup::teardown::run(&context, wanted),
        Verb::Fleet(wanted) => fleet::run(&context, wanted),
        Verb::Deliver { patience } => {
            let done = deliver::run(&context, *patience);
            done.map_err(|failure| failure.or("unsent mail stays queued until the next run"))
        }
        // These verbs need no `Context`: main.rs runs doctor, and the code above runs the others.
        Verb::Settings(SettingsVerb::Check { .. } | SettingsVerb::Apply(_))
        | Verb::Doctor(_)
        | Verb::Roles(_)
        | Verb::Requests
        | Verb::Approve { .. }
        | Verb::Completions { .. }
        | Verb::Man => Ok(()),
    }
}

/// Runs the subcommand `import` for the source that the command line names.
fn take_in(context: &Context, wanted: &Import) -> Result<(), CliError> {
    match wanted {
        Import::Uri { user, .. } => import::uri::run(context, user),
        Import::Migration { user, name, index, .. } => {
            let choice = Choice { name: name.as_deref(), index: *index };
            import::migration::run(context, user, choice)
        }
        Import::Qr(wanted) => import::qr::run(context, wanted),
        Import::Record { user, older, .. } => {
            let age = if *older { Wanted::Any } else { Wanted::Newer };
            import::record::run(context, user.as_deref(), age)
        }
        Import::Google(options) => import::google::run(context, options),
        Import::Oath(options) => import::oath::run(context, options),
    }
}
