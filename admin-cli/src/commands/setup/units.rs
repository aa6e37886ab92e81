//! Finds out whether systemd runs. Starts and stops the timer that restores the old files of a change.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use twinlock_host::programs;

/// The systemd timer that runs `setup undo`.
const TIMER: &str = "twinlock-setup-undo.timer";

/// Returns whether systemd runs this host and systemctl is installed.
pub(super) fn is_running() -> bool {
    Path::new("/run/systemd/system").is_dir() && programs::whole_path("systemctl").exists()
}

/// Starts the timer that runs `setup undo`.
///
/// # Errors
/// The error message of systemctl.
pub(super) fn start_timer() -> Result<(), String> {
    systemctl(&["start", TIMER])
}

/// Stops the timer, unless a change waits for its confirmation (`waits`). Best effort: a timer that still runs finds
/// nothing to undo.
pub(super) fn stop_timer_unless(waits: bool) {
    if !waits && is_running() {
        let _ = systemctl(&["stop", "--no-block", TIMER]);
    }
}

/// Runs systemctl with these arguments.
///
/// # Errors
/// The error message of systemctl.
pub(super) fn systemctl(arguments: &[&str]) -> Result<(), String> {
    let mut command = Command::new(programs::whole_path("systemctl"));
    command.args(arguments).env_clear().env("PATH", programs::PATH).env("LC_ALL", "C");
    let output = command.stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
    }
}
