//! A command in a machine: who runs it, in which environment, and its result.

use std::io::{Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use crate::machine::Machine;
use crate::session::Session;

/// Maximum time of a command. Every command of a test takes less, even on a busy host; one that takes longer hangs, and
/// the test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A command that has not started yet. [`Call::output`] or [`Call::open`] starts it.
#[must_use]
pub struct Call<'m> {
    machine: &'m Machine,
    argv: Vec<String>,
    user: Option<String>,
    env: Vec<(String, String)>,
    first: Option<String>,
    strace: Option<Vec<String>>,
    input: Vec<u8>,
    login: u32,
}

/// Login uid that the kernel gives to processes that no login has started.
const NO_LOGIN: u32 = u32::MAX;

/// Result of a command that has ended.
#[derive(Debug)]
pub struct Finished {
    /// The exit code; 128 + N if signal N ended the command; `None` if neither is known.
    pub code: Option<i32>,
    /// What the command wrote to standard output.
    pub stdout: String,
    /// What the command wrote to standard error.
    pub stderr: String,
}

impl Finished {
    /// Returns the standard output. Panics if the command failed.
    #[track_caller]
    pub fn ok(&self) -> &str {
        assert_eq!(self.code, Some(0), "a command failed: {self:#?}");
        &self.stdout
    }
}

impl<'m> Call<'m> {
    pub(crate) fn new(machine: &'m Machine, argv: Vec<String>) -> Call<'m> {
        Call {
            machine,
            argv,
            user: None,
            env: Vec::new(),
            first: None,
            strace: None,
            input: Vec::new(),
            login: 0,
        }
    }

    /// Runs the command as `user`, with the groups of that account and without capabilities.
    pub fn as_user(mut self, user: &str) -> Self {
        self.user = Some(user.to_owned());
        self
    }

    /// Runs the command with the login uid of `user`, as in a session of that user. Without this method, the command
    /// has the login uid of root.
    pub fn logged_in(mut self, user: &str) -> Self {
        self.login = self.machine.uid(user);
        self
    }

    /// Runs the command without a login uid, as a service or a container does.
    pub fn without_a_login(mut self) -> Self {
        self.login = NO_LOGIN;
        self
    }

    /// Appends arguments to the command line.
    pub fn args<S: Into<String>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.argv.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets an environment variable.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Runs the shell text `shell`, such as `umask 777; ulimit -f 0`, in the process of the command, before the command
    /// starts.
    pub fn first(mut self, shell: &str) -> Self {
        self.first = Some(shell.to_owned());
        self
    }

    /// Sets the standard input of the command. It has no effect with [`Call::open`].
    pub fn input(mut self, text: impl AsRef<[u8]>) -> Self {
        self.input = text.as_ref().to_vec();
        self
    }

    /// Shifts the command's clock by `seconds`, by libfaketime. Programs with a setuid bit do not load it, so their
    /// clock stays right.
    pub fn clock(self, seconds: i64) -> Self {
        let mut call = self;
        call.env.extend(faked_clock(seconds));
        call
    }

    /// Runs the command under `strace -f`, which writes to `file`. `options` are further options, such as `-e
    /// inject=symlinkat:error=ENOSPC`.
    pub fn strace(mut self, file: &str, options: &[&str]) -> Self {
        let mut words =
            vec!["strace".to_owned(), "-f".to_owned(), "-o".to_owned(), file.to_owned()];
        words.extend(options.iter().map(|&option| option.to_owned()));
        self.strace = Some(words);
        self
    }

    /// Runs the command without a terminal, and waits until it ends.
    #[track_caller]
    pub fn output(self) -> Finished {
        let command = self.command(&[]);
        let finished = finish(command, self.input);
        finished.unwrap_or_else(|| panic!("{:?} does not end", self.argv))
    }

    /// Starts the command on a terminal of the machine.
    pub fn open(self) -> Session<'m> {
        let (root, name) = (self.machine.holder().root(), self.argv.join(" "));
        Session::start(root, name, self.at_a_terminal())
    }

