//! A private machine: a container in which the tests run twinlock, sshd and PAM as on a real host. Says what the
//! machine consists of, and runs commands in it.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::artefacts::{LOGIN_DEFS, PROFILE, STOCK_PAM};
use crate::call::{Call, Finished};
use crate::codes::Otp;
use crate::files::reached;
use crate::holder::Holder;
use crate::session::terminal;
use crate::syslog::Syslog;

/// A private machine with only the accounts of the system.
///
/// Independent of the host, it has Debian's stock PAM stacks, accounts and settings, UTC, a loopback interface, a log
/// daemon, terminals, an empty /home and /root, and a fresh ledger folder. [`Machine::twinlock`] adds twinlock.
/// Commands in it have Debian's usual limits, and no terminal or environment variable of the caller.
pub struct Machine {
    // Drop order: the listeners end before the machine that they listen in.
    log: Mutex<Option<Syslog>>,
    keys: Mutex<BTreeMap<String, Otp>>,
    holder: Holder,
}

impl Machine {
    /// Starts a machine. Panics with a sentence if the host cannot create one.
    #[expect(clippy::new_without_default, reason = "it starts processes")]
    pub fn new() -> Machine {
        Machine::over(None)
    }

    /// Starts a machine. Panics with a sentence if the host cannot create one. `folder`, an absolute path of the host,
    /// is mounted inside as `/disk`. Files in `/disk` are on the host's disk, and stay after the machine has ended.
    pub fn with_disk(folder: &Path) -> Machine {
        Machine::over(Some(folder))
    }

    fn over(disk: Option<&Path>) -> Machine {
        let machine = Machine {
            log: Mutex::new(None),
            keys: Mutex::new(BTreeMap::new()),
            holder: Holder::start(disk),
        };
        machine.furnish();
        machine.log_daemon();
        machine
    }

    fn furnish(&self) {
        for (service, text) in STOCK_PAM {
            self.pam(service, text);
        }
        self.file("/etc/login.defs").write(LOGIN_DEFS);
        self.file("/etc/profile").write(PROFILE);
        let sudoers =
            "Defaults env_reset, use_pty\nroot ALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n";
        self.file("/etc/sudoers").write(sudoers).mode(0o440);
        self.file("/etc/hosts").write("127.0.0.1 localhost twinbox\n");
        self.file("/etc/hostname").write("twinbox\n");
        self.file("/etc/nsswitch.conf")
            .write("passwd: files\ngroup: files\nshadow: files\nhosts: files\n");
    }

    pub(crate) fn holder(&self) -> &Holder {
        &self.holder
    }

    pub(crate) fn keys(&self) -> MutexGuard<'_, BTreeMap<String, Otp>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Prepares a command, which root runs unless [`Call::as_user`] is called. `argv` is the program with its
    /// arguments.
    pub fn call<S: Into<String>>(&self, argv: impl IntoIterator<Item = S>) -> Call<'_> {
        Call::new(self, argv.into_iter().map(Into::into).collect())
    }

    /// Runs a command as root without a terminal, with empty input.
    pub fn run<S: Into<String>>(&self, argv: impl IntoIterator<Item = S>) -> Finished {
        self.call(argv).output()
    }

    /// Runs a command as `user` without a terminal, with empty input.
    pub fn run_as<S: Into<String>>(
        &self,
        user: &str,
        argv: impl IntoIterator<Item = S>,
    ) -> Finished {
        self.call(argv).as_user(user).output()
    }

    /// Opens a new terminal of the machine. Returns its controlling end, then the end for a program inside (see
    /// [`Call::at_a_terminal`]).
    pub fn terminal(&self) -> (OwnedFd, OwnedFd) {
        terminal(self.holder.root())
    }

    /// Starts a log daemon that keeps every message.
    pub fn log_daemon(&self) -> &Self {
        self.replace_log(Syslog::listen)
    }

    /// Starts a log daemon that never reads a message, in place of the usual log daemon.
    pub fn deaf_log_daemon(&self) -> &Self {
        self.replace_log(Syslog::deaf)
    }

    /// Removes /dev/log, as if no log daemon ran.
    pub fn no_log_daemon(&self) -> &Self {
        if self.log_slot().take().is_some() {
            self.file("/dev/log").remove();
        }
        self
    }

    /// Returns all log lines so far, oldest first.
    pub fn log(&self) -> Vec<String> {
        let log = self.log_slot();
        log.as_ref().map(Syslog::lines).unwrap_or_default()
    }

    /// Returns the log lines that contain `text`.
    pub fn logged(&self, text: &str) -> Vec<String> {
        let mut lines = self.log();
        lines.retain(|line| line.contains(text));
        lines
    }

    /// Returns process id and command line of each process in the machine, except the first process and `ps` itself.
    pub fn processes(&self) -> Vec<(u32, String)> {
        let listing = self.run(["ps", "-e", "-o", "pid=,args="]);
        let rows = listing.ok().lines().filter_map(process);
        rows.filter(|(pid, args)| *pid != 1 && !args.starts_with("ps -e ")).collect()
    }

    /// Sends a signal, such as `TERM`, to the process `pid` of the machine.
    pub fn signal(&self, name: &str, pid: u32) -> &Self {
        self.run(["kill", "-s", name, &pid.to_string()]).ok();
        self
    }

    fn replace_log(&self, open: fn(&Path) -> Syslog) -> &Self {
        self.no_log_daemon();
        let file = self.file("/dev/log");
        let (folder, name) = file.parent();
        *self.log_slot() = Some(open(&reached(&folder).join(name)));
        self
    }

    fn log_slot(&self) -> MutexGuard<'_, Option<Syslog>> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn process(row: &str) -> Option<(u32, String)> {
    let mut words = row.split_whitespace();
    let pid = words.next()?.parse().ok()?;
    Some((pid, words.collect::<Vec<_>>().join(" ")))
}
