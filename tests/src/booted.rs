//! A private machine that boots Debian with systemd, with twinlock installed from its package.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};
use rustix::time::{ClockId, clock_gettime};

use crate::artefacts::target;
use crate::call::{Finished, finish, spawn};
use crate::codes::{Otp, now};
use crate::holder::apart_from_the_caller;
use crate::session::{Session, terminal};
use crate::shipped::PASSWORD;
use crate::twinlock::ROOT_IS_EXEMPT;

const BOOT: &str = include_str!("boot.sh");
/// Maximum time of a wait. Even on a busy host, a boot takes less, and so does the wait for cron, which starts jobs
/// once a minute.
const PATIENCE: Duration = Duration::from_secs(120);
/// Interval between two checks of a condition.
const PAUSE: Duration = Duration::from_millis(100);
/// Start of an ssh command inside the machine, which logs in with root's key.
const SSH: [&str; 6] =
    ["ssh", "-q", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"];
/// Script that lets root's key log in to every account, and lets every account use sudo without a password.
const FURNISH: &str = "\
mkdir -p -m 700 /root/.ssh
ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519
cp /root/.ssh/id_ed25519.pub /root/.ssh/authorized_keys
echo 'ALL ALL=(ALL:ALL) NOPASSWD: ALL' >/etc/sudoers.d/all
chmod 440 /etc/sudoers.d/all
";

/// A booted machine, which is wholly in memory and is removed when this value is dropped.
///
/// `/etc/pam.d` has Debian's own files, and sshd accepts a key or a password. The apps of users show a new code each
/// second.
pub struct Booted {
    /// The machine's console, which shows a login prompt.
    console: Mutex<Session<'static>>,
    life: Option<ChildStdin>,
    outside: u32,
    last_steps: Mutex<BTreeMap<String, u64>>,
}

impl Booted {
    /// Creates and boots a machine.
    #[expect(clippy::new_without_default, reason = "it starts processes")]
    pub fn new() -> Booted {
        let (master, slave) = terminal(&host());
        let name = format!("twinlock-{}", std::process::id());
        let copy = slave.try_clone().expect("a descriptor can be copied");
        let mut command = Command::new("sh");
        command.args(["-c", BOOT, BOOT]).arg(kept("booted.tar")).arg(package()).arg(&name);
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("TERM", "xterm");
        let mut child = spawn(command.stdin(Stdio::piped()).stdout(copy).stderr(slave));
        drop(command);
        let (life, outside) = (child.stdin.take(), child.id());
        let console = Mutex::new(Session::of(name, master, child));
        let booted = Booted { console, life, outside, last_steps: Mutex::default() };
        booted.until_up();
        booted.run(FURNISH).ok();
        booted.epoch_minutes_ago(10);
        booted
    }

    /// Reboots the machine.
    #[track_caller]
    pub fn restart(&self) -> &Self {
        let before = self.leader();
        self.run("systemctl reboot").ok();
        self.until("it goes down", || self.leader() != before);
        self.until_up();
        self
    }

    /// Restarts the machine without telling any process of it, as a power cut does.
    #[track_caller]
    pub fn cut_power(&self) -> &Self {
        let before = self.leader();
        self.run("systemctl reboot --force --force");
        self.until("it goes down", || self.leader() != before);
        self.until_up();
        self
    }

    #[track_caller]
    fn until_up(&self) {
        self.until("it is up", || {
            let state = self.leader().map(|_| self.run("systemctl is-system-running --wait"));
            state.is_some_and(|state| state.stdout.trim() == "running")
        });
    }

    /// Returns the console. It is locked while the caller uses it.
    pub fn console(&self) -> MutexGuard<'_, Session<'static>> {
        self.console.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `come` returns `true`. If that takes too long, panics with `what`, the name of the condition.
    #[track_caller]
    pub fn until(&self, what: &str, mut come: impl FnMut() -> bool) {
        let end = Instant::now() + PATIENCE;
        while !come() {
            let late = Instant::now() > end;
            assert!(!late, "it never came: {what}; the console:\n{}", self.console().transcript());
            std::thread::sleep(PAUSE);
        }
    }

    /// Returns the process id, as the host sees it, of the machine's first process; `None` if the machine does not run.
    fn leader(&self) -> Option<u32> {
        // The processes above systemd: the script, unshare, the script inside, the one that starts nspawn, and nspawn.
        let mut process = self.outside;
        for _ in 0..8 {
            process = child_of(process)?;
            let name = std::fs::read_to_string(format!("/proc/{process}/comm")).ok()?;
            if name.trim() == "systemd" {
                return Some(process);
            }
        }
        None
    }

    fn enter(&self) -> Command {
        let leader = self.leader().expect("a machine that runs");
        let mut command = apart_from_the_caller("nsenter");
        command.arg(format!("--target={leader}"));
        command.args(["--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--root", "--wd"]);
        command.args(["--", "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"]);
        command.args(["LANG=C.UTF-8", "TERM=xterm"]);
        command
    }

    /// Runs a shell script as root, in a process whose login uid is 0.
    #[track_caller]
    pub fn run(&self, shell: &str) -> Finished {
        let mut command = self.enter();
        command.args(["sh", "-c", "echo 0 >/proc/self/loginuid; exec sh -c \"$1\"", "sh", shell]);
        let finished = finish(command, Vec::new());
        finished.unwrap_or_else(|| panic!("{shell} does not end"))
    }

    /// Runs the command line `line` as `user` by ssh without a terminal. `input` is its standard input.
    #[track_caller]
    pub fn ssh(&self, user: &str, line: &str, input: &str) -> Finished {
        let mut command = self.enter();
        command.args(SSH).args([&format!("{user}@127.0.0.1"), line]);
        let finished = finish(command, input.as_bytes().to_vec());
        finished.unwrap_or_else(|| panic!("{line} of {user} does not end"))
    }

    /// Logs in as `user` by ssh at a terminal. `options` are further arguments of ssh.
    pub fn login(&self, user: &str, options: &[&str]) -> Session<'_> {
        let mut command = self.enter();
        command.args(["setsid", "-c"]).args(SSH).args(options);
        command.args(["-t", &format!("{user}@127.0.0.1")]);
        let leader = self.leader().expect("a machine that runs");
        let root = opened(&format!("/proc/{leader}/root"));
        Session::start(&root, format!("ssh {user}"), command)
    }

    /// Creates an account with the password [`PASSWORD`] and root's key.
    pub fn user(&self, name: &str) -> &Self {
        let make = format!(
            "useradd --create-home --shell /bin/sh {name} && echo '{name}:{PASSWORD}' | chpasswd &&
             install -d -o {name} -m 700 /home/{name}/.ssh &&
             install -o {name} -m 600 /root/.ssh/id_ed25519.pub /home/{name}/.ssh/authorized_keys"
        );
        self.run(&make).ok();
        self
    }

    /// Enrolls `user`. The user's app shows a new code each second.
    pub fn enrolled(&self, user: &str) -> &Self {
        let uri = otp(user).uri(user);
        // Unless the settings exempt root, every enrollment after the first needs a code of the caller's own, or
        // break-glass.
        let import = format!("echo '{uri}' | twinlock import uri {user}");
        self.run(&format!("{import} || {import} --break-glass 'a test begins'")).ok();
        self
    }

    /// Writes `text` to the settings file, and adds a setting: codes of up to ten steps before and after the current
    /// step are accepted, because a step of the users' apps lasts one second here. Unless `text` contains `own_code`,
    /// also adds a line that lets root act without a code.
    pub fn settings(&self, text: &str) -> &Self {
        let exempt = if text.contains("own_code") { "" } else { ROOT_IS_EXEMPT };
        self.write("/etc/twinlock/twinlock.toml", &format!("window = 10\n{exempt}{text}"))
    }

    /// Writes a file that belongs to root.
    pub fn write(&self, path: &str, text: &str) -> &Self {
        let quoted = text.replace('\'', "'\\''");
        self.run(&format!("printf %s '{quoted}' >{path}")).ok();
        self
    }

    /// Returns a code of `user` that this method has not returned before.
    pub fn code(&self, user: &str) -> String {
        let mut steps = self.last_steps.lock().unwrap_or_else(PoisonError::into_inner);
        let step = steps.get(user).map_or(0, |last| last + 1).max(now());
        steps.insert(user.to_owned(), step);
        otp(user).at(step)
    }

    /// Returns a code that is not valid for `user`.
    pub fn wrong_code(&self, user: &str) -> String {
        otp(user).wrong()
    }

    /// Returns those of twinlock's log lines that contain `text`.
    pub fn logged(&self, text: &str) -> Vec<String> {
        let journal = "journalctl --sync; journalctl --output=cat --identifier=twinlock";
        let said = self.run(journal);
        said.ok().lines().filter(|line| line.contains(text)).map(str::to_owned).collect()
    }

    /// Returns the user id of an account.
    pub fn uid(&self, user: &str) -> u32 {
        let said = self.run(&format!("id -u {user}"));
        said.ok().trim().parse().expect("a number")
    }

    /// Moves the beginning of the ledger's epoch, the time from which the ledger knows all used codes, to `minutes`
    /// ago, as if the machine had run for longer.
    pub fn epoch_minutes_ago(&self, minutes: u64) -> &Self {
        let up = clock_gettime(ClockId::Boottime).tv_sec;
        let up = u64::try_from(up).expect("a machine that is up");
        let began = Duration::from_secs(up.saturating_sub(minutes * 60)).as_nanos();
        let mark = now() - minutes * 60;
        let boot = "$(tr -d - </proc/sys/kernel/random/boot_id)";
        self.run(&format!("ln -sfn {boot}.{began}.{mark} /run/twinlock/epoch")).ok();
        self
    }
}

impl Drop for Booted {
    fn drop(&mut self) {
        // Closing `life` ends the machine. The script then cleans up, and its end is the end of the console's session.
        drop(self.life.take());
        self.console().exit_code();
    }
}

fn otp(user: &str) -> Otp {
    let mut letters = user.bytes().map(|byte| char::from(b'A' + byte % 26)).cycle();
    let key: String = letters.by_ref().take(32).collect();
    Otp { period: 1, ..Otp::new(&key) }
}

/// Returns the path of a file that `cargo xtask test --all` builds before the tests.
fn kept(name: &str) -> PathBuf {
    let file = target().join(name);
    assert!(file.exists(), "{} is missing: run `cargo xtask test --all`", file.display());
    file
}

fn package() -> PathBuf {
    let name =
        concat!("package-for-tests/twinlock_", env!("CARGO_PKG_VERSION"), "~deb12u1_amd64.deb");
    kept(name)
}

fn host() -> OwnedFd {
    opened("/")
}

fn opened(path: &str) -> OwnedFd {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty()).expect("the root of a machine can be opened")
}

/// Returns the newest child of a process; `None` if it has no children.
fn child_of(process: u32) -> Option<u32> {
    let mut text = String::new();
    let file = File::open(format!("/proc/{process}/task/{process}/children"));
    file.ok()?.read_to_string(&mut text).ok()?;
    text.split_whitespace().last()?.parse().ok()
}
