//! Connection to the agent, which verifies a code for a program that does not run as root. Sends the request and the
//! answer of the user, and receives the replies. Waits for the agent at most two seconds in all, not counting the time
//! that the user takes.

use std::cell::{Cell, RefCell};

use twinlock_core::{
    base::{error::AgentError, time::BootTime},
    policy::Field,
    ports::{AgentReply, CodeAgent},
    wire::{AgentVerb, Begin, End, FRAME_MAX, Frame, MAGIC, Received, SOCKET, push},
};
use twinlock_host::{
    daemon_socket::{self, DaemonError, DaemonSocket},
    trusted_dir::Owner,
};
use zeroize::Zeroizing;

/// Nanoseconds that one login may wait for the agent, in all its waits together.
const PATIENCE: u64 = 2_000_000_000;

/// The connection to the agent. It is opened by the first request.
pub(crate) struct AgentSocket {
    socket: RefCell<Option<DaemonSocket>>,
    /// Nanoseconds that the login may still wait for the agent.
    left: Cell<u64>,
}

impl Default for AgentSocket {
    fn default() -> Self {
        Self { socket: RefCell::default(), left: Cell::new(PATIENCE) }
    }
}

impl AgentSocket {
    /// Sends `bytes` to the agent and receives the reply. Fails if the agent does not reply in time.
    fn exchange(&self, bytes: &[u8]) -> Result<AgentReply, AgentError> {
        let socket = self.socket.borrow();
        let socket = socket.as_ref().ok_or(AgentError::Unreachable)?;
        let until = daemon_socket::in_nanoseconds(self.left.get()).map_err(fault)?;
        // If a user has too many connections, the listener of the agent sends a reply without reading. This reply
        // counts, even if the request could not be sent.
        let _ = socket.send(bytes, until);
        let reply = received(socket, until);
        self.left.set(daemon_socket::left(until).map_err(fault)?);
        reply
    }
}

impl CodeAgent for AgentSocket {
    fn begin(&self, service: &str, field: Field) -> Result<AgentReply, AgentError> {
        let socket = DaemonSocket::connect(SOCKET, Owner(0)).map_err(no_agent)?;
        self.socket.replace(Some(socket));
        let begin =
            Begin { verb: AgentVerb::Locker, json: false, words: vec!["", service, field.word()] };
        let mut bytes = MAGIC.to_vec();
        push(&mut bytes, &Frame::Begin(begin)).map_err(|_| AgentError::Broken)?;
        self.exchange(&bytes)
    }

    fn answer(&self, text: &str) -> Result<AgentReply, AgentError> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(text.len() + 3));
        push(&mut bytes, &Frame::Answer(text)).map_err(|_| AgentError::Broken)?;
        self.exchange(&bytes)
    }
}

/// Receives one frame, at the latest at the time `until`. More bytes than one frame are an error.
fn received(socket: &DaemonSocket, until: BootTime) -> Result<AgentReply, AgentError> {
    // The buffer has room for one byte more than a frame, so that a text that is too long is noticed.
    let mut buffer = [0; FRAME_MAX + 3];
    let mut filled = 0;
    loop {
        let rest = buffer.get_mut(filled..).unwrap_or_default();
        filled += socket.receive(rest, until).map_err(fault)?;
        match Received::read(buffer.get(..filled).unwrap_or_default()) {
            Ok(Some(found)) if found.size == filled => return reply(&found.frame),
            Ok(None) => {}
            Ok(Some(_)) | Err(_) => return Err(AgentError::Broken),
        }
    }
}

/// Returns why the agent could not be asked, for a fault before the first request.
fn no_agent(error: DaemonError) -> AgentError {
    match error {
        DaemonError::Untrusted => AgentError::Untrusted,
        DaemonError::Absent
        | DaemonError::Busy
        | DaemonError::NoConnection
        | DaemonError::Late
        | DaemonError::Closed => AgentError::Unreachable,
    }
}

/// Returns why an open connection could not be used.
fn fault(error: DaemonError) -> AgentError {
    match error {
        DaemonError::Late => AgentError::Late,
        DaemonError::Absent
        | DaemonError::Untrusted
        | DaemonError::Busy
        | DaemonError::NoConnection
        | DaemonError::Closed => AgentError::Broken,
    }
}

/// Returns the reply that a frame contains. Refuses a text with control characters other than line ends, because the
/// text is shown on the user's screen.
fn reply(frame: &Frame<'_>) -> Result<AgentReply, AgentError> {
    let is_safe = |letter: char| letter == '\n' || !letter.is_control();
    match frame {
        Frame::Ask(_) => Ok(AgentReply::Asks),
        Frame::End(End { status, text }) if text.chars().all(is_safe) => {
            Ok(AgentReply::Ended { status: *status, text: (*text).to_owned() })
        }
        Frame::End(_)
        | Frame::Begin(_)
        | Frame::Answer(_)
        | Frame::Cancel
        | Frame::Tell(_)
        | Frame::Show(_) => Err(AgentError::Broken),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        io::Write,
        os::{fd::OwnedFd, unix::net::UnixStream},
    };

    fn received(bytes: &[u8]) -> Result<AgentReply, AgentError> {
        let (mut agent, module) = UnixStream::pair().unwrap();
        agent.write_all(bytes).unwrap();
        let until = daemon_socket::in_nanoseconds(50_000_000).unwrap();
        super::received(&DaemonSocket::from(OwnedFd::from(module)), until)
    }

    fn frame(frame: &Frame<'_>) -> Vec<u8> {
        let mut bytes = Vec::new();
        push(&mut bytes, frame).unwrap();
        bytes
    }

    #[test]
    fn one_question_and_one_end_are_understood() {
        let ask = twinlock_core::wire::Ask { shown: false, text: "Code: " };
        assert_eq!(received(&frame(&Frame::Ask(ask))), Ok(AgentReply::Asks));
        let end = Frame::End(End { status: 1, text: "no\nå" });
        let ended = AgentReply::Ended { status: 1, text: "no\nå".into() };
        assert_eq!(received(&frame(&end)), Ok(ended));
    }

    #[test]
    fn anything_else_is_broken_or_late() {
        let ask = frame(&Frame::Ask(twinlock_core::wire::Ask { shown: false, text: "" }));
        let end = frame(&Frame::End(End { status: 0, text: "6" }));
        for bytes in [
            &frame(&Frame::Tell("6"))[..],
            &frame(&Frame::Answer("123456")),
            &frame(&Frame::Cancel),
            &[ask, end.clone()].concat(),
            &[end.clone(), vec![0]].concat(),
            &frame(&Frame::End(End { status: 1, text: "\x1b[2J" })),
            b"\0\0",
            b"HTTP/1.1 200 OK",
            &[0x0f; 9000],
        ] {
            assert_eq!(received(bytes), Err(AgentError::Broken), "{bytes:?}");
        }
        for cut in 0..end.len() {
            assert_eq!(received(&end[..cut]), Err(AgentError::Late), "{cut}");
        }
        let (agent, module) = UnixStream::pair().unwrap();
        drop(agent);
        let until = daemon_socket::in_nanoseconds(0).unwrap();
        let socket = DaemonSocket::from(OwnedFd::from(module));
        assert_eq!(super::received(&socket, until), Err(AgentError::Broken));
    }
}
