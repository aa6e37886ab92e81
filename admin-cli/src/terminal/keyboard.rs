//! Reads lines that a person types or a script sends, and notices signals that arrive at a prompt.

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

use crate::error::exit::{CliError, Exit};
use crate::text::{Notation, harmless};

/// Maximum length in bytes of a line. A longer one is an error.
const LINE_MAX: usize = 4096;

/// Where lines are read from.
enum Input {
    /// Standard input.
    Standard,
    /// The controlling terminal, which is used if standard input contains data.
    Terminal(File),
    /// No source: only lines that the command has already read are returned.
    Nothing,
}

/// Reads lines and receives SIGINT and similar signals. While this value exists, such a signal only ends a prompt, so
/// that a change that has begun is completed.
pub(crate) struct Keyboard {
    signals: SignalFd,
    read_ahead: Zeroizing<Vec<u8>>,
    input: Input,
}

/// Result of reading one line.
pub(crate) enum InputLine {
    /// A line, without its newline.
    Typed(Zeroizing<String>),
    /// The end of the input.
    End,
    /// A signal arrived: ^C was typed, the terminal hung up, or the process is to end.
    Interrupted,
}

impl Keyboard {
    /// Creates a keyboard that reads standard input. Blocks the signals that end a prompt.
    pub(crate) fn open() -> Result<Self, CliError> {
        Self::of(Input::Standard)
    }

    /// Creates a keyboard that reads the controlling terminal. Without one, there is no input. Blocks the signals that
    /// end a prompt.
    pub(crate) fn at_terminal() -> Result<Self, CliError> {
        let terminal = File::options().read(true).write(true).open("/dev/tty");
        Self::of(terminal.map_or(Input::Nothing, Input::Terminal))
    }

    /// Creates a keyboard that returns the lines of `text`, which were read before, and nothing else.
    pub(crate) fn of_text(text: &str) -> Result<Self, CliError> {
        let mut keyboard = Self::of(Input::Nothing)?;
        keyboard.read_ahead.extend(text.bytes().take(LINE_MAX));
        Ok(keyboard)
    }

    fn of(input: Input) -> Result<Self, CliError> {
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

    /// Returns whether a signal that ends prompts has arrived. Long work without prompts calls this between two steps.
    pub(crate) fn is_interrupted(&self) -> bool {
        let mut watched = [PollFd::new(&self.signals, PollFlags::IN)];
        let now = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
        poll(&mut watched, Some(&now)).is_ok_and(|ready| ready > 0)
    }

    /// Reads one line. If the input is a terminal, prints the prompt first.
    pub(crate) fn ask(&mut self, prompt: &str) -> Result<InputLine, CliError> {
        let at_a_terminal = match &self.input {
            Input::Standard => std::io::stdin().is_terminal(),
            Input::Terminal(_) => true,
            Input::Nothing => false,
        };
        if at_a_terminal {
            // Called before the prompt is printed, so that ^C reaches this process as soon as the prompt is visible.
            self.come_to_the_front();
            tell(prompt);
        }
        let line = self.line();
        if at_a_terminal && !matches!(line, Ok(InputLine::Typed(_))) {
            tell("\n");
        }
        line
    }

    fn line(&mut self) -> Result<InputLine, CliError> {
        loop {
            if let Some(line) = self.take_line() {
                return Ok(InputLine::Typed(line));
            }
            if self.read_ahead.len() >= LINE_MAX {
                return Err(broken("a line is longer than 4096 bytes"));
            }
            if self.wait()? {
                return Ok(InputLine::Interrupted);
            }
            match self.read_more() {
                Ok(0) if self.read_ahead.is_empty() => return Ok(InputLine::End),
                Ok(0) => self.read_ahead.push(b'\n'),
                Ok(_) | Err(Errno::INTR | Errno::AGAIN) => {}
                // The terminal hung up, or standard input is closed.
                Err(Errno::IO | Errno::BADF) => return Ok(InputLine::End),
                Err(errno) => return Err(broken(&errno.to_string())),
            }
        }
    }

    /// Waits until there is input or a signal arrives. Returns `true` for a signal.
    fn wait(&self) -> Result<bool, CliError> {
        let stdin = std::io::stdin();
        let Some(input) = self.source(&stdin) else { return Ok(self.is_interrupted()) };
        self.come_to_the_front();
        if is_in_background(input) {
            // The process stays in the background. The read that follows pauses it once more, or fails.
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

    /// Pauses this process (SIGTTIN) if another process group is in the foreground of the terminal, until a shell or
    /// sudo continues the process there. A read would do this too, but poll does not. sudo keeps a command of a
    /// pipeline in the background until the command is paused in this way.
    fn come_to_the_front(&self) {
        let stdin = std::io::stdin();
        if self.source(&stdin).is_some_and(is_in_background) {
            // If this fails, the read that follows fails too.
            let _ = kill_current_process_group(rustix::process::Signal::TTIN);
        }
    }

    fn source<'a>(&'a self, stdin: &'a std::io::Stdin) -> Option<BorrowedFd<'a>> {
        match &self.input {
            Input::Standard => Some(stdin.as_fd()),
            Input::Terminal(terminal) => Some(terminal.as_fd()),
            Input::Nothing => None,
        }
    }

    #[expect(clippy::indexing_slicing, reason = "within the length that was just read")]
    fn read_more(&mut self) -> rustix::io::Result<usize> {
        let mut bytes = Zeroizing::new([0; LINE_MAX]);
        let room = LINE_MAX - self.read_ahead.len();
        let stdin = std::io::stdin();
        let Some(input) = self.source(&stdin) else { return Ok(0) };
        let size = rustix::io::read(input, &mut bytes[..room])?;
        // The bytes fit in the capacity of the buffer, so the buffer is not moved and leaves no unwiped copy behind.
        self.read_ahead.extend_from_slice(&bytes[..size]);
        Ok(size)
    }

    #[expect(clippy::indexing_slicing, reason = "within the length that was just read")]
    fn take_line(&mut self) -> Option<Zeroizing<String>> {
        let end = self.read_ahead.iter().position(|byte| *byte == b'\n')?;
        let line = Zeroizing::new(String::from_utf8_lossy(&self.read_ahead[..end]).into_owned());
        self.read_ahead.drain(..=end);
        Some(line)
    }
}

/// Returns whether `input` is a terminal with another process group in the foreground.
fn is_in_background(input: BorrowedFd<'_>) -> bool {
    tcgetpgrp(input).is_ok_and(|front| front != getpgrp())
}

/// Prints a prompt or message on standard error, which is visible even if standard output is redirected. Escapes
/// control characters.
pub(crate) fn tell(text: &str) {
    tell_exactly(&harmless(text, Notation::Text));
}

/// Prints text of this program on standard error without escaping, since it contains control characters that move the
/// cursor.
pub(crate) fn tell_exactly(text: &str) {
    // A caller that has closed standard error does not want the message.
    let _ = std::io::stderr().write_all(text.as_bytes());
}

fn broken(why: &str) -> CliError {
    let what = format!("standard input cannot be read ({why})");
    CliError::new(Exit::Usage, what, "Type at a terminal, or give one line each in a pipe or file.")
}
