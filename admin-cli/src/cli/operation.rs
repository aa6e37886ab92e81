//! Maps each subcommand to its operation in twinlock-core's permission table.

use twinlock_core::authorization::Operation;
use twinlock_doctor::Examined;

use crate::cli::{
    EpochVerb, FleetVerb, Grounds, How, Import, PrivilegedArgs, RolesVerb, SettingsVerb, Setup,
    SetupVerb, Verb,
};

impl Verb {
    /// Returns the operation of the subcommand in the permission table. There is no wildcard arm, so that a new
    /// subcommand without an operation does not compile.
    pub(crate) fn operation(&self) -> Operation {
        match self {
            Self::Enroll(wanted) if wanted.many.from.is_some() => Operation::EnrollList,
            Self::Enroll(_) => Operation::Enroll,
            Self::Import(import) => of_import(import),
            Self::Export(_) => Operation::Export,
            Self::Status { .. } => Operation::Status,
            Self::List(_) => Operation::List,
            Self::Verify { .. } => Operation::Verify,
            Self::Invite(wanted) if wanted.many.group.is_some() => Operation::InviteGroup,
            Self::Invite(_) => Operation::Invite,
            Self::Reset(_) => Operation::Reset,
            Self::BackupCodes(_) => Operation::BackupCodes,
            Self::Change(_) => Operation::Change,
            Self::ShowKey(_) => Operation::ShowKey,
            Self::Bypass(_) => Operation::Bypass,
            Self::Unlock(_) => Operation::Unlock,
            Self::Devices { .. } => Operation::Devices,
            Self::Forget(_) => Operation::Forget,
            Self::Why { .. } => Operation::Why,
            Self::Explain { .. } => Operation::Explain,
            Self::Remove(wanted) if wanted.authenticator.is_some() => {
                Operation::RemoveAuthenticator
            }
            Self::Remove(_) => Operation::Remove,
            Self::Settings(SettingsVerb::Check { .. }) => Operation::SettingsCheck,
            Self::Settings(SettingsVerb::Apply(_)) => Operation::SettingsApply,
            Self::Settings(SettingsVerb::Show) => Operation::SettingsShow,
            Self::Epoch(wanted) => of_epoch(wanted),
            Self::Doctor(wanted) if wanted.subject() == Examined::Ssh => Operation::DoctorSsh,
            Self::Doctor(_) => Operation::Doctor,
            Self::Setup(wanted) => of_setup(wanted),
            Self::Teardown(_) => Operation::Teardown,
            Self::Roles(wanted) => of_roles(wanted),
            Self::Requests => Operation::Requests,
            Self::Approve { .. } => Operation::Approve,
            Self::Fleet(wanted) => of_fleet(wanted),
            Self::Deliver { .. } => Operation::Deliver,
            Self::Completions { .. } => Operation::Completions,
            Self::Man => Operation::Man,
        }
    }

    /// Returns the user that the subcommand is about, as typed; `None` if it is about several users or the host.
    pub(crate) fn target(&self) -> Option<&str> {
        match self {
            Self::Enroll(wanted) => wanted.user.as_deref(),
            Self::Import(Import::Uri { user, .. } | Import::Migration { user, .. }) => Some(user),
            Self::Import(Import::Record { user, .. }) => user.as_deref(),
            Self::Import(Import::Qr(wanted)) => Some(wanted.user()),
            Self::Import(Import::Google(wanted)) => only(&wanted.users),
            Self::Import(Import::Oath(wanted)) => only(&wanted.users),
            Self::Export(wanted) => Some(&wanted.user),
            Self::Verify { user, .. } | Self::Devices { user } | Self::Why { user } => Some(user),
            Self::Invite(wanted) => wanted.user.as_deref(),
            Self::Reset(wanted) => Some(&wanted.user),
            Self::BackupCodes(wanted) => Some(&wanted.user),
            Self::Change(wanted) => Some(&wanted.user),
            Self::ShowKey(wanted) => Some(&wanted.user),
            Self::Bypass(wanted) => Some(&wanted.user),
            Self::Unlock(wanted) => Some(&wanted.user),
            Self::Forget(wanted) => Some(&wanted.user),
            Self::Remove(wanted) => Some(&wanted.user),
            Self::Status { user } => user.as_deref(),
            Self::List(_)
            | Self::Explain { .. }
            | Self::Settings(_)
            | Self::Epoch(_)
            | Self::Doctor(_)
            | Self::Setup(_)
            | Self::Teardown(_)
            | Self::Roles(_)
            | Self::Requests
            | Self::Approve { .. }
            | Self::Fleet(_)
            | Self::Deliver { .. }
            | Self::Completions { .. }
            | Self::Man => None,
        }
    }