    /// Returns the command for a caller that gives it a terminal of the machine ([`Machine::terminal`]) as standard
    /// input, output and error.
    #[must_use]
    pub fn at_a_terminal(self) -> Command {
        self.command(&["setsid", "-c"])
    }

    fn command(&self, before: &[&str]) -> Command {
        let mut command = self.machine.holder().enter();
        let user = self.user.as_deref().unwrap_or("root");
        let home = if user == "root" { "/root".to_owned() } else { format!("/home/{user}") };
        command.args(["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"]);
        command.args(["TERM=xterm", "SHELL=/bin/sh"]);
        command.arg(format!("HOME={home}")).arg(format!("USER={user}"));
        command.arg(format!("LOGNAME={user}"));
        command.args(before);
        // nsenter starts sh, not the command: nsenter stops itself when its child is stopped, and stays stopped when
        // only the child is continued.
        let login = format!("echo {} >/proc/self/loginuid; \"$@\"; exit $?", self.login);
        command.args(["sh", "-c", &login, "sh"]);
        self.as_whom(&mut command);
        // The variables are set last, so that a preload affects the command alone.
        if !self.env.is_empty() {
            command.arg("env").args(self.env.iter().map(|(name, value)| format!("{name}={value}")));
        }
        if let Some(shell) = &self.first {
            command.args(["sh", "-c", &format!("{shell}\nexec \"$@\""), "sh"]);
        }
        command.args(&self.argv);
        command
    }

    fn as_whom(&self, command: &mut Command) {
        match (&self.strace, &self.user) {
            // strace changes the user itself, so root traces the command, and setuid programs stay setuid.
            (Some(strace), Some(user)) => command.args(strace).args(["-u", user]),
            (Some(strace), None) => command.args(strace),
            (None, Some(user)) => command
                .arg("setpriv")
                .args([format!("--reuid={user}"), format!("--regid={user}")])
                .arg("--init-groups"),
            (None, None) => command,
        };
    }
}

impl Finished {
    fn new(status: ExitStatus, stdout: String, stderr: String) -> Finished {
        Finished { code: status.code(), stdout, stderr }
    }
}

/// Returns environment variables that shift a program's clock by `seconds`.
pub(crate) fn faked_clock(seconds: i64) -> [(String, String); 3] {
    let library = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";
    [
        ("LD_PRELOAD".to_owned(), library.to_owned()),
        ("FAKETIME".to_owned(), format!("{seconds:+}")),
        ("FAKETIME_DONT_FAKE_MONOTONIC".to_owned(), "1".to_owned()),
    ]
}

/// Runs a command without a terminal and waits until it ends. Returns `None` if it takes longer than [`PATIENCE`].
pub(crate) fn finish(mut command: Command, input: Vec<u8>) -> Option<Finished> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = spawn(&mut command);
    let mut stdin = child.stdin.take().expect("stdin is a pipe");
    // A command may end without reading its input.
    let feeder = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let stdout = reader(child.stdout.take());
    let stderr = reader(child.stderr.take());
    let status = wait(child)?;
    let _ = feeder.join();
    Some(Finished::new(status, text(stdout), text(stderr)))
}

pub(crate) fn spawn(command: &mut Command) -> Child {
    command.spawn().expect("nsenter (package util-linux) cannot be started")
}

fn reader(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            let _ = pipe.read_to_end(&mut bytes);
        }
        bytes
    })
}

fn text(reader: JoinHandle<Vec<u8>>) -> String {
    let bytes = reader.join().expect("a reader of a pipe");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Waits until a child ends, and returns its status. Returns `None` if that takes longer than [`PATIENCE`]; a thread
/// then goes on waiting, until the end of the machine ends the child.
pub(crate) fn wait(mut child: Child) -> Option<ExitStatus> {
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || tell.send(child.wait()));
    told.recv_timeout(PATIENCE).ok()?.ok()
}
