//! Checks files that are not in force, with the rights of the invoking user.

use std::{
    io::{Error, ErrorKind},
    path::Path,
};

use twinlock_core::policy::settings::{self as form, SETTINGS_MAX, rules as rules_form};
use twinlock_doctor::{
    Examined,
    finding::{Finding, Level},
    machine::{Candidate, ExaminedMachine},
    pam::load::Files,
    settings::DoctorSettings,
};
use twinlock_host::{
    caller_file::{self, CallerFileError},
    clock::KernelClock,
    invoking_user::{InvokingUser, run_as},
    settings::{self, RULES, SettingsReadError},
};

use crate::{
    commands::doctor::{
        DoctorRequest, Report, effects,
        lenient::{self, Written},
        of_host, refusing_settings,
    },
    context::ChosenSettings,
    error::{
        caller_files::unreadable,
        exit::{CliError, Exit},
    },
};

/// Maximum size in bytes of a file that is checked.
const SIZE_MAX: usize = 1 << 20;
/// Paths of the files in whose place doctor reads the file that `--pam` or `--sshd-config` names.
const PAM: &str = "/etc/pam.d/sshd";
const SSHD: &str = "/etc/ssh/sshd_config";

/// Checks the files that the arguments name. They are read, and sshd is run, with the rights of the invoking user, so
/// that the report quotes nothing that this user may not read.
///
/// # Errors
/// [`CliError`] if one of these files cannot be used, or if the invoking user cannot be determined.
pub(super) fn examine(request: &DoctorRequest<'_>) -> Result<Report, CliError> {
    let arguments = request.arguments;
    let is_ssh = arguments.subject() == Examined::Ssh;
    if !is_ssh && (arguments.pam.is_some() || arguments.sshd_config.is_some()) {
        return Err(CliError::new(
            Exit::Usage,
            "--pam and --sshd-config check files of sshd",
            "Write: twinlock doctor ssh --pam FILE",
        ));
    }
    let named = [(PAM, &arguments.pam), (SSHD, &arguments.sshd_config)];
    let named = named.into_iter().filter_map(|(place, name)| Some((place, name.as_deref()?)));
    let candidates = named.map(|(place, name)| open(place, name)).collect::<Result<Vec<_>, _>>()?;
    let user = InvokingUser::find();
    let user =
        user.map_err(|error| refused(&arguments.root, &CallerFileError::InvokingUser(error)))?;
    let is_here = arguments.root == Path::new("/");
    // The settings of this host are read with the rights of this process, as for a report without candidates.
    let settings = is_here.then(|| of_host(request.chosen));
    let done = run_as(user.as_ref(), || {
        std::fs::read_dir(&arguments.root)
            .map_err(|error| refused(&arguments.root, &error.into()))?;
        let tree = || of_tree(&ExaminedMachine::new(arguments.root.clone(), None), settings::PATH);
        Ok(request.examine(&settings.unwrap_or_else(tree), candidates))
    });
    done.map_err(|errno| refused(&arguments.root, &std::io::Error::from(errno).into()))?
}

fn open(place: &'static str, name: &Path) -> Result<Candidate, CliError> {
    let bytes = caller_file::read(name, SIZE_MAX).map_err(|error| refused(name, &error))?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Ok(Candidate { path: place.to_owned(), text: Some(text), name: name.display().to_string() })
}

fn refused(path: &Path, error: &CallerFileError) -> CliError {
    unreadable(
        &path.display().to_string(),
        error,
        "Name a file that exists, and that you may read.",
    )
}

/// Returns what doctor must know about the settings file `path` of the machine. A PAM line names this file with
/// `config=`.
pub(super) fn named(machine: &ExaminedMachine, path: &str) -> DoctorSettings {
    if machine.is_host() {
        return of_host(&ChosenSettings { path: path.to_owned(), is_named: true });
    }
    of_tree(machine, path)
}

/// Returns what doctor must know about the settings file `path` below the folder of `--root`. Owners, modes and records
/// are not checked, because they belong to another host.
fn of_tree(machine: &ExaminedMachine, path: &str) -> DoctorSettings {
    let read = || {
        let mut policy = form::read(&text(machine, path)?)
            .map_err(|fault| refusing_settings(path, &SettingsReadError::Mistake(fault)))?;
        let own = rules_form::read(&text(machine, RULES)?)
            .map_err(|fault| refusing_settings(path, &SettingsReadError::RulesMistake(fault)))?;
        let from_command = own.len();
        policy.rules.extend(own);
        Ok(Written { config: path, text: text(machine, path)?, policy, from_command })
    };
    match read() {
        Ok(written) => DoctorSettings {
            lenient: lenient::examine(&written, &KernelClock),
            ..effects::of(&written.policy)
        },
        Err(finding) => DoctorSettings { refusing: vec![finding], ..effects::unread() },
    }
}

/// Returns the text of a settings file below the folder of `--root`. If the default file or rules.toml is missing,
/// returns an empty text. If a file cannot be read, the error is a finding about this file.
fn text(machine: &ExaminedMachine, path: &str) -> Result<String, Finding> {
    let read = match machine.text(path) {
        Err(error)
            if error.kind() == ErrorKind::NotFound && path != settings::PATH && path != RULES =>
        {
            Err(error)
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
        Ok(text) if text.len() > SETTINGS_MAX => Err(Error::other("it is too large")),
        read => read,
    };
    read.map_err(|error| Finding {
        level: Level::Unknown,
        id: "settings-unseen",
        place: path.to_owned(),
        what: format!("The settings cannot be read: {error}."),
        remedy: "Make the file readable, or correct `config=`.".to_owned(),
    })
}
