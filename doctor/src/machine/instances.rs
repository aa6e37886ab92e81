//! Finds each sshd that runs, or that a systemd unit, inetd or xinetd starts, with its options.
use std::fs;
use std::os::unix::fs::MetadataExt;

use crate::machine::ExaminedMachine;
use crate::pam::load::Files;
use crate::pam::stack::LinePlace;
use crate::sshd::command_line::{self, Instance};
use crate::sshd::config::MAIN_FILES;

/// The usual names of systemd units that start sshd.
const UNITS: [&str; 4] = ["ssh.service", "sshd.service", "ssh@.service", "sshd@.service"];

impl ExaminedMachine {
    /// Returns each sshd that runs, or that a unit, inetd or xinetd starts. Of several with the same options, returns
    /// only the first. If no sshd runs and no unit starts one, also returns an sshd with the options from the
    /// distribution's file of defaults (such as /etc/default/ssh), or one without options.
    #[must_use]
    pub fn instances(&self) -> Vec<Instance> {
        let enabled = self.enabled().into_iter().flat_map(|name| self.services_of(&name));
        let names: Vec<String> = UNITS.map(str::to_owned).into_iter().chain(enabled).collect();
        let units = names.iter().filter_map(|name| self.unit(name));
        let mut all: Vec<Instance> = units.chain(self.running()).collect();
        let mut seen: Vec<Vec<String>> = Vec::new();
        all.retain(|one| {
            let new = !seen.contains(&one.options);
            seen.push(one.options.clone());
            new
        });
        let reads_main = |one: &Instance| one.file().is_none_or(|file| MAIN_FILES.contains(&file));
        let has_main = self.candidates.iter().any(|one| MAIN_FILES.contains(&one.path.as_str()));
        if all.is_empty() || has_main && !all.iter().any(reads_main) {
            all.extend(self.defaults().or(Some(Instance::default())));
        }
        for one in self.super_servers() {
            if !all.iter().any(|other| other.options == one.options) {
                all.push(one);
            }
        }
        all
    }

    /// Returns an sshd with the options that a file of defaults such as /etc/default/ssh sets; `None` if no such file
    /// sets options.
    pub(super) fn defaults(&self) -> Option<Instance> {
        command_line::DEFAULTS.iter().find_map(|(name, file)| {
            let (line, words) = command_line::assigned(&self.text(file).ok()?, name)?;
            let place = Some(LinePlace { file: (*file).to_owned(), line });
            Some(Instance { options: command_line::options(&words), place })
        })
    }

    fn running(&self) -> Vec<Instance> {
        self.listeners().into_iter().map(|(_, instance)| instance).collect()
    }

    /// Returns the process id and the options of each listening sshd of this host that runs as root. Processes of other
    /// users are left out: a user could name a process of their own `sshd`, and thereby choose the options with which
    /// root runs sshd.
    pub(super) fn listeners(&self) -> Vec<(String, Instance)> {
        if !self.tree.is_host() {
            return Vec::new();
        }
        let mut processes = self.tree.names("/proc").unwrap_or_default();
        processes.retain(|name| name.bytes().all(|byte| byte.is_ascii_digit()));
        processes.retain(|name| self.is_sshd_of_root(name));
        let instance = |process: String| {
            let file = format!("/proc/{process}/cmdline");
            let words = command_line::listener(&self.text(&file).ok()?)?;
            let place = Some(LinePlace { file, line: 1 });
            Some((process, Instance { options: command_line::options(&words), place }))
        };
        processes.into_iter().filter_map(instance).collect()
    }

    /// Returns whether the process with the id `process` runs the program sshd, has four user ids of 0 (real,
    /// effective, saved, file system), and has the same root directory as this process. A process in a container has
    /// another root directory.
    fn is_sshd_of_root(&self, process: &str) -> bool {
        let of = |name: &str| format!("/proc/{process}/{name}");
        let status = self.text(&of("status")).unwrap_or_default();
        let ids = status.lines().find_map(|line| line.strip_prefix("Uid:")).unwrap_or_default();
        let of_root =
            ids.split_whitespace().count() == 4 && ids.split_whitespace().all(|id| id == "0");
        let program = fs::read_link(of("exe")).unwrap_or_default();
        // If an upgrade has removed the program file of a running sshd, the kernel appends ` (deleted)`.
        let program = program.to_string_lossy();
        let runs_sshd = program.trim_end_matches(" (deleted)").ends_with("/sshd");
        let place = |path: &str| fs::metadata(path).map(|it| (it.dev(), it.ino())).ok();
        of_root && runs_sshd && place(&of("root")).is_some_and(|root| Some(root) == place("/"))
    }
}