    /// Returns the options `--reason` and `--break-glass` of the subcommand. Both are unset if the subcommand does not
    /// have them.
    pub(crate) fn grounds(&self) -> Grounds {
        match self {
            Self::Enroll(wanted) => wanted.grounds.clone(),
            Self::Import(import) => grounds_of_import(import),
            Self::Export(wanted) => wanted.grounds.clone(),
            Self::Invite(wanted) => wanted.grounds.clone(),
            Self::Unlock(wanted) => wanted.grounds.clone(),
            Self::Verify { grounds, .. } => grounds.clone(),
            Self::Forget(wanted) => wanted.grounds.clone(),
            Self::Settings(SettingsVerb::Apply(wanted)) => wanted.grounds.clone(),
            Self::Epoch(EpochVerb::Now(grounds)) => grounds.clone(),
            Self::Setup(wanted) => wanted.grounds.clone(),
            Self::Teardown(wanted) => wanted.grounds.clone(),
            Self::Fleet(wanted) => grounds_of_fleet(wanted),
            Self::Reset(crate::cli::Reset { privileged, .. })
            | Self::BackupCodes(crate::cli::BackupCodesArgs { privileged, .. })
            | Self::ShowKey(crate::cli::ShowKey { privileged, .. })
            | Self::Bypass(crate::cli::BypassArgs { privileged, .. })
            | Self::Remove(crate::cli::Remove { privileged, .. }) => of_privileged(privileged),
            Self::Status { .. }
            | Self::List(_)
            | Self::Change(_)
            | Self::Devices { .. }
            | Self::Why { .. }
            | Self::Explain { .. }
            | Self::Settings(_)
            | Self::Epoch(EpochVerb::Ensure | EpochVerb::Show | EpochVerb::Sweep)
            | Self::Doctor(_)
            | Self::Roles(_)
            | Self::Requests
            | Self::Approve { .. }
            | Self::Deliver { .. }
            | Self::Completions { .. }
            | Self::Man => Grounds::default(),
        }
    }
}

fn of_import(import: &Import) -> Operation {
    match import {
        Import::Uri { .. } => Operation::ImportUri,
        Import::Migration { .. } => Operation::ImportMigration,
        Import::Record { .. } => Operation::ImportRecord,
        Import::Qr(_) => Operation::ImportQr,
        Import::Google(wanted) => of_files(wanted.how, &wanted.users),
        Import::Oath(wanted) => of_files(wanted.how, &wanted.users),
    }
}

fn of_setup(wanted: &Setup) -> Operation {
    match &wanted.verb {
        Some(SetupVerb::Confirm { .. }) => Operation::SetupConfirm,
        Some(SetupVerb::Undo { .. }) => Operation::SetupUndo,
        None if wanted.preview.is_asked() => Operation::SetupPreview,
        None => Operation::Setup,
    }
}

fn of_epoch(wanted: &EpochVerb) -> Operation {
    match wanted {
        EpochVerb::Ensure => Operation::EpochEnsure,
        EpochVerb::Sweep => Operation::EpochSweep,
        EpochVerb::Now(_) => Operation::EpochNow,
        EpochVerb::Show => Operation::EpochShow,
    }
}

fn of_roles(wanted: &RolesVerb) -> Operation {
    match wanted {
        RolesVerb::Init => Operation::RolesInit,
        RolesVerb::Check { .. } => Operation::RolesCheck,
        RolesVerb::Show => Operation::RolesShow,
    }
}

