//! The commands, one file per verb.

mod backup_codes;
mod beside;
mod bypass;
mod candidates;
mod completion;
mod crowd;
mod deliver;
mod devices;
pub mod doctor;
mod enroll;
mod enroll_many;
mod epoch;
mod explain;
mod export;
mod first_codes;
mod import_google;
mod import_migration;
mod import_oath;
mod import_qr;
mod import_record;
mod import_text;
mod import_uri;
mod imported;
mod invite;
mod invite_group;
mod invite_plan;
mod key_text;
mod list;
mod manual;
mod own_codes;
mod own_key;
mod remove;
mod remove_authenticator;
mod reset;
mod settings_apply;
mod settings_check;
#[cfg(test)]
mod settings_documents;
mod settings_show;
mod show_key;
mod showing;
mod source_removal;
mod status;
mod take_over;
mod unlock;
mod verify;
mod why;

pub use candidates::Choice;
pub use key_text::complaint;
use twinlock_core::carry::Wanted;

use crate::{
    desk::Desk,
    exit::Failure,
    verbs::{Command, Epoch, Import, Settings, Verb},
};

/// Runs a verb. A failure is reported together with the state that it left.
pub fn run(command: &Command) -> Result<(), Failure> {
    let done = answered(command);
    if command.verb.changes() { done.map_err(Failure::unchanged) } else { done }
}

fn answered(command: &Command) -> Result<(), Failure> {
    // Verbs that repair settings, or need none, run without them.
    match &command.verb {
        Verb::Settings(Settings::Check { file }) => {
            return settings_check::run(command, file.as_deref());
        }
        Verb::Settings(Settings::Apply(wanted)) => return settings_apply::run(command, wanted),
        Verb::Completions { shell } => return completion::run(*shell),
        Verb::Man => return manual::man(),
        _ => {}
    }
    let desk = Desk::open(command)?;
    match &command.verb {
        Verb::Enroll(wanted) => match &wanted.many.from {
            Some(path) => enroll_many::run(&desk, path, wanted),
            None => enroll::run(&desk, wanted),
        },
        Verb::Import(import) => take_in(&desk, import),
        Verb::Export(wanted) => export::run(&desk, wanted),
        Verb::Status { user } => status::run(&desk, user.as_deref()),
        Verb::List(wanted) => list::run(&desk, wanted),
        Verb::Verify { user, .. } => verify::run(&desk, user),
        Verb::Invite(wanted) => match &wanted.many.group {
            Some(group) => invite_group::run(&desk, group, &wanted.many),
            None => invite::run(&desk, wanted),
        },
        Verb::Reset(wanted) => reset::run(&desk, wanted),
        Verb::Change(wanted) => own_key::run(&desk, wanted),
        Verb::BackupCodes(wanted) => backup_codes::run(&desk, wanted),
        Verb::ShowKey(wanted) => show_key::run(&desk, wanted),
        Verb::Bypass(wanted) => bypass::run(&desk, wanted),
        Verb::Unlock(wanted) => unlock::run(&desk, &wanted.user),
        Verb::Devices { user } => devices::list(&desk, user),
        Verb::Forget(wanted) => devices::forget(&desk, wanted),
        Verb::Why { user } => why::run(&desk, user),
        Verb::Explain { login, service } => explain::run(&desk, login, service),
        Verb::Remove(wanted) => match &wanted.authenticator {
            Some(name) => remove_authenticator::run(&desk, wanted, name),
            None => remove::run(&desk, wanted),
        },
        Verb::Settings(Settings::Show) => settings_show::run(&desk),
        Verb::Epoch(Epoch::Ensure) => epoch::ensure(&desk),
        Verb::Epoch(Epoch::Now(_)) => epoch::now(&desk),
        Verb::Epoch(Epoch::Show) => epoch::show(&desk),
        Verb::Epoch(Epoch::Sweep) => epoch::sweep(&desk),
        Verb::Deliver { patience } => {
            let done = deliver::run(&desk, *patience);
            done.map_err(|failure| failure.or("what was not sent waits, and goes next time"))
        }
        // Handled above, without a desk.
        Verb::Settings(Settings::Check { .. } | Settings::Apply(_))
        | Verb::Doctor(_)
        | Verb::Completions { .. }
        | Verb::Man => Ok(()),
    }
}

/// Runs the imports.
fn take_in(desk: &Desk, import: &Import) -> Result<(), Failure> {
    match import {
        Import::Uri { user, .. } => import_uri::run(desk, user),
        Import::Migration { user, name, index, .. } => {
            let choice = Choice { name: name.as_deref(), index: *index };
            import_migration::run(desk, user, choice)
        }
        Import::Qr(wanted) => import_qr::run(desk, wanted),
        Import::Record { user, older, .. } => {
            let wanted = if *older { Wanted::Any } else { Wanted::Newer };
            import_record::run(desk, user.as_deref(), wanted)
        }
        Import::Google(wanted) => import_google::run(desk, wanted),
        Import::Oath(wanted) => import_oath::run(desk, wanted),
    }
}
