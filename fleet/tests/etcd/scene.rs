//! A store and a daemon, which end with the test.

use std::{
    fs,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;
use twinlock_core::wire::fleet::{FleetOutcome, FleetReply, FleetTask, Transaction};

use crate::{
    client::{eventually, get, receive, send},
    store::{Etcd, program},
};

/// A daemon that ends with the test.
pub(crate) struct Daemon {
    socket: PathBuf,
    state: PathBuf,
    log: PathBuf,
    child: Child,
}

impl Daemon {
    /// Starts a daemon with its files below `folder`. `config` is the end of its configuration. The daemon writes the
    /// entry of its host each second.
    pub(crate) fn start(folder: &Path, config: &str) -> Self {
        let (state, socket) = (folder.join("state"), folder.join("socket"));
        fs::create_dir_all(&state).expect("a folder");
        let text = format!("fleet = \"prod\"\nhost = \"web1\"\n{config}");
        fs::write(folder.join("fleet.toml"), text).expect("a configuration");
        let log = folder.join("fleet.log");
        let tests = std::env::current_exe().expect("the path of the test");
        let target = tests.ancestors().nth(2).expect("the folder of the programs");
        let child = Command::new(target.join("twinlock-fleet"))
            .arg("--config")
            .arg(folder.join("fleet.toml"))
            .arg("--state")
            .arg(&state)
            .arg("--listen")
            .arg(&socket)
            .args(["--interval", "1"])
            .stdout(Stdio::null())
            .stderr(fs::File::create(&log).expect("a log"))
            .spawn();
        let daemon = Self { socket, state, log, child: child.expect("the daemon") };
        eventually("the daemon", || UnixStream::connect(&daemon.socket).is_ok());
        daemon
    }

    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    pub(crate) fn state_dir(&self) -> &Path {
        &self.state
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).expect("a log")
    }

    #[track_caller]
    pub(crate) fn ask(&self, task: FleetTask) -> FleetReply {
        receive(send(&self.socket, 3000, task))
    }

    #[track_caller]
    pub(crate) fn transact(&self, transaction: Transaction) -> FleetReply {
        self.ask(FleetTask::Transact(transaction))
    }

    /// Returns the value of a key; `None` if there is none.
    #[track_caller]
    pub(crate) fn value(&self, key: &str) -> Option<Vec<u8>> {
        let reply = self.transact(get(key));
        assert_eq!(reply.outcome, FleetOutcome::Done, "{}", self.log());
        reply.entries.into_iter().next().map(|entry| entry.value)
    }

    /// Returns the text with this key in the daemon's report about its state; `None` if the report has no such key.
    #[track_caller]
    pub(crate) fn state(&self, key: &str) -> Option<String> {
        let entries = self.ask(FleetTask::State).entries;
        let found = entries.into_iter().find(|entry| entry.key == key);
        found.map(|entry| String::from_utf8(entry.value).expect("a text"))
    }

    /// Sends a transaction, and returns the outcome and the milliseconds until it came.
    #[track_caller]
    pub(crate) fn timed(&self, patience: u16, transaction: Transaction) -> Timed {
        let begun = Instant::now();
        let reply = receive(send(&self.socket, patience, FleetTask::Transact(transaction)));
        Timed { outcome: reply.outcome, took: begun.elapsed() }
    }

    /// Kills the daemon, and returns when it has ended.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.kill();
    }
}

/// An outcome, and the time until it came.
pub(crate) struct Timed {
    pub(crate) outcome: FleetOutcome,
    pub(crate) took: Duration,
}

/// A store, and a daemon that has joined.
pub(crate) struct Scene {
    pub(crate) folder: TempDir,
    pub(crate) etcd: Etcd,
    pub(crate) daemon: Daemon,
}

impl Scene {
    /// Returns a store with these options and a daemon that has joined; `None` if the test is skipped.
    #[track_caller]
    pub(crate) fn joined(options: &[&str]) -> Option<Self> {
        let program = program()?;
        let folder = tempfile::tempdir().expect("a folder");
        let etcd = Etcd::start(&program, folder.path(), options);
        let daemon = Daemon::start(folder.path(), &config(&etcd));
        assert_eq!(daemon.ask(FleetTask::Join).outcome, FleetOutcome::Done, "{}", daemon.log());
        Some(Self { folder, etcd, daemon })
    }
}

/// Returns the line of the configuration with the store's endpoint.
pub(crate) fn config(etcd: &Etcd) -> String {
    format!("endpoints = [\"{}\"]\n", etcd.url())
}
