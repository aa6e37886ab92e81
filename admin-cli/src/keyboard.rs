//! What a person or a script types: line by line from standard input, and interrupts at a prompt.

use std::{
    fs::File,
    io::{IsTerminal, Write},
    os::fd::{AsFd, BorrowedFd},
};

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::{getpgrp, kill_current_process_group};
use rustix::termios::tcgetpgrp;
use zeroize::Zeroizing;

use crate::exit::{Exit, Failure};
use crate::wording::{Notation, harmless};

/// More than any line that is asked for.
const LINE_MAX: usize = 4096;

/// Where lines come from.
enum Input {
    /// Standard input.
    Standard,
    /// The controlling terminal, where standard input holds data.
    Terminal(File),
    /// Nothing but what was read ahead.
    Nothing,
}

/// Standard input or what stands for it, and the signals that end a prompt. From its opening on ^C ends a prompt and nothing
/// else, so that a change under way is finished.
pub struct Keyboard {
    signals: SignalFd,
    read_ahead: Zeroizing<Vec<u8>>,
    input: Input,
}

/// What came.
pub enum Line {
    /// A line, without its end.
    Typed(Zeroizing<String>),
    /// Nothing more will come.
    End,
    /// ^C, or the terminal is gone.
    Interrupted,
}

impl Keyboard {
    /// Takes the signals over.
    pub fn open() -> Result<Self, Failure> {
        Self::of(Input::Standard)
    }

    /// As [`Keyboard::open`], at the controlling terminal; where there is none, nothing comes.
    pub fn at_terminal() -> Result<Self, Failure> {
        let terminal = File::options().read(true).write(true).open("/dev/tty");
        Self::of(terminal.map_or(Input::Nothing, Input::Terminal))
    }

    /// As [`Keyboard::open`], with lines that were read already.
    pub fn of_text(text: &str) -> Result<Self, Failure> {
        let mut keyboard = Self::of(Input::Nothing)?;
        keyboard.read_ahead.extend(text.bytes().take(LINE_MAX));
        Ok(keyboard)
    }

    fn of(input: Input) -> Result<Self, Failure> {
        let mut signals = SigSet::empty();
        for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT] {
            signals.add(signal);
        }
        let taken = signals
            .thread_block()
            .and_then(|()| SignalFd::with_flags(&signals, SfdFlags::SFD_CLOEXEC));
        let read_ahead = Zeroizing::new(Vec::with_capacity(LINE_MAX));
        Ok(Self { signals: taken.map_err(|errno| broken(&errno.to_string()))?, read_ahead, input })
    }

    /// Whether a signal came that ends a prompt, where nothing is asked: a long piece of work stops between two parts.
    pub fn is_interrupted(&self) -> bool {
        let mut watched = [PollFd::new(&self.signals, PollFlags::IN)];
        let now = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
        poll(&mut watched, Some(&now)).is_ok_and(|ready| ready > 0)
    }

    /// Asks on a terminal, and reads a line from wherever standard input comes.
    pub fn ask(&mut self, prompt: &str) -> Result<Line, Failure> {
        let at_a_terminal = match &self.input {
            Input::Standard => std::io::stdin().is_terminal(),
            Input::Terminal(_) => true,
            Input::Nothing => false,
        };
        if at_a_terminal {
            tell(prompt);
        }
        let line = self.line();
        if at_a_terminal && !matches!(line, Ok(Line::Typed(_))) {
            tell("\n");
        }
        line
    }

    fn line(&mut self) -> Result<Line, Failure> {
        loop {
            if let Some(line) = self.take_line() {
                return Ok(Line::Typed(line));
            }
            if self.read_ahead.len() >= LINE_MAX {
                return Err(broken("a line is longer than 4096 bytes"));
            }
            if self.wait()? {
                return Ok(Line::Interrupted);
            }
            match self.read_more() {
                Ok(0) if self.read_ahead.is_empty() => return Ok(Line::End),
                Ok(0) => self.read_ahead.push(b'\n'),
                Ok(_) | Err(Errno::INTR | Errno::AGAIN) => {}
                // A terminal that has hung up, or no standard input at all.
                Err(Errno::IO | Errno::BADF) => return Ok(Line::End),
                Err(errno) => return Err(broken(&errno.to_string())),
            }
        }
    }

    /// Waits for input or a signal; yes for a signal.
    fn wait(&self) -> Result<bool, Failure> {
        let stdin = std::io::stdin();
        let Some(input) = self.source(&stdin) else { return Ok(self.is_interrupted()) };
        if is_in_background(input) {
            come_to_the_front();
        }
        if is_in_background(input) {
            // Nothing brings it there. The read that follows stops again, or fails.
            return Ok(self.is_interrupted());
        }
        let mut watched =
            [PollFd::new(&self.signals, PollFlags::IN), PollFd::new(&input, PollFlags::IN)];
        match poll(&mut watched, None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(broken(&errno.to_string())),
        }
        let [signals, _] = watched;
        Ok(!signals.revents().is_empty())
    }

    fn source<'a>(&'a self, stdin: &'a std::io::Stdin) -> Option<BorrowedFd<'a>> {
        match &self.input {
            Input::Standard => Some(stdin.as_fd()),
            Input::Terminal(terminal) => Some(terminal.as_fd()),
            Input::Nothing => None,
        }
    }

    fn read_more(&mut self) -> rustix::io::Result<usize> {
        let mut bytes = Zeroizing::new([0; LINE_MAX]);
        let room = LINE_MAX - self.read_ahead.len();
        let stdin = std::io::stdin();
        let Some(input) = self.source(&stdin) else { return Ok(0) };
        let size = rustix::io::read(input, &mut bytes[..room])?;
        // Within the capacity, so that no copy is left behind.
        self.read_ahead.extend_from_slice(&bytes[..size]);
        Ok(size)
    }

    fn take_line(&mut self) -> Option<Zeroizing<String>> {
        let end = self.read_ahead.iter().position(|byte| *byte == b'\n')?;
        let line = Zeroizing::new(String::from_utf8_lossy(&self.read_ahead[..end]).into_owned());
        self.read_ahead.drain(..=end);
        Some(line)
    }
}

/// Whether another group of processes has this terminal in front.
fn is_in_background(input: BorrowedFd<'_>) -> bool {
    tcgetpgrp(input).is_ok_and(|front| front != getpgrp())
}

/// Stops as a read of the terminal would, until a shell or sudo puts this program in front. One that only waits for
/// input is never put there: sudo runs what stands in a pipeline in the background until it is stopped so.
fn come_to_the_front() {
    // Where it fails, the read that follows does too.
    let _ = kill_current_process_group(rustix::process::Signal::TTIN);
}

/// Says something beside the result: prompts and remarks go where a redirected standard output does not.
pub fn tell(text: &str) {
    tell_exactly(&harmless(text, Notation::Text));
}

/// As [`tell`], for text of this program's own that moves the cursor.
pub fn tell_exactly(text: &str) {
    // Whoever has closed standard error does not want to be told.
    let _ = std::io::stderr().write_all(text.as_bytes());
}

fn broken(why: &str) -> Failure {
    let what = format!("standard input cannot be read ({why})");
    Failure::new(Exit::Usage, what, "Type at a terminal, or give one line each in a pipe or file.")
}
