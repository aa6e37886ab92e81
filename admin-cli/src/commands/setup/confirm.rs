//! `setup confirm WORD`: keeps a change, if the administrator has logged in with a code through the changed service.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::json;
use twinlock_host::programs;
use twinlock_setup::{
    confirmation::{self, Changed, Confirming, JournalAcceptance, NoProof, Session},
    saved::{FOLDER, Phase, Saved, SavedFolder},
    wishes::ServiceName,
};

use crate::{
    authorize::{actor, logind},
    commands::setup::{
        units,
        waiting::{any_waits, audit_session},
        way_in,
    },
    context::Context,
    error::exit::{CliError, Exit},
    text::plain,
};

/// Microseconds in a clock tick of /proc/PID/stat. There are 100 ticks in a second on every architecture.
const TICK: u64 = 10_000;
/// Index, from 0, of the start time among the fields of /proc/PID/stat after the program's name (proc_pid_stat(5)).
const STARTED: usize = 19;

/// Confirms the pending change that `setup` has shown with this word.
pub(super) fn run(context: &Context, word: &str) -> Result<(), CliError> {
    let (service, saved) = find(word)?;
    let Some(in_force) = saved.in_force else {
        return Err(CliError::new(
            Exit::NotInState,
            format!("the files of {} are still being written", service.as_str()),
            "Wait for the end of `twinlock setup`, log in again, and run this there.",
        ));
    };
    let services = way_in::services(&service, saved.files.iter().map(|file| file.path.as_str()));
    let changed = Changed { services: &services, in_force, audit_session: saved.waiting.session };
    let confirming = Confirming { session: session(), audit_session: audit_session() };
    confirmation::check(changed, &confirming, &accepted())
        .map_err(|error| unproven(error, &way_in::listed(&service, &services)))?;
    let folder = SavedFolder::of(Path::new(FOLDER), service.as_str());
    let kept = folder.confirm().map_err(|error| {
        let what = format!("{FOLDER}: {}", plain(&error.to_string()));
        CliError::new(Exit::StoreUnreachable, what, "Check the disk, and run it again.")
    })?;
    if !kept {
        return Err(too_late(service.as_str()));
    }
    units::stop_timer_unless(any_waits());
    actor::log(context, "service_confirmed", &[("service", service.as_str())]);
    let said = format!("{} stays as it is now.", service.as_str());
    context.say(&said, json!({ "service": service.as_str() }));
    Ok(())
}

fn find(word: &str) -> Result<(ServiceName, Saved), CliError> {
    for name in SavedFolder::services(Path::new(FOLDER)).unwrap_or_default() {
        let Some(service) = ServiceName::of(&name) else { continue };
        let found = SavedFolder::of(Path::new(FOLDER), &name).load(Phase::Pending);
        if let Ok(Some(saved)) = found
            && saved.waiting.word.eq_ignore_ascii_case(word)
        {
            return Ok((service, saved));
        }
    }
    Err(CliError::new(
        Exit::NotInState,
        "no change waits for this word",
        "Check the spelling. If its time was over, the old files are in force: run `twinlock setup` again.",
    ))
}

fn unproven(error: NoProof, service: &str) -> CliError {
    let what = format!("{error}, so it does not show that {service} lets you in");
    let remedy = match error {
        NoProof::OldConnection => {
            "Open a new connection, without ControlMaster: ssh -o ControlPath=none USER@HOST. Run it there.".to_owned()
        }
        NoProof::NoLogin | NoProof::SameLogin | NoProof::OtherService | NoProof::NoCode => {
            format!("Log in from another window through {service}, with a code, and run it there.")
        }
    };
    CliError::new(Exit::Refused, what, remedy)
}

fn too_late(service: &str) -> CliError {
    CliError::new(
        Exit::NotInState,
        format!("the time is over: the old files of {service} are being put back"),
        format!("Run `twinlock setup {service}` again."),
    )
}

/// Returns the login session of this process; `None` if logind knows none.
fn session() -> Option<Session> {
    let text = logind::text_of_session()?;
    let value = |key: &str| {
        let mut pairs = text.lines().filter_map(|line| line.split_once('='));
        pairs.find(|(name, _)| *name == key).map(|(_, value)| value.to_owned())
    };
    let leader: u32 = value("LEADER")?.parse().ok()?;
    let stat = fs::read_to_string(format!("/proc/{leader}/stat")).ok()?;
    let ticks: u64 = stat.rsplit_once(") ")?.1.split(' ').nth(STARTED)?.parse().ok()?;
    Some(Session {
        service: value("SERVICE")?,
        user: value("USER")?,
        opened: value("MONOTONIC")?.parse().ok()?,
        leader_started: ticks.saturating_mul(TICK),
    })
}

/// Returns the codes that the module has accepted since the boot, from the journal; none if the journal cannot be read.
fn accepted() -> Vec<JournalAcceptance> {
    let journal = |arguments: &[&str]| {
        let mut command = Command::new(programs::whole_path("journalctl"));
        command.args(arguments).env_clear().env("PATH", programs::PATH).env("LC_ALL", "C");
        command.stdin(Stdio::null()).stderr(Stdio::null()).output()
    };
    let _ = journal(&["--sync"]);
    let lines = journal(&["--boot", "--identifier=twinlock", "--output=json", "--all", "--quiet"]);
    let text = lines.map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&text).lines().filter_map(JournalAcceptance::read).collect()
}
