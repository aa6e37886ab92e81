//! A connection to a daemon of this host, over its Unix socket: that of the agent, or that of the fleet. Every wait ends
//! at a given time.

use std::os::fd::{AsFd, OwnedFd};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    net::{
        AddressFamily, RecvFlags, SendFlags, SocketAddrUnix, SocketFlags, SocketType, connect,
        recv, send, socket_with, sockopt,
    },
};
use twinlock_core::{base::time::BootTime, ports::Clock};

use crate::{clock::KernelClock, trusted_dir::Owner};

/// Why a daemon could not be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DaemonError {
    /// No process accepts connections at the socket.
    Absent,
    /// The listening process belongs to another user than it must.
    Untrusted,
    /// The queue of the socket is full. A connection would have to wait.
    Busy,
    /// This process cannot open or use a connection, because of a limit of the process, for example.
    NoConnection,
    /// The daemon did not read or answer in time.
    Late,
    /// The daemon has closed the connection.
    Closed,
}

/// A connection to a daemon.
pub struct DaemonSocket(OwnedFd);

impl DaemonSocket {
    /// Connects to the socket at a path without waiting. The listening process must belong to `owner`.
    ///
    /// # Errors
    /// [`DaemonError`] other than `Late` and `Closed`.
    pub fn connect(path: &str, owner: Owner) -> Result<Self, DaemonError> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None);
        let socket = socket.map_err(|_| DaemonError::NoConnection)?;
        let address = SocketAddrUnix::new(path).map_err(|_| DaemonError::NoConnection)?;
        connect(&socket, &address).map_err(|fault| match fault {
            Errno::AGAIN => DaemonError::Busy,
            Errno::NOENT | Errno::CONNREFUSED => DaemonError::Absent,
            _ => DaemonError::NoConnection,
        })?;
        let server = sockopt::socket_peercred(&socket).map_err(|_| DaemonError::NoConnection)?;
        if server.uid.as_raw() == owner.0 { Ok(Self(socket)) } else { Err(DaemonError::Untrusted) }
    }

    /// Sends all bytes, at the latest at the time `until`.
    ///
    /// # Errors
    /// [`DaemonError::Late`], [`DaemonError::Closed`] or [`DaemonError::NoConnection`].
    pub fn send(&self, mut bytes: &[u8], until: BootTime) -> Result<(), DaemonError> {
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        while !bytes.is_empty() {
            match send(&self.0, bytes, flags) {
                Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
                Err(Errno::AGAIN) => self.wait(PollFlags::OUT, until)?,
                Err(Errno::INTR) => {}
                Err(_) => return Err(DaemonError::Closed),
            }
        }
        Ok(())
    }

    /// Waits for bytes until the time `until`, and reads at most `buffer.len()` of them. Returns how many it has read, at
    /// least 1.
    ///
    /// # Errors
    /// [`DaemonError::Late`], [`DaemonError::Closed`] or [`DaemonError::NoConnection`].
    pub fn receive(&self, buffer: &mut [u8], until: BootTime) -> Result<usize, DaemonError> {
        loop {
            self.wait(PollFlags::IN, until)?;
            match recv(&self.0, &mut *buffer, RecvFlags::DONTWAIT) {
                Ok((0, _)) => return Err(DaemonError::Closed),
                Ok((count, _)) => return Ok(count),
                Err(Errno::AGAIN | Errno::INTR) => {}
                Err(_) => return Err(DaemonError::Closed),
            }
        }
    }

    fn wait(&self, flags: PollFlags, until: BootTime) -> Result<(), DaemonError> {
        loop {
            let left = left(until)?;
            let limit = Timespec {
                tv_sec: (left / 1_000_000_000).cast_signed(),
                tv_nsec: (left % 1_000_000_000).cast_signed(),
            };
            match poll(&mut [PollFd::from_borrowed_fd(self.0.as_fd(), flags)], Some(&limit)) {
                Ok(0) if left == 0 => return Err(DaemonError::Late),
                Ok(0) | Err(Errno::INTR) => {}
                Ok(_) => return Ok(()),
                Err(_) => return Err(DaemonError::NoConnection),
            }
        }
    }
}

impl From<OwnedFd> for DaemonSocket {
    fn from(socket: OwnedFd) -> Self {
        Self(socket)
    }
}

/// Returns the time that is `nanoseconds` from now, on the clock that continues while the machine sleeps.
///
/// # Errors
/// [`DaemonError::NoConnection`] if the clock cannot be read.
pub fn in_nanoseconds(nanoseconds: u64) -> Result<BootTime, DaemonError> {
    let now = KernelClock.now().map_err(|_| DaemonError::NoConnection)?;
    Ok(BootTime(now.boot.0.saturating_add(nanoseconds)))
}

/// Returns the nanoseconds that are left until a time; 0 if it has passed.
///
/// # Errors
/// [`DaemonError::NoConnection`] if the clock cannot be read.
pub fn left(until: BootTime) -> Result<u64, DaemonError> {
    Ok(until.0.saturating_sub(in_nanoseconds(0)?.0))
}
