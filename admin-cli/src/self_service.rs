//! Runs subcommands through twinlock-agent, for users who are not root. Sends the request, prints the texts of the
//! agent, and passes on the user's answers. Decides nothing.
//!
//! May use: `cli`, `error`, `terminal`, `text`.

use std::{
    io::{IsTerminal, Read, Write},
    os::fd::{AsFd, OwnedFd},
    os::unix::net::UnixStream,
    process::ExitCode,
    time::Duration,
};

use rustix::{
    net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with, sockopt},
    process::geteuid,
    termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr},
};
use twinlock_core::wire::{
    AgentVerb as Wanted, Ask, Begin, End, FRAME_MAX, Frame, MAGIC, Received, SOCKET, push,
};
use zeroize::Zeroizing;

use crate::{
    cli::{Command, Grounds, Verb},
    error::exit::{CliError, Exit},
    terminal::{
        conversation::fitted,
        keyboard::{InputLine, Keyboard, tell},
    },
    text::{Notation, harmless},
};

/// Maximum time to wait for the first reply of the agent.
const FIRST: Duration = Duration::from_secs(2);
/// Maximum time to wait for each later reply. The agent may need 30 seconds to check a password.
const NEXT: Duration = Duration::from_secs(40);

/// Runs the subcommand through the agent and returns the exit status. Returns `None` if the caller is root or the agent
/// does not have the subcommand. The caller of this function must then run the subcommand itself.
pub(crate) fn run(command: &Command) -> Option<ExitCode> {
    if geteuid().is_root() {
        return None;
    }
    let (verb, words) = request(&command.verb)?;
    let words = words.iter().map(String::as_str).collect();
    let begin = Begin { verb, json: command.json, words };
    Some(match talk(&begin) {
        Ok(ended) => ended,
        Err(failure) => failure.print(command.json),
    })
}

/// Returns the operation of the agent that corresponds to the subcommand, and the words of the request; `None` if there
/// is no such operation.
#[expect(clippy::wildcard_enum_match_arm, reason = "every other verb needs root")]
fn request(verb: &Verb) -> Option<(Wanted, Vec<String>)> {
    let of = |wanted, user: &str| Some((wanted, vec![user.to_owned()]));
    match verb {
        Verb::Status { user } => of(Wanted::Status, user.as_deref().unwrap_or_default()),
        Verb::Devices { user } => of(Wanted::Devices, user),
        Verb::Why { user } => of(Wanted::Why, user),
        Verb::Forget(wanted) => {
            let number = wanted.chosen().map(|number| number.to_string()).unwrap_or_default();
            Some((Wanted::Forget, vec![wanted.user.clone(), number]))
        }
        Verb::BackupCodes(wanted) => of(Wanted::BackupCodes, &wanted.user),
        Verb::Change(wanted) => of(Wanted::Change, &wanted.user),
        Verb::Remove(wanted) => {
            let name = wanted.authenticator.clone()?;
            Some((Wanted::Remove, vec![wanted.user.clone(), name]))
        }
        Verb::Unlock(wanted) => delegated(Wanted::Unlock, &wanted.user, &wanted.grounds),
        Verb::Reset(wanted) if !wanted.end_sessions && !wanted.expire_password => {
            delegated(Wanted::Reset, &wanted.user, &wanted.privileged.grounds)
        }
        Verb::Bypass(wanted) => delegated(Wanted::Bypass, &wanted.user, &wanted.privileged.grounds),
        Verb::Requests => Some((Wanted::Requests, Vec::new())),
        Verb::Approve { id } => of(Wanted::Approve, id),
        Verb::Enroll(wanted) if wanted.many.from.is_none() => {
            of(Wanted::Enroll, wanted.user.as_deref().unwrap_or_default())
        }
        _ => None,
    }
}

/// Returns the request of a member of a role for an operation on the account of another user. The agent asks for the
/// reason if none is given. `None` with `--break-glass`, which only root may use.
fn delegated(wanted: Wanted, user: &str, grounds: &Grounds) -> Option<(Wanted, Vec<String>)> {
    let reason = grounds.reason.clone().unwrap_or_default();
    grounds.break_glass.is_none().then(|| (wanted, vec![user.to_owned(), reason]))
}

fn talk(begin: &Begin<'_>) -> Result<ExitCode, CliError> {
    let mut agent = Agent::connect()?;
    agent.send(&Frame::Begin(begin.clone()))?;
    let mut keyboard = Keyboard::open()?;
    let json = begin.json;
    // A text that is too long for one frame arrives in several frames. Its parts are collected here until the last one.
    let mut parts = Zeroizing::new(String::new());
    loop {
        match agent.receive()? {
            Heard::Ask { shown, text } => {
                parts.push_str(&text);
                let typed = asked(&mut keyboard, &fitted(&parts), shown)?;
                parts.clear();
                match typed {
                    InputLine::Typed(line) => agent.send(&Frame::Answer(&line))?,
                    InputLine::End | InputLine::Interrupted => agent.send(&Frame::Cancel)?,
                }
            }
            Heard::Show(text) => parts.push_str(&text),
            // Keys and codes belong to the terminal, also where the output is redirected.
            Heard::Tell(text) => {
                parts.push_str(&text);
                tell(&fitted(&parts));
                tell("\n");
                parts.clear();
            }
            Heard::End { status, text } => {
                parts.push_str(&text);
                match (status, json) {
                    _ if parts.is_empty() => {}
                    (0, true) => print(&parts, Notation::Json)?,
                    (0, false) => print(&fitted(&parts), Notation::Text)?,
                    _ => refuse(status, &parts, json),
                }
                return Ok(ExitCode::from(status));
            }
        }
    }
}

