//! The first process of a private machine: while it lives, the machine does.

use std::io::{BufRead, BufReader, Read};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use rustix::fs::{Mode, OFlags};

/// How far the machine's boot lies back further than the real one's: an epoch of some minutes
/// ago must exist on a host that has just started.
pub(crate) const BOOTED_EARLIER: u64 = 86_400;

const ROOM: &str = include_str!("room.sh");

pub(crate) struct Holder {
    unshare: Child,
    // Closing it ends the machine; the kernel closes it when the test process dies.
    life: Option<ChildStdin>,
    pid: u32,
    root: OwnedFd,
}

impl Holder {
    /// Starts it; `disk` is a folder of the real machine, which appears inside as `/disk`.
    pub(crate) fn start(disk: Option<&Path>) -> Holder {
        assert!(
            rustix::process::geteuid().is_root(),
            "these tests make private machines and need root: run `cargo xtask test` as root"
        );
        let mut unshare = Command::new("unshare")
            .args(["--mount", "--net", "--pid", "--uts", "--ipc", "--time"])
            .args(["--boottime", &BOOTED_EARLIER.to_string()])
            .args(["--fork", "--kill-child", "sh", "-c", ROOM])
            .env("DISK", disk.unwrap_or(Path::new("")))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("unshare (package util-linux) cannot be started");
        let life = unshare.stdin.take();
        let pid = ready(&mut unshare);
        let root = rustix::fs::open(
            format!("/proc/{pid}/root"),
            OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        )
        .expect("the private machine's root cannot be opened");
        Holder { unshare, life, pid, root }
    }

    /// A command that will run inside; its arguments are the program and the program's own.
    pub(crate) fn enter(&self) -> Command {
        let mut command = Command::new("nsenter");
        command
            .args(["--target", &self.pid.to_string()])
            .args(["--mount", "--net", "--pid", "--uts", "--ipc", "--time"])
            .arg("--")
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command
    }

    pub(crate) fn root(&self) -> &OwnedFd {
        &self.root
    }

    /// The number outside of the machine's first process.
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        // Not killed: unshare then waits for the kernel to have ended everything inside.
        drop(self.life.take());
        let _ = self.unshare.wait();
    }
}

fn ready(unshare: &mut Child) -> u32 {
    let mut line = String::new();
    let stdout = unshare.stdout.take().expect("stdout is a pipe");
    let _ = BufReader::new(stdout).read_line(&mut line);
    if let Some(pid) = line.strip_prefix("ready ") {
        return pid.trim().parse().expect("a process number");
    }
    let mut cause = String::new();
    if let Some(mut stderr) = unshare.stderr.take() {
        let _ = stderr.read_to_string(&mut cause);
    }
    let _ = unshare.wait();
    match line.strip_prefix("refused ") {
        Some(why) => panic!("{}: {}", why.trim(), cause.trim()),
        None => panic!("this machine does not let root make private namespaces: {}", cause.trim()),
    }
}
