//! Sends replies, and detects whether clients have read them.

use std::{
    io::{self, Read, Write},
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::net::UnixStream,
    },
    sync::{Mutex, PoisonError},
    time::Duration,
};

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use twinlock_core::wire::fleet::FleetReply;

use crate::{
    clock::{Deadline, since_boot},
    take_back::GuardedDelete,
};

/// Maximum time for which a client may pause reading while a reply is sent.
const STALL: Duration = Duration::from_millis(500);
/// Maximum time for sending a reply.
const WHOLE: Duration = Duration::from_secs(2);
/// Time for which a connection is watched after the reply was sent. No client waits longer for a reply.
const WATCH: Duration = Duration::from_secs(10);
/// Maximum number of connections that are watched at a time.
const WATCHED_MAX: usize = 4096;

/// Sends a reply. Returns whether all of it was written to the connection.
pub(crate) fn send(mut socket: &UnixStream, reply: &FleetReply) -> bool {
    let mut bytes = Vec::new();
    reply.push(&mut bytes);
    let mut rest = bytes.as_slice();
    let deadline = Deadline::within(WHOLE);
    while !rest.is_empty() {
        match socket.write(rest) {
            Ok(sent) => rest = rest.get(sent..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let left = deadline.left().min(STALL);
                if left.is_zero() || !wait(socket, PollFlags::OUT, left) {
                    return false;
                }
            }
            Err(_) => return false,
        }
    }
    true
}

/// Sends a reply without waiting. A reply that does not fit into the connection's buffer is cut off.
pub(crate) fn send_at_once(mut socket: &UnixStream, reply: &FleetReply) {
    let mut bytes = Vec::new();
    reply.push(&mut bytes);
    // A client that is gone learns nothing.
    let _ = socket.write(&bytes);
}

/// Returns whether the client has closed the connection.
pub(crate) fn is_closed(socket: &UnixStream) -> bool {
    wait(socket, PollFlags::RDHUP, Duration::ZERO)
}

fn wait(socket: &UnixStream, flags: PollFlags, most: Duration) -> bool {
    let most = Timespec::try_from(most).unwrap_or_default();
    poll(&mut [PollFd::new(socket, flags)], Some(&most)).is_ok_and(|ready| ready > 0)
}

/// A connection whose reply was sent. If the client closes the connection without reading the reply, the daemon deletes
/// values from the store.
#[derive(Debug)]
pub(crate) struct Watched {
    /// The connection.
    pub(crate) socket: UnixStream,
    deletes: Vec<GuardedDelete>,
    until: Duration,
}

/// Result of a look at a watched connection.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum WatchEnd {
    /// The connection is still open.
    Open,
    /// The client has read the reply, or the time for watching is over.
    Read,
    /// The client has not read the reply.
    Unread,
}

impl Watched {
    /// Returns the time since boot until which the connection is watched.
    pub(crate) fn until(&self) -> Duration {
        self.until
    }

    /// Returns the values that are deleted if the client has not read the reply.
    pub(crate) fn into_deletes(self) -> Vec<GuardedDelete> {
        self.deletes
    }

    /// Checks whether the client has closed the connection. The kernel reports a reset if the client left bytes unread.
    pub(crate) fn end(&mut self) -> WatchEnd {
        match self.socket.read(&mut [0]) {
            Ok(_) => WatchEnd::Read,
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => WatchEnd::Unread,
            Err(_) if since_boot() >= self.until => WatchEnd::Read,
            Err(_) => WatchEnd::Open,
        }
    }
}

/// Connections that threads hand over to the listener to watch.
#[derive(Debug)]
pub(crate) struct Handover {
    connections: Mutex<Vec<Watched>>,
    wake: OwnedFd,
}

impl Handover {
    /// Returns a queue without connections.
    ///
    /// # Errors
    /// [`io::Error`] if the kernel has no descriptor for it.
    pub(crate) fn new() -> io::Result<Self> {
        let wake = eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?;
        Ok(Self { connections: Mutex::default(), wake })
    }

    /// Hands a connection over to the listener, with the values that are deleted if the client does not read the reply.
    pub(crate) fn watch(&self, socket: UnixStream, deletes: Vec<GuardedDelete>) {
        let until = since_boot() + WATCH;
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        if connections.len() < WATCHED_MAX {
            connections.push(Watched { socket, deletes, until });
        }
        drop(connections);
        // If the counter is full, the listener is awake anyway.
        let _ = rustix::io::write(&self.wake, &1_u64.to_ne_bytes());
    }

    /// Removes and returns the connections that were handed over since the last call.
    pub(crate) fn take(&self) -> Vec<Watched> {
        let _ = rustix::io::read(&self.wake, &mut [0; 8]);
        std::mem::take(&mut *self.connections.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns the descriptor that becomes readable when a connection was handed over.
    pub(crate) fn wake(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use twinlock_core::wire::fleet::{FleetOutcome, StoreEntry};

    fn pair() -> (UnixStream, UnixStream) {
        let (ours, client) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        (ours, client)
    }

    fn watched(socket: UnixStream) -> Watched {
        let handover = Handover::new().unwrap();
        handover.watch(socket, vec![]);
        handover.take().remove(0)
    }

    #[test]
    fn a_client_that_reads_has_its_reply() {
        let (ours, mut client) = pair();
        assert!(!is_closed(&ours) && send(&ours, &FleetReply::of(FleetOutcome::Done)));
        let mut one = watched(ours);
        assert_eq!(one.end(), WatchEnd::Open);
        client.read_exact(&mut [0; 18]).unwrap();
        drop(client);
        assert_eq!(one.end(), WatchEnd::Read);
    }

    #[test]
    fn a_client_that_closes_without_reading_has_none() {
        let (ours, mut client) = pair();
        assert!(send(&ours, &FleetReply::of(FleetOutcome::Done)));
        client.read_exact(&mut [0; 17]).unwrap();
        drop(client);
        assert!(is_closed(&ours));
        assert_eq!(watched(ours).end(), WatchEnd::Unread);
        let (ours, client) = pair();
        drop(client);
        assert!(is_closed(&ours) && !send(&ours, &FleetReply::of(FleetOutcome::Done)));
    }

    #[test]
    fn a_client_that_does_not_read_is_given_up() {
        let (ours, client) = pair();
        let entry = StoreEntry { key: "a".into(), revision: 1, value: vec![0; 900_000] };
        let reply = FleetReply { entries: vec![entry], ..FleetReply::of(FleetOutcome::Done) };
        let begun = since_boot();
        assert!(!send(&ours, &reply));
        assert!(since_boot() - begun < Duration::from_secs(2));
        drop(client);
    }

    #[test]
    fn a_large_reply_arrives() {
        let (ours, mut client) = pair();
        let entry = StoreEntry { key: "a".into(), revision: 1, value: vec![7; 900_000] };
        let reply = FleetReply { entries: vec![entry], ..FleetReply::of(FleetOutcome::Done) };
        let reader = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            client.read_to_end(&mut bytes).map(|_| FleetReply::read(&bytes[4..]))
        });
        assert!(send(&ours, &reply));
        drop(ours);
        assert_eq!(reader.join().unwrap().unwrap(), Some(reply));
    }
}