/// Prints why the agent refused the request.
fn refuse(status: u8, text: &str, json: bool) {
    if json {
        let object = serde_json::json!({ "error": text, "status": status });
        tell(&format!("{object}\n"));
    } else {
        tell(&fitted(&format!("twinlock: {text}\n")));
    }
}

fn print(text: &str, notation: Notation) -> Result<(), CliError> {
    let mut stdout = std::io::stdout().lock();
    let text = harmless(text, notation);
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.write_all(b"\n")) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(CliError::new(
            Exit::Refused,
            format!("standard output cannot be written ({error})"),
            "Send it to a terminal, or to a file on a disk that has room.",
        )),
    }
}

/// Asks the question `text` and returns the answer. The terminal shows the answer while it is typed only if `shown` is
/// `true`.
fn asked(keyboard: &mut Keyboard, text: &str, shown: bool) -> Result<InputLine, CliError> {
    let _hidden = (!shown).then(Hidden::of_terminal).flatten();
    let line = keyboard.ask(text);
    if !shown && matches!(line, Ok(InputLine::Typed(_))) {
        tell("\n");
    }
    line
}

/// Hides what the user types, until this value is dropped.
struct Hidden(Termios);

impl Hidden {
    /// Hides what the user types; `None` if standard input is no terminal.
    fn of_terminal() -> Option<Self> {
        let stdin = std::io::stdin();
        if !stdin.is_terminal() {
            return None;
        }
        let before = tcgetattr(&stdin).ok()?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        tcsetattr(&stdin, OptionalActions::Flush, &hidden).ok()?;
        Some(Self(before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // The terminal is gone if this fails.
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Drain, &self.0);
    }
}

/// A frame that the agent has sent, with its own copies of the texts.
enum Heard {
    Ask { shown: bool, text: Zeroizing<String> },
    Show(Zeroizing<String>),
    Tell(Zeroizing<String>),
    End { status: u8, text: String },
}

/// The connection to the agent.
struct Agent {
    socket: UnixStream,
    received: Zeroizing<Vec<u8>>,
    waits: Duration,
}

impl Agent {
    /// Connects to the agent, and checks that the process at the socket runs as root.
    fn connect() -> Result<Self, CliError> {
        let address = SocketAddrUnix::new(SOCKET).map_err(|_| absent())?;
        // With these flags, connecting to a socket whose queue is full fails at once and does not wait.
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket: OwnedFd = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)
            .map_err(|_| absent())?;
        connect(&socket, &address).map_err(|_| absent())?;
        let server = sockopt::socket_peercred(socket.as_fd()).map_err(|_| absent())?;
        if !server.uid.is_root() {
            return Err(absent());
        }
        let socket = UnixStream::from(socket);
        let ready =
            socket.set_nonblocking(false).and_then(|()| socket.set_write_timeout(Some(FIRST)));
        ready.map_err(|_| silent())?;
        // If the agent is busy, it has sent a refusal and closed the connection. Then this write fails, and the refusal
        // is read next.
        let _ = (&socket).write_all(&MAGIC);
        Ok(Self {
            socket,
            received: Zeroizing::new(Vec::with_capacity(2 * FRAME_MAX)),
            waits: FIRST,
        })
    }

    fn send(&mut self, frame: &Frame<'_>) -> Result<(), CliError> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(FRAME_MAX));
        push(&mut bytes, frame).map_err(|_| {
            CliError::new(Exit::Usage, "what was typed is too long", "Type something shorter.")
        })?;
        // An error is ignored for the same reason as in `connect`.
        let _ = self.socket.write_all(&bytes);
        Ok(())
    }

    fn receive(&mut self) -> Result<Heard, CliError> {
        loop {
            let received = Received::read(&self.received).map_err(|_| silent())?;
            if let Some(Received { frame, size }) = received {
                let text = |text: &str| Zeroizing::new(text.to_owned());
                let heard = match frame {
                    Frame::Ask(Ask { shown, text: asked }) => {
                        Heard::Ask { shown, text: text(asked) }
                    }
                    Frame::Show(shown) => Heard::Show(text(shown)),
                    Frame::Tell(told) => Heard::Tell(text(told)),
                    Frame::End(End { status, text }) => {
                        Heard::End { status, text: text.to_owned() }
                    }
                    Frame::Begin(_) | Frame::Answer(_) | Frame::Cancel => return Err(silent()),
                };
                self.received.drain(..size);
                self.waits = NEXT;
                return Ok(heard);
            }
            self.socket.set_read_timeout(Some(self.waits)).map_err(|_| silent())?;
            let mut part = Zeroizing::new([0; FRAME_MAX]);
            match self.socket.read(part.as_mut_slice()) {
                Ok(0) => return Err(silent()),
                Ok(count) => self.received.extend(part.iter().take(count)),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => return Err(silent()),
            }
        }
    }
}

/// Returns the error for a host where no agent runs.
fn absent() -> CliError {
    CliError::new(
        Exit::NotAllowed,
        "only root may do this here, because no agent runs (twinlock-agent.socket)",
        "To change your own backup codes or app: log in, type ?, then 4. Everything else needs root.",
    )
}

/// Returns the error for an agent that does not answer, or that ended too early.
fn silent() -> CliError {
    CliError::new(
        Exit::StoreUnreachable,
        "the agent does not answer; it is unknown whether anything was changed",
        "See with twinlock status, and try again. At a login, ? and then 4 does the same.",
    )
}
