//! Log daemon of a machine. It keeps every message that is sent to /dev/log.

use std::io::ErrorKind;
use std::net::Shutdown;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use nix::sched::{CloneFlags, unshare};
use rustix::event::{PollFd, PollFlags, poll};

pub(crate) struct Syslog {
    desk: Arc<Desk>,
    reader: Option<JoinHandle<()>>,
}

struct Desk {
    socket: UnixDatagram,
    lines: Mutex<Vec<String>>,
}

impl Syslog {
    /// Starts a daemon that listens at `path`. It reads each message at once, so that no sender has to wait.
    pub(crate) fn listen(path: &Path) -> Syslog {
        let mut syslog = std::thread::scope(|scope| {
            let deep = scope.spawn(|| {
                deepen_queues();
                Syslog::deaf(path)
            });
            deep.join().expect("a thread with a network namespace of its own")
        });
        let desk = Arc::clone(&syslog.desk);
        syslog.reader = Some(std::thread::spawn(move || {
            while desk.wait() {
                desk.collect();
            }
        }));
        syslog
    }

    /// Creates a socket at `path` from which nothing is read, as if the log daemon hung.
    pub(crate) fn deaf(path: &Path) -> Syslog {
        let socket = UnixDatagram::bind(path).expect("the machine's /dev/log cannot be bound");
        let everybody = std::fs::Permissions::from_mode(0o666);
        std::fs::set_permissions(path, everybody).expect("/dev/log takes a mode");
        socket.set_nonblocking(true).expect("a socket that polls");
        let lines = Mutex::new(Vec::new());
        Syslog { desk: Arc::new(Desk { socket, lines }), reader: None }
    }

    /// Returns all messages so far, with those that are still in the socket.
    pub(crate) fn lines(&self) -> Vec<String> {
        if self.reader.is_some() {
            self.desk.collect();
        }
        let lines = &self.desk.lines;
        lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Lets each socket that this thread creates keep 4,096 messages. Usually a socket keeps 10. A sender that does not
/// wait, such as the module, then loses a message if several logins log at the same instant.
fn deepen_queues() {
    unshare(CloneFlags::CLONE_NEWNET).expect("a network namespace");
    // The file shows the network namespace of the thread that opens it.
    std::fs::write("/proc/sys/net/unix/max_dgram_qlen", "4096").expect("queues can be deepened");
}

impl Desk {
    fn wait(&self) -> bool {
        let mut fds = [PollFd::new(&self.socket, PollFlags::IN)];
        poll(&mut fds, None).is_ok() && !fds[0].revents().contains(PollFlags::HUP)
    }

    // Receives under the lock, so that the lines keep their order.
    fn collect(&self) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let mut datagram = [0_u8; 65_536];
        loop {
            match self.socket.recv(&mut datagram) {
                Ok(0) => return,
                Ok(size) => lines.push(String::from_utf8_lossy(&datagram[..size]).into_owned()),
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    }
}

impl Drop for Syslog {
    fn drop(&mut self) {
        let _ = self.desk.socket.shutdown(Shutdown::Both);
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}
