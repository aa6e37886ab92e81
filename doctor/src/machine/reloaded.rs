//! Finds running sshds that have not read their configuration files again after the files were changed.
use rustix::param::clock_ticks_per_second;

use crate::finding::{Finding, Level};
use crate::machine::ExaminedMachine;
use crate::pam::load::Files;
use crate::sshd::command_line::PROCESSES;
use crate::sshd::config::Config;

/// A time since 1970-01-01 00:00 UTC: seconds, then nanoseconds.
type Time = [i64; 2];

/// What is known about the time at which an sshd read its files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Since {
    /// The exact time at which sshd read its files: the modification time of the PID file, which sshd writes when it
    /// starts and at each reload.
    Read(Time),
    /// The start of the process. sshd cannot have read its files earlier, but it may have read them again later: a
    /// reload leaves no trace.
    Started(Time),
}

impl ExaminedMachine {
    /// Returns a warning for each running sshd whose files were changed after sshd read them. Only processes with the
    /// options of the examined sshd are checked. `pid_file` is the value of the setting PidFile; `None` if it is not
    /// known.
    #[must_use]
    pub fn not_reloaded(&self, config: &Config, pid_file: Option<&str>) -> Vec<Finding> {
        let Some((file, changed)) = self.last_changed(config) else { return Vec::new() };
        let listeners = self.listeners();
        let same = listeners.iter().filter(|(_, one)| one.options == self.instance().options);
        same.filter_map(|(process, _)| {
            let what = match self.since(process, pid_file)? {
                Since::Read(time) if time < changed => format!("sshd (process {process}) has not read this file since it was changed: the older settings are in force, and were not checked."),
                Since::Started(time) if time < changed => format!("sshd (process {process}) was started before this file was changed. If it was not reloaded since, which cannot be told without its PID file, the older settings are in force."),
                Since::Read(_) | Since::Started(_) => return None,
            };
            Some(Finding {
                level: Level::Warning,
                id: "not-reloaded",
                place: file.clone(),
                what,
                remedy: "Run `sshd -t`, then `systemctl reload ssh` (Red Hat: sshd).".to_owned(),
            })
        })
        .collect()
    }

    /// Returns the file of sshd's configuration that was changed last, and the time of that change. The folder of
    /// drop-ins counts as a file, because its time changes when a drop-in is removed. `None` if the time of no file can
    /// be read.
    fn last_changed(&self, config: &Config) -> Option<(String, Time)> {
        let places = config.directives.iter().map(|line| &line.place.file);
        let places = places.chain(config.blocks.iter().map(|block| &block.place.file));
        let mut files: Vec<&str> = places.chain([&config.file]).map(String::as_str).collect();
        files.extend(config.drop_ins.as_deref());
        // Options of a running sshd have a place below /proc, and are in no file.
        files.retain(|file| !file.starts_with(PROCESSES));
        files.sort_unstable();
        files.dedup();
        let changed = |file: &str| {
            let found = self.tree.stat(file).ok()?;
            Some((file.to_owned(), [found.st_ctime, i64::try_from(found.st_ctime_nsec).ok()?]))
        };
        files.into_iter().filter_map(changed).max_by_key(|(_, time)| *time)
    }

    fn since(&self, process: &str, pid_file: Option<&str>) -> Option<Since> {
        let written =
            pid_file.filter(|file| self.text(file).is_ok_and(|text| text.trim() == process));
        if let Some(found) = written.and_then(|file| self.tree.stat(file).ok()) {
            let nanoseconds = i64::try_from(found.st_mtime_nsec).ok()?;
            return Some(Since::Read([found.st_mtime, nanoseconds]));
        }
        let booted = self.text("/proc/stat").ok()?;
        let booted = booted.lines().find_map(|line| line.strip_prefix("btime "))?;
        let stat = self.text(&format!("/proc/{process}/stat")).ok()?;
        let ticks = stat.rsplit_once(')')?.1.split_whitespace().nth(19)?;
        let ticks =
            i64::try_from(ticks.parse::<u64>().ok()?.checked_div(clock_ticks_per_second())?);
        // The kernel states the time of the boot in whole seconds.
        Some(Since::Started([booted.trim().parse::<i64>().ok()? + ticks.ok()? + 1, 0]))
    }
}
