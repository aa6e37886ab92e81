//! Adds the reminder rule to accepted.toml, so that doctor reports it as accepted until its date.

use std::path::PathBuf;

use toml_edit::Value;
use twinlock_core::base::error::FileError;
use twinlock_doctor::{
    accepted::{self, Accepted, FILE},
    machine::Machine,
};
use twinlock_host::{
    settings::swap_file::{Content, SwapError, SwapFile},
    trusted_dir::Owner,
};

use crate::{
    commands::doctor::lenient,
    enrollment::reminder::Reminder,
    error::{
        exit::{CliError, Exit},
        settings_errors,
    },
    text::date,
};

const OWNER: Owner = Owner(0);
/// Mode of a new accepted.toml, which all users may read.
const MODE: u32 = 0o644;
/// Maximum size of accepted.toml in bytes.
const SIZE_MAX: usize = 1 << 20;

/// Checks that the entries for the rule can be added to accepted.toml.
///
/// # Errors
/// [`CliError`] if the file cannot be read, or no entry can be added to it.
pub(super) fn check(reminder: Reminder<'_>) -> Result<(), CliError> {
    let before = opened()?.read().map_err(unwritten)?.unwrap_or_default();
    extended(&before, &entries(reminder)).map(drop).map_err(unusable)
}

/// Adds an entry for the rule for each service that calls the module, unless the file has it. The rest of the file
/// stays unchanged.
///
/// # Errors
/// [`CliError`] if the file cannot be written.
pub(super) fn write(reminder: Reminder<'_>) -> Result<(), CliError> {
    let entries = entries(reminder);
    let changed = opened()?.change(&mut |before| {
        let bytes = extended(before, &entries)?;
        Ok((bytes != before).then_some(Content { bytes, mode: MODE }))
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
fn entries(reminder: Reminder<'_>) -> Vec<Accepted> {
    let finding = lenient::by_rule(FILE.to_owned(), &reminder.rule());
    let mut services = Machine::new(PathBuf::from("/"), None).services_with_module();
    if !services.iter().any(|service| service == "sshd") {
        services.push("sshd".to_owned());
    }
    let entry = |service| Accepted {
        finding: finding.id.to_owned(),
        service,
        outcome: finding.outcome(),
        reason: format!("twinlock invite --group {}", reminder.group),
        until: reminder.until,
    };
    services.into_iter().map(entry).collect()
}

/// Returns the text `before` with the missing entries added at its end. The error is a clause that says why that is not
/// possible.
fn extended(before: &[u8], entries: &[Accepted]) -> Result<Vec<u8>, String> {
    let text = std::str::from_utf8(before).map_err(|_| "it is not UTF-8".to_owned())?;
    let known = accepted::read(text)?.accepted;
    let covers = |one: &Accepted, entry: &Accepted| {
        let same = Accepted { reason: entry.reason.clone(), ..one.clone() };
        same == *entry
    };
    let mut after = text.to_owned();
    for entry in entries.iter().filter(|entry| !known.iter().any(|one| covers(one, entry))) {
        if !after.is_empty() {
            after.push_str(if after.ends_with('\n') { "\n" } else { "\n\n" });
        }
        after.push_str(&written(entry));
    }
    // If the file does not write its list as `[[accepted]]` tables, no table can be appended to the list.
    let whole = accepted::read(&after)?.accepted;
    match entries.iter().all(|entry| whole.iter().any(|one| covers(one, entry))) {
        true => Ok(after.into_bytes()),
        false => Err("the entry cannot be added".to_owned()),
    }
}

fn written(entry: &Accepted) -> String {
    let Accepted { finding, service, outcome, reason, until } = entry;
    let quoted = |text: &str| Value::from(text).to_string();
    format!(
        "[[accepted]]\nfinding = {}\nservice = {}\noutcome = {}\nreason = {}\nuntil = {}\n",
        quoted(finding),
        quoted(service),
        quoted(outcome),
        quoted(reason),
        date(*until)
    )
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

#[cfg(test)]
mod tests {
    use twinlock_core::base::time::UnixTime;

    use super::*;

    fn entry(service: &str) -> Accepted {
        Accepted {
            finding: "rule-reminds".to_owned(),
            service: service.to_owned(),
            outcome: "Users: group = \"d\u{7}ev\", until = 2027-01-31.".to_owned(),
            reason: "x".to_owned(),
            until: UnixTime::of_date(2027, 1, 31).unwrap(),
        }
    }

    #[test]
    fn entries_are_added_once_and_the_rest_stays() {
        let hand = "# Robots.\nprotect = [\"sudo\"] # all\n\n[[accepted]]\n# why\nfinding = \"key-alone\"\nservice = \"sshd\"\noutcome = \"A key.\"\nreason = \"x\"\nuntil = 2027-01-31";
        for before in ["", "# nothing", hand] {
            let both = [entry("sshd"), entry("sudo")];
            let after = extended(before.as_bytes(), &both).unwrap();
            assert!(after.starts_with(before.as_bytes()));
            let read = accepted::read(std::str::from_utf8(&after).unwrap()).unwrap().accepted;
            assert!(both.iter().all(|entry| read.contains(entry)), "{before}");
            assert_eq!(extended(&after, &both).unwrap(), after, "{before}");
            let one = extended(&after, &[entry("su")]).unwrap();
            assert_eq!(
                accepted::read(std::str::from_utf8(&one).unwrap()).unwrap().accepted.len(),
                read.len() + 1
            );
        }
    }

    #[test]
    fn file_that_cannot_be_continued_is_left() {
        for before in ["accepted = []\n", "accepted = 1\n", "[[accepted]]\n", "\u{0}", "x = 1\n"] {
            assert!(extended(before.as_bytes(), &[entry("sshd")]).is_err(), "{before}");
        }
        assert!(extended(b"\xff", &[entry("sshd")]).is_err());
    }
}
