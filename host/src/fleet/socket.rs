//! The connection to the daemon `twinlock-fleet`. Each request opens a new connection. The time for which a login or a
//! command waits for the daemon is limited.

use std::{
    cell::Cell,
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
    base::{error::FleetError, time::BootTime},
    ports::Clock,
    wire::fleet::{
        FLEET_SOCKET, FleetOutcome, FleetReply, FleetRequest, FleetTask, REPLY_MAX, length_of,
    },
};
use zeroize::Zeroizing;

use crate::{clock::KernelClock, fleet::session::FleetStore, trusted_dir::Owner};

/// Milliseconds for which a login may wait for the store, summed over all requests. The time in which the user types
/// does not count.
const LOGIN_PATIENCE: u16 = 3_000;

/// The connection to the daemon.
pub struct FleetSocket {
    owner: Owner,
    /// Remaining time for waiting in nanoseconds.
    left: Cell<u64>,
    /// Milliseconds for each request of a command; `None` if all requests of a login share one time.
    each: Option<u16>,
}

impl FleetSocket {
    /// Returns a connection for one login, which may wait for three seconds in all. The listening process must belong
    /// to `owner`, which is root.
    #[must_use]
    pub fn for_login(owner: Owner) -> Self {
        Self { owner, left: Cell::new(nanoseconds(LOGIN_PATIENCE)), each: None }
    }

    /// Returns a connection for a command, which may wait for `milliseconds` at each request.
    #[must_use]
    pub fn for_command(owner: Owner, milliseconds: u16) -> Self {
        Self { owner, left: Cell::new(0), each: Some(milliseconds) }
    }

    fn exchange(&self, task: FleetTask) -> Result<FleetReply, FleetError> {
        if let Some(milliseconds) = self.each {
            self.left.set(nanoseconds(milliseconds));
        }
        let begun = now()?;
        let patience = u16::try_from(self.left.get() / 1_000_000).unwrap_or(u16::MAX);
        if patience == 0 {
            return Err(FleetError::Unreachable);
        }
        let mut bytes = Zeroizing::new(Vec::new());
        FleetRequest { patience, task }.push(&mut bytes).ok_or(FleetError::Seal)?;
        let socket = connected(self.owner)?;
        let reply = self.send(socket.as_fd(), &bytes, begun);
        let reply = reply.and_then(|()| self.receive(socket.as_fd(), begun));
        self.left.set(self.left_since(begun)?);
        reply
    }

    fn send(
        &self,
        socket: BorrowedFd<'_>,
        mut bytes: &[u8],
        begun: BootTime,
    ) -> Result<(), FleetError> {
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        while !bytes.is_empty() {
            match send(socket, bytes, flags) {
                Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
                Err(Errno::AGAIN) => self.wait(socket, PollFlags::OUT, begun)?,
                Err(Errno::INTR) => {}
                Err(_) => return Err(FleetError::Broken),
            }
        }
        Ok(())
    }

    fn receive(&self, socket: BorrowedFd<'_>, begun: BootTime) -> Result<FleetReply, FleetError> {
        let mut received = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            match recv(socket, &mut buffer, RecvFlags::DONTWAIT) {
                Ok((0, _)) => return Err(FleetError::Broken),
                Ok((count, _)) => {
                    received.extend_from_slice(buffer.get(..count).unwrap_or_default());
                }
                Err(Errno::AGAIN) => {
                    self.wait(socket, PollFlags::IN, begun)?;
                    continue;
                }
                Err(Errno::INTR) => continue,
                Err(_) => return Err(FleetError::Broken),
            }
            let Some(length) = length_of(&received) else { continue };
            let body = received.get(4..).unwrap_or_default();
            if length > REPLY_MAX || body.len() > length {
                return Err(FleetError::Broken);
            }
            if body.len() == length {
                return understood(FleetReply::read(body).ok_or(FleetError::Broken)?);
            }
        }
    }

    /// Waits until the socket is ready. Fails if no time is left.
    fn wait(
        &self,
        socket: BorrowedFd<'_>,
        flags: PollFlags,
        begun: BootTime,
    ) -> Result<(), FleetError> {
        loop {
            let left = self.left_since(begun)?;
            let limit = Timespec {
                tv_sec: (left / 1_000_000_000).cast_signed(),
                tv_nsec: (left % 1_000_000_000).cast_signed(),
            };
            match poll(&mut [PollFd::from_borrowed_fd(socket, flags)], Some(&limit)) {
                Ok(0) if left == 0 => return Err(FleetError::Unreachable),
                Ok(0) | Err(Errno::INTR) => {}
                Ok(_) => return Ok(()),
                Err(_) => return Err(FleetError::NoConnection),
            }
        }
    }

    fn left_since(&self, begun: BootTime) -> Result<u64, FleetError> {
        Ok(self.left.get().saturating_sub(now()?.0.saturating_sub(begun.0)))
    }
}

impl FleetStore for FleetSocket {
    fn ask(&self, task: FleetTask) -> Result<FleetReply, FleetError> {
        self.exchange(task)
    }
}

fn nanoseconds(milliseconds: u16) -> u64 {
    u64::from(milliseconds) * 1_000_000
}

fn now() -> Result<BootTime, FleetError> {
    KernelClock.now().map(|now| now.boot).map_err(|_| FleetError::NoConnection)
}

/// Connects to the daemon without waiting, and checks that the listening process belongs to `owner`.
fn connected(owner: Owner) -> Result<OwnedFd, FleetError> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None);
    // A caller may have taken all descriptors away: a reason to refuse, and none to do without the store.
    let socket = socket.map_err(|_| FleetError::NoConnection)?;
    let address = SocketAddrUnix::new(FLEET_SOCKET).map_err(|_| FleetError::NoConnection)?;
    match connect(&socket, &address) {
        Ok(()) => {}
        // The queue of the daemon is full. A connection would have to wait.
        Err(Errno::AGAIN) => return Err(FleetError::Busy),
        Err(Errno::NOENT | Errno::CONNREFUSED) => return Err(FleetError::NoDaemon),
        Err(_) => return Err(FleetError::NoConnection),
    }
    let server = sockopt::socket_peercred(&socket).map_err(|_| FleetError::NoConnection)?;
    if server.uid.as_raw() == owner.0 { Ok(socket) } else { Err(FleetError::NoDaemon) }
}

/// Returns the reply if the store has answered, or the error for the outcome of the reply.
fn understood(reply: FleetReply) -> Result<FleetReply, FleetError> {
    match reply.outcome {
        FleetOutcome::Done | FleetOutcome::Refused => Ok(reply),
        FleetOutcome::Unreachable => Err(FleetError::Unreachable),
        FleetOutcome::Busy => Err(FleetError::Busy),
        FleetOutcome::Full => Err(FleetError::Full),
        FleetOutcome::Denied => Err(FleetError::Denied),
        FleetOutcome::RolledBack => Err(FleetError::RolledBack),
        FleetOutcome::Cloned => Err(FleetError::Cloned),
        FleetOutcome::NotJoined => Err(FleetError::NotJoined),
        FleetOutcome::Malformed => Err(FleetError::Broken),
    }
}
