//! Lets doctor judge the new files before they are written.

use twinlock_doctor::{
    examine,
    finding::{Finding, Level},
    hindrance::Hindrance,
    machine::ExaminedMachine,
    pam,
    report::{DoctorVerdict, Rows},
    services::one,
    settings::DoctorSettings,
};
use twinlock_setup::{
    plan,
    wishes::{Wishes, is_second},
};

use crate::{
    commands::{
        doctor,
        setup::{future_rules::FutureRules, host, no_plan},
    },
    error::exit::{CliError, Exit},
    terminal::keyboard::tell,
    text::{WIDTH, plain, wrap},
};

/// Checks the new files: every login that must ask for a code asks for one, no user is locked out, and sshd uses the
/// new settings. If a check fails, prints doctor's findings. `machine` has the new files as candidates, which are read
/// in place of the present ones. `rules` are the rules after the change.
///
/// # Errors
/// [`CliError`] if the check fails, or if doctor can give no verdict.
pub(super) fn must_be_closed(
    machine: &ExaminedMachine,
    wishes: &Wishes,
    rules: &FutureRules,
) -> Result<(), CliError> {
    if wishes.service.is_ssh() {
        plan::check_sshd(machine, wishes.with).map_err(|error| no_plan(&error))?;
    }
    let settings = doctor::of_this_host_with(rules.of_command.clone());
    let (sentence, findings) = verdict(machine, wishes, &settings).map_err(|error| {
        let remedy = error.remedy.unwrap_or_else(|| "Correct this, and run it again.".to_owned());
        CliError::new(Exit::NotInState, format!("{} Nothing was changed", error.what), remedy)
    })?;
    let Some(sentence) = sentence else { return Ok(()) };
    for finding in findings.iter().filter(|one| counts(one.level)) {
        tell(&format!("{}: {} ({})\n", finding.level.word(), plain(&finding.place), finding.id));
        tell(&format!("{}\n", wrap(&format!("  {}", plain(&finding.what)), WIDTH, 2)));
        if !finding.remedy.is_empty() {
            let remedy = finding.remedy.split('\n').map(plain).collect::<Vec<_>>().join(" ");
            tell(&format!("{}\n", wrap(&format!("  To do: {remedy}"), WIDTH, 4)));
        }
    }
    let what =
        format!("with the new files, {}; nothing was changed", sentence.trim_end_matches('.'));
    Err(CliError::new(Exit::Refused, what, "Do what the findings say, and run it again."))
}

fn counts(level: Level) -> bool {
    match level {
        Level::WayIn | Level::LockOut | Level::Unknown => true,
        Level::Warning | Level::Exception | Level::Note => false,
    }
}

/// Returns doctor's verdict as a sentence, and doctor's findings. The sentence is `None` if every login needs a code
/// and no user is locked out.
fn verdict(
    machine: &ExaminedMachine,
    wishes: &Wishes,
    settings: &DoctorSettings,
) -> Result<(Option<String>, Vec<Finding>), Hindrance> {
    if wishes.service.is_ssh() {
        let report = examine::examine_all(machine, Rows::Wrong, settings)?;
        let closed = report.verdict() == DoctorVerdict::Closed;
        let sentence = (!closed).then(|| report.sentence("ssh"));
        return Ok((sentence, report.findings));
    }
    // The PAM file of a screen locker may include a file that setup changes. Only doctor's report about ssh covers
    // screen lockers, so they are examined here for the other services.
    let now = examine::lockers(&host(), settings)?;
    let mut lockers = examine::lockers(machine, settings)?;
    lockers.retain(|one| !now.contains(one));
    if !lockers.is_empty() {
        return Ok((Some("a locked screen could not be unlocked".to_owned()), lockers));
    }
    for name in wishes.service.pam_services() {
        // Some versions of sudo and su have no second file, and do not call this service.
        if is_second(&name) && pam::load::load(machine, &name)?.file.is_none() {
            continue;
        }
        let report = one::examine(machine, &name, Rows::Wrong, settings)?;
        if report.status() != 0 {
            let sentence = format!("{name} is not closed");
            return Ok((Some(sentence), report.judged.findings));
        }
    }
    Ok((None, Vec::new()))
}
