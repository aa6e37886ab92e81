//! Makes sshd read its files again.

use std::{
    fs, io,
    path::Path,
    thread,
    time::{Duration, Instant, SystemTime},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use twinlock_doctor::sshd::effective::Effective;

use crate::commands::setup::{host, units};

/// systemd units of sshd: Debian's name, and that of other distributions.
const UNITS: [&str; 2] = ["ssh.service", "sshd.service"];
/// Maximum time to wait until sshd has read its files.
const PATIENCE: Duration = Duration::from_secs(10);
/// Interval between two checks of the PID file, and the time to wait if sshd writes none.
const PAUSE: Duration = Duration::from_millis(50);
const BLIND: Duration = Duration::from_secs(1);

/// Makes a running sshd read its files again, and waits until it has done so. If no sshd runs, does nothing.
///
/// # Errors
/// A clause that says why sshd could not be told to read its files, or that it has not read them in time.
pub(super) fn sshd() -> Result<(), String> {
    let before = SystemTime::now();
    let pid_file = host().effective(None).ok().and_then(|said| {
        Effective::read(&said).value("pidfile").filter(|file| *file != "none").map(str::to_owned)
    });
    let by_unit = units::is_running().then(active).flatten();
    match (by_unit, &pid_file) {
        (Some(unit), _) => units::systemctl(&["reload", unit])?,
        (None, Some(file)) => {
            let Some(process) = running(file) else { return Ok(()) };
            kill(process, Signal::SIGHUP).map_err(|errno| errno.to_string())?;
        }
        (None, None) => return Ok(()),
    }
    match pid_file {
        Some(file) => until_written(&file, before),
        None => {
            thread::sleep(BLIND);
            Ok(())
        }
    }
}

/// Returns the systemd unit of the sshd that runs; `None` if no unit is active.
fn active() -> Option<&'static str> {
    UNITS.into_iter().find(|unit| units::systemctl(&["is-active", "--quiet", unit]).is_ok())
}

/// Returns the process that a PID file names; `None` if it is not an sshd.
fn running(file: &str) -> Option<Pid> {
    let text = fs::read_to_string(file).ok()?;
    let number: i32 = text.trim().parse().ok().filter(|number| *number > 1)?;
    let name = fs::read_to_string(format!("/proc/{number}/comm")).ok()?;
    (name.trim() == "sshd").then(|| Pid::from_raw(number))
}

/// Waits until sshd has written its PID file at or after the time `before`. sshd writes the PID file after it has read
/// its configuration. Fails after [`PATIENCE`].
fn until_written(file: &str, before: SystemTime) -> Result<(), String> {
    let end = Instant::now() + PATIENCE;
    loop {
        // A file system may store times that are a little coarser than the clock.
        let written = modified(file).is_ok_and(|at| at + PAUSE >= before);
        if written && running(file).is_some() {
            return Ok(());
        }
        if Instant::now() > end {
            return Err("sshd has not read its files again".to_owned());
        }
        thread::sleep(PAUSE);
    }
}

fn modified(file: &str) -> io::Result<SystemTime> {
    fs::metadata(Path::new(file))?.modified()
}
