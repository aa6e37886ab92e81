//! Adds the rule that reminds a group to enroll to accepted.toml, so that doctor reports it as accepted until its date.

use std::path::PathBuf;

use twinlock_core::base::error::FileError;
use twinlock_doctor::{
    accepted::{AcceptedFinding, FILE},
    lenient_findings,
    machine::ExaminedMachine,
};
use twinlock_host::{
    settings::swap_file::{SwapContent, SwapError, SwapFile},
    trusted_dir::Owner,
};
use twinlock_setup::entries::extended;

use crate::{
    enrollment::reminder::Reminder,
    error::{
        exit::{CliError, Exit},
        settings_errors,
    },
};

const OWNER: Owner = Owner(0);
/// Mode of a new accepted.toml, which all users may read.
const MODE: u32 = 0o644;
/// Maximum size of accepted.toml in bytes.
const SIZE_MAX: usize = 1 << 20;

/// Checks that entries can be added to accepted.toml for the rule that reminds a group to enroll.
///
/// # Errors
/// [`CliError`] if the file cannot be read, or no entry can be added to it.
pub(super) fn check(reminder: Reminder<'_>) -> Result<(), CliError> {
    let before = opened()?.read().map_err(unwritten)?.unwrap_or_default();
    with(&before, &entries(reminder)).map(drop).map_err(unusable)
}

/// Adds the entries for the rule that reminds a group to enroll to accepted.toml, except those that it has already. The
/// rest of the file stays unchanged.
///
/// # Errors
/// [`CliError`] if the file cannot be written.
pub(super) fn write(reminder: Reminder<'_>) -> Result<(), CliError> {
    let entries = entries(reminder);
    let changed = opened()?.change(&mut |before| {
        let bytes = with(before, &entries)?;
        Ok((bytes != before).then_some(SwapContent { bytes, mode: MODE }))
    });
    match changed {
        Ok(_) => Ok(()),
        Err(SwapError::Declined(what)) => Err(unusable(what)),
        Err(SwapError::Store(fault)) => Err(unwritten(fault)),
        Err(SwapError::Busy) => Err(CliError::new(
            Exit::NotInState,
            format!("{FILE} keeps being changed by another process; the rule was not written"),
            "Run it again.",
        )),
    }
}

fn opened() -> Result<SwapFile, CliError> {
    SwapFile::open(FILE, SIZE_MAX, OWNER).map_err(|folder| {
        let (what, remedy) = settings_errors::of_folder(FILE, &folder);
        CliError::new(Exit::NotInState, what, remedy)
    })
}

/// Returns the entries that accept doctor's finding about the rule: one for sshd, and one for each service that calls
/// the module.
fn entries(reminder: Reminder<'_>) -> Vec<AcceptedFinding> {
    let finding = lenient_findings::by_rule(FILE.to_owned(), &reminder.rule());
    let mut services = ExaminedMachine::new(PathBuf::from("/"), None).services_with_module();
    if !services.iter().any(|service| service == "sshd") {
        services.push("sshd".to_owned());
    }
    let entry = |service| AcceptedFinding {
        finding: finding.id.to_owned(),
        service,
        outcome: finding.outcome(),
        reason: format!("twinlock invite --group {}", reminder.group),
        until: reminder.until,
    };
    services.into_iter().map(entry).collect()
}

/// Returns the content `before` with the missing entries added at its end. The error is a clause that says why that is
/// not possible.
fn with(before: &[u8], entries: &[AcceptedFinding]) -> Result<Vec<u8>, String> {
    let text = std::str::from_utf8(before).map_err(|_| "it is not UTF-8".to_owned())?;
    extended(text, entries).map(String::into_bytes)
}

fn unusable(what: String) -> CliError {
    CliError::new(
        Exit::NotInState,
        format!("{FILE} cannot be extended: {what}; the rule was not written"),
        "Correct the file first. `twinlock doctor ssh` shows what it accepts.",
    )
}

fn unwritten(fault: FileError) -> CliError {
    let what = format!("{}; the rule was not written", settings_errors::of_file(FILE, fault));
    CliError::new(Exit::StoreUnreachable, what, settings_errors::FILE_REMEDY)
}
