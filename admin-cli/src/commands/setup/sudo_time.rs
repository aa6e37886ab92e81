//! Says for how long sudo asks for no code after one, and plans the change of this time.

use twinlock_doctor::services::root_doors::SudoRules;
use twinlock_setup::{
    plan::{self, FileChange, PlanError},
    sudoers,
    wishes::Wishes,
};

use crate::commands::setup::host;

/// Minutes during which sudo asks for nothing after a code, if sudoers sets no time. Debian and most others use it.
const USUAL: f64 = 15.0;

/// Returns the change of setup's file of sudo; `None` if no such file exists or is needed. Must be called with the rights
/// of root.
///
/// # Errors
/// [`PlanError`] if the file cannot be read, or is not setup's.
pub(super) fn planned(wishes: &Wishes) -> Result<Option<FileChange>, PlanError> {
    plan::plan_sudoers(&host(), &wishes.service, wishes.sudo_minutes)
}

/// Checks that sudo accepts the new file and uses its value. Does nothing if no time is asked for.
///
/// # Errors
/// [`PlanError`] if sudo does not.
pub(super) fn check(wishes: &Wishes) -> Result<(), PlanError> {
    Ok(wishes.sudo_minutes.map_or(Ok(()), sudoers::check)?)
}

/// Returns a sentence that says how often sudo asks for a code with the present files of the host. `None` if sudo is not
/// among the services, or if a time is asked for.
pub(super) fn said(wishes: &Wishes) -> Option<String> {
    let is_sudo = wishes.service.pam_services().iter().any(|one| one == "sudo");
    if !is_sudo || wishes.sudo_minutes.is_some() {
        return None;
    }
    let rules = SudoRules::of(&host()).rules;
    let place = if rules.shared { "in any session of the user" } else { "on the same terminal" };
    let how = match rules.timeout().unwrap_or(USUAL) {
        minutes if minutes < 0.0 => {
            format!("After a code, sudo asks for none {place} until a reboot")
        }
        minutes if minutes > 0.0 => {
            format!("After a code, sudo asks for none {place} for {minutes} minutes")
        }
        _ => "sudo asks for a code each time".to_owned(),
    };
    Some(format!("{how} (timestamp_timeout). To change this: --timestamp-timeout MINUTES."))
}
