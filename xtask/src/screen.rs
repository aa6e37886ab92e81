//! Runs a program on a separate terminal. Reads the program's output, and also shows it on this terminal.

use std::fs::File;
use std::io::{Read, Write, stdout};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use rustix::time::Timespec;
use twinlock_tests::{Call, FleetHost};

use crate::command::Done;

const PATIENCE: Duration = Duration::from_secs(20);

/// A program that runs on a separate terminal.
pub(crate) struct Screen {
    terminal: File,
    child: Child,
    seen: String,
    /// The first bytes of a UTF-8 character whose other bytes have not been read yet.
    split: Vec<u8>,
}

impl Screen {
    /// Starts the program and arguments `words`. First prints `shown`, as if a user had typed it as the command line.
    pub(crate) fn start(words: &[String], shown: &str) -> Done<Self> {
        let (terminal, slave) =
            pair().map_err(|error| format!("No terminal for `{shown}`: {error}."))?;
        // setsid(1) makes this terminal the controlling terminal of the program. ssh and prompts require that.
        let mut command = Command::new("setsid");
        command.args(["--ctty", "--wait"]).args(words).env("TERM", "dumb").env("LC_ALL", "C.UTF-8");
        say("\n$ ");
        Self::at(command, terminal, slave, shown)
    }

    /// Starts a command in a private machine, as root unless the call says otherwise. First prints the machine's name
    /// and `shown`, as if a user had typed it there.
    pub(crate) fn inside(machine: &FleetHost<'_>, call: Call<'_>, shown: &str) -> Done<Self> {
        let (terminal, slave) = machine.terminal();
        say(&format!("\n{}$ ", machine.name()));
        Self::at(call.at_a_terminal(), terminal.into(), slave, shown)
    }

    /// Starts a command. `terminal` is the controlling end of its terminal, and `slave` the other end.
    fn at(mut command: Command, terminal: File, slave: OwnedFd, shown: &str) -> Done<Self> {
        say(&format!("{shown}\n"));
        let twins = slave.try_clone().and_then(|out| Ok((out, slave.try_clone()?)));
        let (out, err) = twins.map_err(|error| format!("No terminal for `{shown}`: {error}."))?;
        command.stdin(slave).stdout(out).stderr(err);
        let child =
            command.spawn().map_err(|error| format!("`{shown}` does not start: {error}."))?;
        Ok(Self { terminal, child, seen: String::new(), split: Vec::new() })
    }

    /// Waits until the program shows one of the texts. Returns the index of that text, and the output up to its end.
    /// Fails after [`PATIENCE`].
    pub(crate) fn expect(&mut self, texts: &[&str]) -> Done<(usize, String)> {
        let until = Instant::now() + PATIENCE;
        loop {
            let found = texts
                .iter()
                .enumerate()
                .filter_map(|(which, text)| Some((self.seen.find(text)?, which, *text)));
            if let Some((at, which, text)) = found.min() {
                let rest = self.seen.split_off(at + text.len());
                return Ok((which, std::mem::replace(&mut self.seen, rest)));
            }
            if !self.read_on(until) {
                return Err(format!("It was to show {}, and did not.", texts.join(" or ")));
            }
        }
    }

    /// Types a line into the program's terminal.
    pub(crate) fn type_line(&mut self, line: &str) -> Done {
        let typed = self.terminal.write_all(format!("{line}\n").as_bytes());
        typed.map_err(|error| format!("The program does not take what is typed: {error}."))
    }

    /// Types a line that the program's terminal does not show. Prints it in brackets on this terminal.
    pub(crate) fn type_hidden(&mut self, line: &str) -> Done {
        let shown = if line.is_empty() { "Enter" } else { line };
        say(&format!("[{shown}]"));
        self.type_line(line)
    }

    /// Waits until the program ends, and kills it after [`PATIENCE`]. Returns its exit status, and the output that
    /// [`Screen::expect`] has not returned.
    pub(crate) fn end(mut self) -> Done<(ExitStatus, String)> {
        let until = Instant::now() + PATIENCE;
        while self.read_on(until) {}
        if Instant::now() > until {
            let _ = self.child.kill();
        }
        let status = self.child.wait().map_err(|error| format!("No end: {error}."))?;
        Ok((status, std::mem::take(&mut self.seen)))
    }

    /// Reads some output, and waits for it no longer than until the time `until`. Returns `false` if the program has
    /// ended or if the time is over.
    fn read_on(&mut self, until: Instant) -> bool {
        let left = until.saturating_duration_since(Instant::now());
        let Ok(left) = Timespec::try_from(left) else {
            return false;
        };
        let mut waiting = [PollFd::new(&self.terminal, PollFlags::IN)];
        if !matches!(poll(&mut waiting, Some(&left)), Ok(1..)) {
            return false;
        }
        let mut bytes = [0; 4096];
        // Reading the terminal fails when the last program that uses it has ended.
        let Ok(length @ 1..) = self.terminal.read(&mut bytes) else {
            return false;
        };
        self.split.extend_from_slice(bytes.get(..length).unwrap_or_default());
        let whole = whole_letters(&self.split);
        let rest = self.split.split_off(whole);
        let text = String::from_utf8_lossy(&self.split).replace('\r', "");
        self.split = rest;
        say(&text);
        self.seen.push_str(&text);
        true
    }
}

/// Returns the number of bytes up to the end of the last complete UTF-8 character. The bytes of one read may end inside
/// a character.
fn whole_letters(bytes: &[u8]) -> usize {
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        Ok(_) | Err(_) => bytes.len(),
    }
}

/// Opens a new pseudoterminal. Returns the end for this process, then the end for the program.
fn pair() -> rustix::io::Result<(File, OwnedFd)> {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    let size = Winsize { ws_row: 40, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&master, size)?;
    let name = ptsname(&master, Vec::new())?;
    let slave =
        open(name.as_c_str(), OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?;
    Ok((master.into(), slave))
}

/// Prints text immediately, without waiting for the end of the line.
pub(crate) fn say(text: &str) {
    let mut screen = stdout();
    let _ = screen.write_all(text.as_bytes()).and_then(|()| screen.flush());
}
