//! The connection to the daemon `twinlock-fleet`. Each request opens a new connection. The time for which a login or a
//! command waits for the daemon is limited.

use std::cell::Cell;

use twinlock_core::{
    base::{error::FleetError, time::BootTime},
    wire::fleet::{
        FLEET_SOCKET, FleetOutcome, FleetReply, FleetRequest, FleetTask, REPLY_MAX, StoreWrite,
        Transaction, length_of,
    },
};
use zeroize::Zeroizing;

use crate::{
    daemon_socket::{self, DaemonError, DaemonSocket},
    fleet::session::FleetStore,
    trusted_dir::Owner,
};

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
        let until = daemon_socket::in_nanoseconds(self.left.get())?;
        let patience = u16::try_from(self.left.get() / 1_000_000).unwrap_or(u16::MAX);
        let is_late = patience == 0;
        if is_late && !is_refund(&task) {
            return Err(FleetError::Unreachable);
        }
        let mut bytes = Zeroizing::new(Vec::new());
        FleetRequest { patience, task }.push(&mut bytes).ok_or(FleetError::Seal)?;
        let socket = DaemonSocket::connect(FLEET_SOCKET, self.owner)?;
        let sent = socket.send(&bytes, until).map_err(FleetError::from);
        if is_late {
            // The daemon makes the refund as soon as it can.
            return sent.and(Err(FleetError::Unreachable));
        }
        let reply = sent.and_then(|()| received(&socket, until));
        self.left.set(daemon_socket::left(until)?);
        reply
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

/// Receives one reply. More bytes than one reply are an error.
fn received(socket: &DaemonSocket, until: BootTime) -> Result<FleetReply, FleetError> {
    let mut received = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let count = socket.receive(&mut buffer, until)?;
        received.extend_from_slice(buffer.get(..count).unwrap_or_default());
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

impl From<DaemonError> for FleetError {
    fn from(error: DaemonError) -> Self {
        match error {
            DaemonError::Absent | DaemonError::Untrusted => Self::NoDaemon,
            DaemonError::Busy => Self::Busy,
            // A caller may have taken all descriptors away: a reason to refuse, and none to do without the store.
            DaemonError::NoConnection => Self::NoConnection,
            DaemonError::Late => Self::Unreachable,
            DaemonError::Closed => Self::Broken,
        }
    }
}

/// Returns whether a request only deletes an attempt that was charged. Such a request is sent even if no time is left to
/// wait for the reply: otherwise the attempt would count for days.
fn is_refund(task: &FleetTask) -> bool {
    matches!(task, FleetTask::Transact(Transaction { compares, writes, .. })
        if compares.len() == 1 && matches!(**writes, [StoreWrite::Delete { .. }]))
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