fn of_fleet(wanted: &FleetVerb) -> Operation {
    match wanted {
        FleetVerb::Init(wanted) if wanted.dry_run => Operation::FleetInitPreview,
        FleetVerb::Init(_) => Operation::FleetInit,
        FleetVerb::Join(wanted) if wanted.check => Operation::FleetJoinCheck,
        FleetVerb::Join(_) => Operation::FleetJoin,
        FleetVerb::Status => Operation::FleetStatus,
        FleetVerb::Leave(wanted) if wanted.stolen.is_some() => Operation::FleetLeaveStolen,
        FleetVerb::Leave(_) => Operation::FleetLeave,
        FleetVerb::Rotate(_) => Operation::FleetRotate,
        FleetVerb::Recover(_) => Operation::FleetRecover,
        FleetVerb::Rejoin(_) => Operation::FleetRejoin,
        FleetVerb::Throttle(_) => Operation::FleetThrottle,
        FleetVerb::Upgrade => Operation::FleetUpgrade,
        FleetVerb::EtcdConfig(_) => Operation::FleetEtcdConfig,
    }
}

fn grounds_of_import(import: &Import) -> Grounds {
    match import {
        Import::Uri { grounds, .. }
        | Import::Migration { grounds, .. }
        | Import::Record { grounds, .. } => grounds.clone(),
        Import::Qr(wanted) => wanted.grounds.clone(),
        Import::Google(wanted) => wanted.grounds.clone(),
        Import::Oath(wanted) => wanted.grounds.clone(),
    }
}

fn grounds_of_fleet(wanted: &FleetVerb) -> Grounds {
    match wanted {
        FleetVerb::Init(wanted) => wanted.grounds.clone(),
        FleetVerb::Join(wanted) => wanted.grounds.clone(),
        FleetVerb::Leave(wanted) => of_privileged(&wanted.privileged),
        FleetVerb::Rotate(wanted) => wanted.grounds.clone(),
        FleetVerb::Recover(wanted) | FleetVerb::Rejoin(wanted) => wanted.grounds.clone(),
        FleetVerb::Throttle(wanted) => wanted.grounds.clone(),
        FleetVerb::Status | FleetVerb::Upgrade | FleetVerb::EtcdConfig(_) => Grounds::default(),
    }
}

fn of_files(how: How, users: &[String]) -> Operation {
    match (how.dry_run, only(users)) {
        (true, _) => Operation::ImportPreview,
        (false, Some(_)) => Operation::ImportFile,
        (false, None) => Operation::ImportFiles,
    }
}

fn only(users: &[String]) -> Option<&str> {
    match users {
        [user] => Some(user),
        _ => None,
    }
}

fn of_privileged(privileged: &PrivilegedArgs) -> Grounds {
    privileged.grounds.clone()
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;
    use crate::cli::Command;

    /// Returns each subcommand as a list of its words, such as `import`, `uri`, without the command's own name.
    fn verbs() -> Vec<Vec<String>> {
        fn below(command: &clap::Command, words: &[String], found: &mut Vec<Vec<String>>) {
            let subs: Vec<_> =
                command.get_subcommands().filter(|sub| sub.get_name() != "help").collect();
            if subs.is_empty() {
                found.push(words.to_vec());
            }
            for sub in subs {
                let mut words = words.to_vec();
                words.push(sub.get_name().to_owned());
                below(sub, &words, found);
            }
        }
        let mut found = Vec::new();
        below(&Command::command(), &[], &mut found);
        found
    }

    fn parsed(words: &[String]) -> Option<Verb> {
        let tails: [&[&str]; 5] = [&[], &["ada"], &["bash"], &["ada", "--all"], &["ada", "qr.png"]];
        let tries = tails.iter().map(|tail| {
            let line = ["twinlock".to_owned()].into_iter().chain(words.iter().cloned());
            Command::try_parse_from(line.chain(tail.iter().map(|word| (*word).to_owned())))
        });
        tries.flatten().map(|command| command.verb).next()
    }

    #[test]
    fn every_verb_has_its_row() {
        let verbs = verbs();
        assert!(verbs.len() > 25, "{verbs:?}");
        for words in verbs {
            let verb = parsed(&words).unwrap_or_else(|| panic!("{words:?} cannot be parsed"));
            let row = verb.operation().permission();
            let words = words.join(" ");
            let files = ["import google", "import oath"].contains(&words.as_str());
            assert!(
                row.verb == words || files && row.verb.starts_with("import google|oath"),
                "{words}"
            );
        }
    }
}
