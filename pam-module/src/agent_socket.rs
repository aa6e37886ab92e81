//! Connection to the agent, which verifies a code for a program that does not run as root. Sends the request and the
//! answer of the user, and receives the replies. Waits for the agent at most two seconds in all, not counting the time
//! that the user takes.

use std::{
    cell::{Cell, RefCell},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    net::{
        AddressFamily, RecvFlags, SendFlags, SocketAddrUnix, SocketFlags, SocketType, connect,
        recv, send, socket_with, sockopt,
    },
};
use twinlock_core::{
    base::{error::AgentError, time::BootTime},
    policy::Field,
    ports::{AgentReply, Clock, CodeAgent},
    wire::{AgentVerb, Begin, End, FRAME_MAX, Frame, MAGIC, Received, SOCKET, push},
};
use twinlock_host::clock::KernelClock;
use zeroize::Zeroizing;

/// Nanoseconds that one login may wait for the agent, in all its waits together.
const PATIENCE: u64 = 2_000_000_000;

/// The connection to the agent. It is opened by the first request.
pub(crate) struct AgentSocket {
    socket: RefCell<Option<OwnedFd>>,
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
        // These bytes are far fewer than the buffer of a socket. If they do not fit now, they never will.
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        let sent = send(socket, bytes, flags);
        match (sent, self.receive(socket.as_fd())) {
            // If a user has too many connections, the listener of the agent sends a reply without reading. This reply
            // counts, even if the request could not be sent.
            (_, Ok(reply)) => Ok(reply),
            (Ok(count), Err(fault)) if count == bytes.len() => Err(fault),
            (Ok(_) | Err(_), Err(_)) => Err(AgentError::Broken),
        }
    }

    /// Receives one frame. Fails if more bytes follow it.
    fn receive(&self, socket: BorrowedFd<'_>) -> Result<AgentReply, AgentError> {
        // The buffer has room for one byte more than a frame, so that a text that is too long is noticed.
        let mut buffer = [0; FRAME_MAX + 3];
        let mut filled = 0;
        let begun = now()?;
        loop {
            self.wait(socket, begun)?;
            let rest = buffer.get_mut(filled..).unwrap_or_default();
            match recv(socket, rest, RecvFlags::DONTWAIT) {
                Ok((0, _)) => return Err(AgentError::Broken),
                Ok((count, _)) => filled += count,
                Err(Errno::AGAIN | Errno::INTR) => continue,
                Err(_) => return Err(AgentError::Broken),
            }
            match Received::read(buffer.get(..filled).unwrap_or_default()) {
                Ok(Some(found)) if found.size == filled => {
                    self.left.set(self.left_since(begun)?);
                    return reply(&found.frame);
                }
                Ok(None) => {}
                Ok(Some(_)) | Err(_) => return Err(AgentError::Broken),
            }
        }
    }

    /// Waits until bytes can be received. Fails if the time that this login may wait is over. `begun` is the time at
    /// which this wait began.
    fn wait(&self, socket: BorrowedFd<'_>, begun: BootTime) -> Result<(), AgentError> {
        loop {
            let left = self.left_since(begun)?;
            let limit = Timespec {
                tv_sec: (left / 1_000_000_000).cast_signed(),
                tv_nsec: (left % 1_000_000_000).cast_signed(),
            };
            match poll(&mut [PollFd::from_borrowed_fd(socket, PollFlags::IN)], Some(&limit)) {
                Ok(0) if left == 0 => return Err(AgentError::Late),
                Ok(0) | Err(Errno::INTR) => {}
                Ok(_) => return Ok(()),
                Err(_) => return Err(AgentError::Broken),
            }
        }
    }

    /// Returns the nanoseconds that this login may still wait: [`Self::left`] minus the time since `begun`.
    fn left_since(&self, begun: BootTime) -> Result<u64, AgentError> {
        Ok(self.left.get().saturating_sub(now()?.0.saturating_sub(begun.0)))
    }
}

impl CodeAgent for AgentSocket {
    fn begin(&self, service: &str, field: Field) -> Result<AgentReply, AgentError> {
        self.socket.replace(Some(connected()?));
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

/// Returns the time of the boot clock, which continues while the machine sleeps.
fn now() -> Result<BootTime, AgentError> {
    KernelClock.now().map(|now| now.boot).map_err(|_| AgentError::Late)
}

/// Connects to the agent without waiting, and checks that a process of root listens.
fn connected() -> Result<OwnedFd, AgentError> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None);
    let socket = socket.map_err(|_| AgentError::Unreachable)?;
    let address = SocketAddrUnix::new(SOCKET).map_err(|_| AgentError::Unreachable)?;
    // If the queue of the listener is full, a connection would have to wait. It fails in that case.
    connect(&socket, &address).map_err(|_| AgentError::Unreachable)?;
    let server = sockopt::socket_peercred(&socket).map_err(|_| AgentError::Untrusted)?;
    if server.uid.is_root() { Ok(socket) } else { Err(AgentError::Untrusted) }
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
    use std::{io::Write, os::unix::net::UnixStream};

    fn received(bytes: &[u8]) -> Result<AgentReply, AgentError> {
        let (mut agent, module) = UnixStream::pair().unwrap();
        agent.write_all(bytes).unwrap();
        let socket = AgentSocket { left: Cell::new(50_000_000), ..AgentSocket::default() };
        socket.receive(module.as_fd())
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
        assert_eq!(AgentSocket::default().receive(module.as_fd()), Err(AgentError::Broken));
    }
}
