//! A command at a terminal of the machine: reads its output, and types its input.

use std::fs::File;
use std::io::{Read, Write};
use std::marker::PhantomData;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::pty::OpenptFlags;
use rustix::termios::Winsize;

use crate::call::{PATIENCE, spawn, wait};
use crate::programs::LOGGED_IN;

/// A command that runs at a terminal. When this value is dropped, the terminal hangs up.
pub struct Session<'m> {
    machine: PhantomData<&'m ()>,
    name: String,
    child: Option<Child>,
    status: Option<ExitStatus>,
    keyboard: File,
    screen: Arc<Screen>,
    read_so_far: usize,
    // Number of bytes that had been shown at the last input.
    answered: usize,
}

#[derive(Default)]
struct Screen {
    state: Mutex<Shown>,
    changed: Condvar,
}

#[derive(Default)]
struct Shown {
    bytes: Vec<u8>,
    hung_up: bool,
}

impl Session<'_> {
    /// Starts a command at a new terminal of the machine whose root folder is `root`. `name` is the command's name in
    /// error messages.
    pub(crate) fn start(root: &OwnedFd, name: String, mut command: Command) -> Self {
        let (master, slave) = terminal(root);
        command.stdin(copy(&slave)).stdout(copy(&slave)).stderr(slave);
        let child = spawn(&mut command);
        // `command` has copies of the terminal's descriptors. While they are open, the end of the child is not seen.
        drop(command);
        Session::of(name, master, child)
    }

    /// Creates a session of a command that runs already. `master` is the controlling end of its terminal.
    pub(crate) fn of(name: String, master: OwnedFd, child: Child) -> Self {
        let screen = Arc::new(Screen::default());
        let (watched, display) = (Arc::clone(&screen), File::from(copy(&master)));
        std::thread::spawn(move || watched.watch(display));
        Session {
            machine: PhantomData,
            name,
            child: Some(child),
            status: None,
            keyboard: File::from(master),
            screen,
            read_so_far: 0,
            answered: 0,
        }
    }

    /// Waits until `text` appears in the output after the text that was found before.
    #[track_caller]
    pub fn expect(&mut self, text: &str) -> &mut Self {
        self.expect_one_of(&[text]);
        self
    }

    /// Waits until one of the texts appears in the output after the text that was found before. Returns the index of
    /// the text.
    #[track_caller]
    pub fn expect_one_of(&mut self, texts: &[&str]) -> usize {
        let from = self.read_so_far;
        let seen = self.screen.until(|shown| {
            let found = texts.iter().map(|text| find(&shown.bytes[from..], text.as_bytes()));
            let first = found.enumerate().filter_map(|(i, at)| Some((at?, i)));
            first.min().map(Some).or(shown.hung_up.then_some(None))
        });
        let Some(Some((at, which))) = seen else {
            panic!("{} never showed {texts:?}; all of it:\n{}", self.name, self.transcript());
        };
        self.read_so_far = from + at + texts[which].len();
        which
    }

    /// Types a line, with a newline at its end.
    pub fn send_line(&mut self, line: &str) -> &mut Self {
        self.send(&format!("{line}\n"))
    }

    /// Types these characters, without a newline. `\x03` is ^C, and `\x04` is ^D.
    pub fn send(&mut self, keys: &str) -> &mut Self {
        self.answered = self.screen.lock().bytes.len();
        // A terminal that has hung up accepts no input; the screen then tells the test why.
        let _ = self.keyboard.write_all(keys.as_bytes());
        self
    }

    /// Waits until the terminal no longer shows what is typed. Some programs discard what was typed before that.
    #[track_caller]
    pub fn hidden(&mut self) -> &mut Self {
        let end = Instant::now() + PATIENCE;
        let hides = || {
            let modes = rustix::termios::tcgetattr(&self.keyboard).expect("a terminal").local_modes;
            !modes.contains(rustix::termios::LocalModes::ECHO)
        };
        while !hides() {
            assert!(Instant::now() < end, "{} shows what is typed", self.name);
            std::thread::sleep(Duration::from_millis(5));
        }
        self
    }

    /// Waits for a prompt that was not answered yet.
    #[track_caller]
    pub(crate) fn until_a_prompt(&mut self) {
        if self.asks() != Some(true) {
            panic!("{} asks no more; all of it:\n{}", self.name, self.transcript());
        }
    }

    /// Waits for a prompt or the end of the command. Returns `true` for a prompt; `None` if neither comes within the
    /// time limit.
    pub(crate) fn asks(&self) -> Option<bool> {
        let answered = self.answered;
        self.screen.until(|shown| {
            let waits = shown.bytes.len() > answered && shown.bytes.ends_with(b": ");
            (waits || shown.hung_up).then_some(waits)
        })
    }

    /// Answers all further prompts with empty lines until the command ends. Returns its exit code; 128 + N if signal N
    /// ended it; `None` if neither is known.
    #[track_caller]
    pub fn give_up(&mut self) -> Option<i32> {
        loop {
            if self.asks() != Some(true) {
                return self.exit_code();
            }
            self.send_line("");
        }
    }

    /// Returns all text shown so far.
    pub fn transcript(&self) -> String {
        String::from_utf8_lossy(&self.screen.lock().bytes).into_owned()
    }

    /// Waits until the command ends. Returns its exit code; 128 + N if signal N ended it; `None` if neither is known.
    #[track_caller]
    pub fn exit_code(&mut self) -> Option<i32> {
        if let Some(child) = self.child.take() {
            self.status = wait(child);
            // The last output of the command may not have been read yet.
            self.screen.until_at_most(Duration::from_secs(2), |shown| shown.hung_up.then_some(()));
        }
        let Some(status) = self.status else {
            panic!("{} does not end; it showed:\n{}", self.name, self.transcript());
        };
        status.code()
    }

    /// Waits until the command ends. Returns whether the login has started the shell or command of the account that was
    /// to log in.
    #[track_caller]
    pub fn logged_in(&mut self) -> bool {
        self.exit_code();
        self.transcript().contains(LOGGED_IN)
    }

    /// Waits until the command ends. Returns the name of the account whose shell or command the login has started;
    /// `None` if it has started none.
    #[track_caller]
    pub fn logged_in_as(&mut self) -> Option<String> {
        self.exit_code();
        let transcript = self.transcript();
        let (_, after) = transcript.split_once(LOGGED_IN)?;
        after.split_whitespace().next().map(str::to_owned)
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Screen {
    fn lock(&self) -> MutexGuard<'_, Shown> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watch(&self, mut display: File) {
        let mut bytes = [0_u8; 4096];
        loop {
            // EIO: no process has the terminal open any more.
            let size = display.read(&mut bytes).unwrap_or(0);
            let mut shown = self.lock();
            shown.bytes.extend_from_slice(&bytes[..size]);
            shown.hung_up = size == 0;
            self.changed.notify_all();
            if size == 0 {
                return;
            }
        }
    }

    fn until<T>(&self, seen: impl Fn(&Shown) -> Option<T>) -> Option<T> {
        self.until_at_most(PATIENCE, seen)
    }

    fn until_at_most<T>(
        &self,
        patience: Duration,
        seen: impl Fn(&Shown) -> Option<T>,
    ) -> Option<T> {
        let end = Instant::now() + patience;
        let mut shown = self.lock();
        loop {
            if let Some(found) = seen(&shown) {
                return Some(found);
            }
            let left = end.checked_duration_since(Instant::now())?;
            let waited = self.changed.wait_timeout(shown, left);
            shown = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// Opens a terminal of the machine's own devpts. Returns its controlling end, then the other end, for which login and
/// su find a name inside the machine.
pub(crate) fn terminal(root: &OwnedFd) -> (OwnedFd, OwnedFd) {
    let ptmx = rustix::fs::openat2(
        root,
        "/dev/pts/ptmx",
        OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC,
        Mode::empty(),
        ResolveFlags::IN_ROOT,
    );
    let master = ptmx.expect("the machine has terminals");
    rustix::pty::unlockpt(&master).expect("a new terminal can be unlocked");
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let slave = rustix::pty::ioctl_tiocgptpeer(&master, flags).expect("a terminal's other end");
    let size = Winsize { ws_row: 50, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 };
    rustix::termios::tcsetwinsize(&master, size).expect("a terminal takes a size");
    (master, slave)
}

fn copy(fd: &OwnedFd) -> OwnedFd {
    fd.try_clone().expect("a descriptor can be copied")
}

fn find(within: &[u8], text: &[u8]) -> Option<usize> {
    within.windows(text.len()).position(|window| window == text)
}
