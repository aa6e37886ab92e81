//! Checks whether the dynamic loader can load twinlock's module, as libpam will.
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::finding::{Finding, Level};
use crate::judge::lines::ModuleFile;
use crate::machine::ExaminedMachine;
use crate::pam::code::PamCode;
use crate::pam::control::ControlAction;
use crate::pam::modules::file_name;
use crate::pam::stack::{Facility, Service, StackKind};
use crate::pam::twinlock::is_twinlock;

/// A program that does nothing. doctor starts it only to have the dynamic loader load the module into it.
const IDLE: &str = "/usr/bin/true";

impl ExaminedMachine {
    /// Returns a finding for each file of twinlock's module that cannot be loaded: a lock-out if a line of `service`
    /// then refuses every login that reaches the line, otherwise a warning. Loading a file runs its code. A file that a
    /// user other than root can replace is therefore not loaded, and neither is a file of another machine.
    #[must_use]
    pub fn unloadable(&self, service: &Service) -> Vec<Finding> {
        let mut names: BTreeMap<&str, Level> = BTreeMap::new();
        for line in service.lines(Facility::Auth) {
            if let StackKind::Module { path, .. } = &line.kind
                && is_twinlock(path)
            {
                let level = names.entry(path).or_insert(Level::Warning);
                if let ControlAction::Bad | ControlAction::Die =
                    line.actions.on(PamCode::MODULE_UNKNOWN)
                {
                    *level = Level::LockOut;
                }
            }
        }
        let finding = |(name, level): (&str, Level)| {
            let ModuleFile::At { path, .. } = self.module(name) else { return None };
            let said = self.said_by_loader(&path)?;
            Some(Finding {
                level,
                id: "module-unloadable",
                place: path,
                what: format!(
                    "{} cannot be loaded here, so PAM cannot call it: {said}.",
                    file_name(name)
                ),
                remedy: "Install the package twinlock again, for this architecture and release."
                    .to_owned(),
            })
        };
        names.into_iter().filter_map(finding).collect()
    }

    /// Loads the file into [`IDLE`] and returns the error message of the dynamic loader; `None` if the file can be
    /// loaded. If the file is on another machine than this host, or if a user other than root can replace it, does not
    /// load it and returns `None`.
    fn said_by_loader(&self, path: &str) -> Option<String> {
        let whole = Path::new(path).canonicalize().ok().filter(|_| self.is_host())?;
        let is_plain = !whole.to_str()?.contains([':', ' ']);
        if !is_plain || !whole.ancestors().all(|part| self.is_of_root(part)) {
            return None;
        }
        let mut command = Command::new(IDLE);
        command.env_clear().env("LD_PRELOAD", &whole).env("LD_BIND_NOW", "1");
        let done = command.stdin(Stdio::null()).output().ok()?;
        let said = String::from_utf8_lossy(&done.stderr).trim().replace('\n', "; ");
        (!done.status.success() || !said.is_empty()).then(|| said.trim_end_matches('.').to_owned())
    }

    /// Returns whether the file or folder belongs to root and no other user can write to it.
    fn is_of_root(&self, path: &Path) -> bool {
        let found = path.to_str().and_then(|path| self.tree.stat(path).ok());
        found.is_some_and(|found| found.st_uid == 0 && found.st_mode & 0o022 == 0)
    }
}
