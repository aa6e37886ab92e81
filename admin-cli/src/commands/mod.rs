//! The commands, one file a verb.

mod backup_codes;
mod bypass;
mod deliver;
mod devices;
pub mod doctor;
mod enroll;
mod epoch;
mod import_google;
mod import_oath;
mod import_uri;
mod imported;
mod invite;
mod key_text;
mod list;
mod manual;
mod own_codes;
mod remove;
mod reset;
mod settings_check;
mod settings_show;
mod show_key;
mod showing;
mod status;
mod take_over;
mod unlock;
mod verify;
mod why;

pub use key_text::complaint;

use crate::{
    desk::Desk,
    exit::Failure,
    verbs::{Command, Epoch, Import, Settings, Verb},
};

/// Runs a verb.
pub fn run(command: &Command) -> Result<(), Failure> {
    // What is needed to mend settings, or has nothing to do with any, works without them.
    match &command.verb {
        Verb::Settings(Settings::Check { file }) => {
            return settings_check::run(command, file.as_deref());
        }
        Verb::Completions { shell } => return manual::completions(*shell),
        Verb::Man => return manual::man(),
        _ => {}
    }
    let desk = Desk::open(command)?;
    match &command.verb {
        Verb::Enroll(wanted) => enroll::run(&desk, wanted),
        Verb::Import(Import::Uri { user }) => import_uri::run(&desk, user),
        Verb::Import(Import::Google(wanted)) => import_google::run(&desk, wanted),
        Verb::Import(Import::Oath(wanted)) => import_oath::run(&desk, wanted),
        Verb::Status { user } => status::run(&desk, user.as_deref()),
        Verb::List => list::run(&desk),
        Verb::Verify { user } => verify::run(&desk, user),
        Verb::Invite(wanted) => invite::run(&desk, wanted),
        Verb::Reset(wanted) => reset::run(&desk, wanted),
        Verb::BackupCodes(wanted) => backup_codes::run(&desk, wanted),
        Verb::ShowKey(wanted) => show_key::run(&desk, wanted),
        Verb::Bypass(wanted) => bypass::run(&desk, wanted),
        Verb::Unlock { user, reason } => unlock::run(&desk, user, reason.as_deref()),
        Verb::Devices { user } => devices::list(&desk, user),
        Verb::Forget(wanted) => devices::forget(&desk, wanted),
        Verb::Why { user } => why::run(&desk, user),
        Verb::Remove(wanted) => remove::run(&desk, wanted),
        Verb::Settings(Settings::Show) => settings_show::run(&desk),
        Verb::Epoch(Epoch::Ensure) => epoch::ensure(&desk),
        Verb::Epoch(Epoch::Now) => epoch::now(&desk),
        Verb::Epoch(Epoch::Show) => epoch::show(&desk),
        Verb::Deliver { patience } => deliver::run(&desk, *patience),
        // Answered without a desk, before this.
        Verb::Settings(Settings::Check { .. })
        | Verb::Doctor(_)
        | Verb::Completions { .. }
        | Verb::Man => Ok(()),
    }
}
