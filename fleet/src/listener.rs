//! Accepts connections, reads a request from each without blocking, and queues the request for a thread. Also watches
//! connections whose reply was sent, to detect whether the client has read the reply.

use std::{
    io::{self, Read},
    os::{
        fd::AsFd,
        unix::net::{UnixListener, UnixStream},
    },
    sync::Arc,
    time::Duration,
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use twinlock_core::wire::fleet::{FleetOutcome, FleetReply, FleetRequest, FleetTask};

use crate::{
    arrival::{ArrivedRequest, RequestBytes},
    clock::{Deadline, since_boot},
    daemon_state::DaemonState,
    delivery::{self, WatchEnd, Watched},
    jobs::FleetJob,
};

/// Maximum number of connections whose request has not arrived completely.
const ARRIVING_MAX: usize = 4096;
/// Maximum number of connections that are accepted in a row before the listener reads from connections.
const ACCEPTED_AT_ONCE: usize = 256;
/// Maximum time from the connection to the last byte of the request.
const ARRIVAL: Duration = Duration::from_secs(2);
/// Maximum time that a client may wait for a reply.
const PATIENCE_MAX: Duration = Duration::from_secs(10);
/// Pause after no connection could be accepted, because the process or the system has no free descriptor.
const NO_DESCRIPTOR: Duration = Duration::from_millis(50);
/// Maximum number of bytes that are read from one connection before the listener reads from others.
const PART: usize = 64 * 1024;

/// A connection whose request has not arrived completely.
struct Arriving {
    socket: UnixStream,
    arrival: RequestBytes,
    until: Duration,
}

/// The listener.
pub(crate) struct FleetListener {
    daemon: Arc<DaemonState>,
    socket: UnixListener,
    arriving: Vec<Arriving>,
    watched: Vec<Watched>,
    accepts_from: Duration,
    part: Vec<u8>,
}

impl FleetListener {
    /// Returns a listener on this socket.
    ///
    /// # Errors
    /// [`io::Error`] if the socket cannot be set to non-blocking mode.
    pub(crate) fn new(daemon: Arc<DaemonState>, socket: UnixListener) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        let (arriving, watched) = (Vec::new(), Vec::new());
        let (accepts_from, part) = (Duration::ZERO, vec![0; PART]);
        Ok(Self { daemon, socket, arriving, watched, accepts_from, part })
    }

    /// Serves connections. Returns only if waiting for them fails.
    ///
    /// # Errors
    /// [`io::Error`] of the kernel.
    pub(crate) fn run(&mut self) -> io::Result<()> {
        loop {
            self.wait()?;
            self.accept();
            self.read_requests();
            self.watched.extend(self.daemon.handover.take());
            self.look_at_watched();
        }
    }

    /// Waits until a connection needs attention or a time limit expires.
    fn wait(&self) -> io::Result<()> {
        let now = since_boot();
        let mut all = vec![PollFd::from_borrowed_fd(self.daemon.handover.wake(), PollFlags::IN)];
        let mut until = now + Duration::from_secs(60);
        if self.accepts_from > now {
            until = until.min(self.accepts_from);
        } else if self.arriving.len() < ARRIVING_MAX {
            all.push(PollFd::from_borrowed_fd(self.socket.as_fd(), PollFlags::IN));
        }
        for one in &self.arriving {
            all.push(PollFd::new(&one.socket, PollFlags::IN));
            until = until.min(one.until);
        }
        for one in &self.watched {
            all.push(PollFd::new(&one.socket, PollFlags::IN));
            until = until.min(one.until());
        }
        let limit = Timespec::try_from(until.saturating_sub(now)).unwrap_or_default();
        match poll(&mut all, Some(&limit)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn accept(&mut self) {
        let now = since_boot();
        for _ in 0..ACCEPTED_AT_ONCE {
            if self.arriving.len() >= ARRIVING_MAX || self.accepts_from > now {
                return;
            }
            match self.socket.accept() {
                Ok((socket, _)) => {
                    if socket.set_nonblocking(true).is_ok() {
                        let (arrival, until) = (RequestBytes::default(), now + ARRIVAL);
                        self.arriving.push(Arriving { socket, arrival, until });
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // A connection that waits is accepted later.
                Err(_) => self.accepts_from = now + NO_DESCRIPTOR,
            }
        }
    }

    fn read_requests(&mut self) {
        let now = since_boot();
        let mut kept = Vec::with_capacity(self.arriving.len());
        for mut one in std::mem::take(&mut self.arriving) {
            match received(&mut one, &mut self.part) {
                ArrivedRequest::Part if now < one.until => kept.push(one),
                ArrivedRequest::Part | ArrivedRequest::Wrong => {}
                ArrivedRequest::Malformed => {
                    delivery::send_at_once(&one.socket, &FleetReply::of(FleetOutcome::Malformed));
                }
                ArrivedRequest::Whole(request) => self.begin(one.socket, request),
            }
        }
        self.arriving = kept;
    }

    /// Queues a request for a thread. Refuses it at once if the queue is full, or if it is a transaction and the store
    /// does not answer.
    fn begin(&self, socket: UnixStream, request: FleetRequest) {
        let patience = Duration::from_millis(request.patience.into()).min(PATIENCE_MAX);
        let is_transaction = matches!(request.task, FleetTask::Transact(_));
        let job = FleetJob { socket, request, deadline: Deadline::within(patience) };
        let added = match is_transaction {
            true if self.daemon.store.outage().is_open() => Err(job),
            true => self.daemon.transactions.push(job),
            false => self.daemon.controls.push(job),
        };
        if let Err(job) = added {
            self.daemon.take_backs.add_refund(&job.request.task);
            delivery::send_at_once(&job.socket, &FleetReply::of(FleetOutcome::Busy));
        }
    }

    fn look_at_watched(&mut self) {
        let mut kept = Vec::with_capacity(self.watched.len());
        for mut one in std::mem::take(&mut self.watched) {
            match one.end() {
                WatchEnd::Open => kept.push(one),
                WatchEnd::Read => {}
                WatchEnd::Unread => self.daemon.take_backs.add(one.into_deletes()),
            }
        }
        self.watched = kept;
    }
}

/// Reads the bytes that have arrived on a connection. `part` is the buffer.
fn received(one: &mut Arriving, part: &mut [u8]) -> ArrivedRequest {
    match one.socket.read(part) {
        Ok(0) => ArrivedRequest::Wrong,
        Ok(count) => one.arrival.take(part.get(..count).unwrap_or_default()),
        Err(error)
            if [io::ErrorKind::WouldBlock, io::ErrorKind::Interrupted].contains(&error.kind()) =>
        {
            ArrivedRequest::Part
        }
        Err(_) => ArrivedRequest::Wrong,
    }
}
