//! The log: each line is one datagram to `/dev/log`. It is sent without blocking, so that a log daemon that hangs
//! delays no login.

use std::{borrow::Cow, time::Duration};

use rustix::net::{
    AddressFamily, SendFlags, SocketAddrUnix, SocketFlags, SocketType, sendto, socket_with,
    sockopt::{Timeout, set_socket_timeout},
};
use twinlock_core::{
    base::decimal::Decimal,
    event::{Event, Kind, log_line},
    ports::Journal,
};

/// The facility LOG_AUTHPRIV of syslog(3), shifted to its place in a priority.
const AUTHPRIV: u64 = 10 << 3;

/// Maximum time to wait for a log daemon that is busy.
const PATIENCE: Duration = Duration::from_secs(2);

/// Severity of a log line, as in syslog(3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// An administrator must act now, because the settings cannot be read.
    Alert,
    /// An administrator should act soon, because twinlock restored an earlier state after a change.
    Critical,
    /// A login was refused because of a fault of the host.
    Warning,
    /// A login was refused.
    Notice,
    /// A code was accepted.
    Info,
    /// Extra output of the PAM argument `debug`.
    Debug,
}

/// The socket of the log daemon.
#[derive(Debug, Clone)]
pub struct Syslog {
    path: Cow<'static, str>,
}

impl Default for Syslog {
    fn default() -> Self {
        Self { path: "/dev/log".into() }
    }
}

impl Syslog {
    /// Returns a log that sends to the socket at `path`.
    #[must_use]
    pub fn at(path: &str) -> Self {
        Self { path: path.to_owned().into() }
    }

    /// Sends one line. The line is lost if it cannot be sent at once, so that a log daemon that hangs delays no login.
    pub fn send(&self, severity: Severity, line: &str) {
        self.deliver(severity, line, None);
    }

    /// Sends one line, and waits up to two seconds for a log daemon that is busy. A user can therefore not hide the
    /// line by a flood of other lines.
    pub fn send_waiting(&self, severity: Severity, line: &str) {
        self.deliver(severity, line, Some(PATIENCE));
    }

    fn deliver(&self, severity: Severity, line: &str, patience: Option<Duration>) {
        let severity = match severity {
            Severity::Alert => 1_u64,
            Severity::Critical => 2,
            Severity::Warning => 4,
            Severity::Notice => 5,
            Severity::Info => 6,
            Severity::Debug => 7,
        };
        let priority = Decimal::of(AUTHPRIV | severity);
        let pid = rustix::process::getpid().as_raw_nonzero().get().unsigned_abs();
        let pid = Decimal::of(pid.into());
        let text = ["<", priority.as_str(), ">twinlock[", pid.as_str(), "]: ", line].concat();
        let waiting = if patience.is_some() { SocketFlags::empty() } else { SocketFlags::NONBLOCK };
        let flags = SocketFlags::CLOEXEC | waiting;
        let Ok(address) = SocketAddrUnix::new(&*self.path) else {
            return;
        };
        let Ok(socket) = socket_with(AddressFamily::UNIX, SocketType::DGRAM, flags, None) else {
            return;
        };
        if patience.is_some() && set_socket_timeout(&socket, Timeout::Send, patience).is_err() {
            return;
        }
        let _ = sendto(&socket, text.as_bytes(), SendFlags::NOSIGNAL, &address);
    }
}

impl Journal for Syslog {
    fn note(&self, event: &Event) {
        let severity = match (event.kind, event.reason) {
            (
                Kind::Accepted
                | Kind::Exempt
                | Kind::Enrolled
                | Kind::KeyChanged
                | Kind::CodesRenewed
                | Kind::DeviceRemembered,
                _,
            ) => Severity::Info,
            (Kind::Refused, Some(reason)) if reason.is_machines_fault() => Severity::Warning,
            (Kind::Refused, _) => Severity::Notice,
        };
        self.send(severity, &log_line::write(event));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixDatagram;

    #[test]
    fn a_line_arrives_and_a_daemon_that_does_not_read_stops_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let daemon = UnixDatagram::bind(&path).unwrap();
        let syslog = Syslog::at(path.to_str().unwrap());
        syslog.send(Severity::Info, "event=accepted user=ada");
        let mut buffer = [0; 256];
        let length = daemon.recv(&mut buffer).unwrap();
        let line = std::str::from_utf8(&buffer[..length]).unwrap();
        assert_eq!(line, format!("<86>twinlock[{}]: event=accepted user=ada", std::process::id()));
        for _ in 0..5000 {
            syslog.send(Severity::Info, "nobody reads this");
        }
        drop(daemon);
        syslog.send(Severity::Info, "nobody is there");
        std::fs::remove_file(&path).unwrap();
        syslog.send(Severity::Info, "nothing is there");
    }

    #[test]
    fn a_line_that_waits_arrives_behind_a_flood_and_a_daemon_that_hangs_ends_the_wait() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let daemon = UnixDatagram::bind(&path).unwrap();
        let syslog = Syslog::at(path.to_str().unwrap());
        let flood = || (0..5000).for_each(|_| syslog.send(Severity::Info, "flood"));
        flood();
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let mut buffer = [0; 256];
                loop {
                    let length = daemon.recv(&mut buffer).unwrap();
                    if buffer[..length].ends_with(b"event=reset") {
                        return;
                    }
                }
            });
            syslog.send_waiting(Severity::Notice, "event=reset");
            reader.join().unwrap();
        });
        flood();
        let begun = std::time::Instant::now();
        syslog.send_waiting(Severity::Notice, "nobody reads this");
        assert!(begun.elapsed() < 10 * PATIENCE);
    }
}
