//! Starts the first process of a private machine. The machine exists as long as this process.

use std::io::{BufRead, BufReader, Read};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use rustix::fs::{Mode, OFlags};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::own_root::own_root;

/// Number of seconds by which the boot clock of a machine is ahead of the host's. A test can thus make the ledger look
/// some minutes old even on a host that has just booted.
pub(crate) const BOOTED_EARLIER: u64 = 86_400;

const ROOM: &str = include_str!("room.sh");
/// PATH with the folders of Debian's programs. The caller's own PATH may lack the sbin folders.
pub(crate) const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";
/// Debian's soft limit of open files. With a much higher one, programs that close every possible descriptor are slow.
const OPEN_FILES: u64 = 1024;

/// How much is set up in a private machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Furnished {
    /// Everything that tests need.
    Whole,
    /// Only what is needed to check that a machine can be created. The check needs only programs that every Debian
    /// system has.
    Bare,
}

pub(crate) struct Holder {
    unshare: Child,
    // Closing this pipe ends the machine; the kernel closes it when the test process dies.
    life: Option<ChildStdin>,
    pid: u32,
    root: OwnedFd,
}

impl Holder {
    /// Starts a machine for tests. `disk` is a folder of the host that is mounted inside as `/disk`.
    pub(crate) fn start(disk: Option<&Path>) -> Holder {
        assert!(
            rustix::process::geteuid().is_root(),
            "these tests make private machines and need root: run `cargo xtask test` as root"
        );
        if let Err(reason) = own_root() {
            panic!("{reason}");
        }
        usual_limits();
        match Holder::begun(disk, Furnished::Whole) {
            Ok(holder) => holder,
            Err(reason) => panic!("{reason}"),
        }
    }

    /// Creates the machine's namespaces and sets them up. `disk` is a folder of the host that is mounted inside as
    /// `/disk`.
    ///
    /// # Errors
    /// A sentence that says what failed.
    pub(crate) fn begun(disk: Option<&Path>, furnished: Furnished) -> Result<Holder, String> {
        // A process inside with the terminal of the caller would count as a login of root at another terminal.
        let mut unshare = apart_from_the_caller("unshare")
            .args(["--mount", "--net", "--pid", "--uts", "--ipc", "--time"])
            .args(["--boottime", &BOOTED_EARLIER.to_string()])
            .args(["--fork", "--kill-child", "sh", "-c", ROOM])
            .env("DISK", disk.unwrap_or(Path::new("")))
            .env("BARE", if furnished == Furnished::Bare { "1" } else { "" })
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("unshare (package util-linux) cannot be started: {error}"))?;
        let life = unshare.stdin.take();
        let pid = ready(&mut unshare)?;
        let root = rustix::fs::open(
            format!("/proc/{pid}/root"),
            OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        )
        .map_err(|error| format!("the private machine's root cannot be opened: {error}"))?;
        Ok(Holder { unshare, life, pid, root })
    }

    /// Returns the start of a command that runs a program inside the machine; the caller appends the program and its
    /// arguments.
    pub(crate) fn enter(&self) -> Command {
        let mut command = apart_from_the_caller("nsenter");
        command
            .args(["--target", &self.pid.to_string()])
            .args(["--mount", "--net", "--pid", "--uts", "--ipc", "--time"])
            // Enters the root of the machine's first process, not that of its mount namespace: in a chroot they differ,
            // and the latter belongs to the host.
            .args(["--root", "--wd"])
            .arg("--");
        command
    }

    pub(crate) fn root(&self) -> &OwnedFd {
        &self.root
    }

    /// Returns the process id of the machine's first process, as the host sees it.
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        // unshare is not killed: it waits until the kernel has ended everything inside.
        drop(self.life.take());
        let _ = self.unshare.wait();
    }
}

/// Returns a command that runs `program` independently of the caller's session. The program has no terminal, because
/// sudo and ssh would read from it in addition to their input. It has no environment variables of the caller. It does
/// not ignore signals either, even if the caller does because of nohup or `&`.
pub(crate) fn apart_from_the_caller(program: &str) -> Command {
    let mut command = Command::new("setsid");
    command.args(["env", "--default-signal", program]).env_clear().env("PATH", PATH);
    command
}

/// Sets the resource limits of this process to those of a login on Debian.
fn usual_limits() {
    rustix::process::umask(Mode::from_raw_mode(0o022));
    let hard = getrlimit(Resource::Nofile).maximum;
    let current = Some(hard.map_or(OPEN_FILES, |hard| hard.min(OPEN_FILES)));
    // If the limit may not be set, the present one is close to the usual one.
    let _ = setrlimit(Resource::Nofile, Rlimit { current, maximum: hard });
}

/// Waits until the script that sets up a machine or a `ServerRoom` says that it is ready. Returns the process id of its
/// first process.
///
/// # Errors
/// A sentence that says what failed.
pub(crate) fn ready(unshare: &mut Child) -> Result<u32, String> {
    let mut line = String::new();
    let stdout = unshare.stdout.take().expect("stdout is a pipe");
    let _ = BufReader::new(stdout).read_line(&mut line);
    if let Some(pid) = line.strip_prefix("ready ") {
        return pid.trim().parse().map_err(|_| format!("no process number: {pid}"));
    }
    let mut cause = String::new();
    if let Some(mut stderr) = unshare.stderr.take() {
        let _ = stderr.read_to_string(&mut cause);
    }
    let _ = unshare.wait();
    match line.strip_prefix("refused ") {
        Some(why) => Err(format!("{}: {}", why.trim(), cause.trim())),
        None => {
            Err(format!("this machine does not let root make private namespaces: {}", cause.trim()))
        }
    }
}
