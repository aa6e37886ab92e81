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

/// Units of sshd: of Debian, and of other distributions.
const UNITS: [&str; 2] = ["ssh.service", "sshd.service"];
/// Time that sshd gets to read its files.
const PATIENCE: Duration = Duration::from_secs(10);
/// Time between two looks, and the wait where sshd writes no PID file.
const PAUSE: Duration = Duration::from_millis(50);
const BLIND: Duration = Duration::from_secs(1);

/// Makes a running sshd read its files again, and waits until it has. Without a running sshd, does nothing.
///
/// # Errors
/// Why it could not be told to.
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

/// Returns the active unit of sshd.
fn active() -> Option<&'static str> {
    UNITS.into_iter().find(|unit| units::systemctl(&["is-active", "--quiet", unit]).is_ok())
}

/// Returns the process of a PID file, if it is sshd.
fn running(file: &str) -> Option<Pid> {
    let text = fs::read_to_string(file).ok()?;
    let number: i32 = text.trim().parse().ok().filter(|number| *number > 1)?;
    let name = fs::read_to_string(format!("/proc/{number}/comm")).ok()?;
    (name.trim() == "sshd").then(|| Pid::from_raw(number))
}

/// Waits until sshd has written its PID file, which it does after it has read its files.
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
