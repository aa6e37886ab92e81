//! Programs of a test on both sides of the daemon's socket: a client that sends requests as the module does, and a
//! middleman between the module and the daemon, which sees, delays or answers each request.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use twinlock_core::wire::fleet::{
    FleetReply, FleetRequest, FleetTask, Stay, StoreRead, StoreWrite, Transaction,
};
use twinlock_tests::{FLEET_SOCKET, FleetHost};

/// Where the middleman moves the daemon's socket, and where it listens itself.
const ASIDE: &str = "/run/twinlock-fleet/daemon";
const MIDDLE: &str = "/run/twinlock-fleet/middle";
/// Passes each connection to the socket `$1` on to the socket `$2`. It runs in the machine, because the module expects a
/// process of its own host.
const RELAY: &str = "import socket, sys, threading
def copy(one, other):
    try:
        while data := one.recv(65536): other.sendall(data)
        other.shutdown(socket.SHUT_WR)
    except OSError: pass
def serve(client):
    other = socket.socket(socket.AF_UNIX)
    other.connect(sys.argv[2])
    threading.Thread(target=copy, args=(client, other), daemon=True).start()
    copy(other, client)
    client.close()
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen(4096)
while True:
    threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()";
/// Starts [`RELAY`], and prints its process id when it listens.
const START: &str = "setsid python3 -c \"$0\" \"$1\" \"$2\" </dev/null >/dev/null 2>&1 &
until [ -S \"$1\" ]; do sleep 0.01; done
echo $!";
/// Bytes of a request before its content: the magic and the length.
const HEAD: usize = 12;

/// Answers a request. The second argument sends a request to the daemon and returns its reply.
pub(crate) type Answer =
    dyn Fn(&FleetRequest, &dyn Fn(&FleetRequest) -> FleetReply) -> FleetReply + Send + Sync;

/// A middleman. When it is dropped, the daemon has its socket again.
pub(crate) struct Middleman<'m> {
    host: &'m FleetHost<'m>,
    relay: u32,
    over: Arc<AtomicBool>,
}

impl<'m> Middleman<'m> {
    /// Puts a middleman in front of the daemon of a host. `answer` answers the requests, several at the same time.
    pub(crate) fn of(host: &'m FleetHost<'m>, answer: Box<Answer>) -> Middleman<'m> {
        let aside = host.outside(ASIDE);
        std::fs::rename(host.outside(FLEET_SOCKET), &aside).expect("the daemon's socket");
        let listener = UnixListener::bind(host.outside(MIDDLE)).expect("a socket in the machine");
        let started = host.run(["sh", "-c", START, RELAY, FLEET_SOCKET, MIDDLE]);
        let relay = started.ok().trim().parse().expect("a process id");
        let over = Arc::new(AtomicBool::new(false));
        let (ended, daemon, answer) = (Arc::clone(&over), aside, Arc::from(answer));
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if ended.load(Ordering::SeqCst) {
                    return;
                }
                let (daemon, answer) = (daemon.clone(), Arc::clone(&answer));
                std::thread::spawn(move || serve(client, &daemon, &*answer));
            }
        });
        Middleman { host, relay, over }
    }
}

impl Drop for Middleman<'_> {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        self.host.signal("KILL", self.relay);
        let middle = self.host.outside(MIDDLE);
        let _ = UnixStream::connect(&middle);
        let _ = std::fs::remove_file(middle);
        let _ = std::fs::rename(self.host.outside(ASIDE), self.host.outside(FLEET_SOCKET));
    }
}

fn serve(mut client: UnixStream, daemon: &Path, answer: &Answer) {
    let mut head = [0; HEAD];
    if client.read_exact(&mut head).is_err() {
        return;
    }
    let length = u32::from_be_bytes(head[8..].try_into().expect("four bytes"));
    let mut body = vec![0; length as usize];
    if client.read_exact(&mut body).is_err() {
        return;
    }
    let request = FleetRequest::read(&body).expect("a request of the module");
    let reply = answer(&request, &|request| asked_at(daemon, request));
    let mut bytes = Vec::new();
    reply.push(&mut bytes);
    let _ = client.write_all(&bytes);
}

/// Sends a request to the socket at this path and returns the reply.
fn asked_at(socket: &Path, request: &FleetRequest) -> FleetReply {
    let mut bytes = Vec::new();
    request.push(&mut bytes).expect("a request that is not too long");
    let mut daemon = UnixStream::connect(socket).expect("a daemon that listens");
    daemon.write_all(&bytes).expect("a daemon that reads");
    let mut length = [0; 4];
    daemon.read_exact(&mut length).expect("a reply");
    let mut body = vec![0; u32::from_be_bytes(length) as usize];
    daemon.read_exact(&mut body).expect("a whole reply");
    FleetReply::read(&body).expect("a reply of the daemon")
}

/// Sends a transaction to the daemon of a host as the module does, and returns the reply.
pub(crate) fn asked(host: &FleetHost<'_>, transaction: Transaction) -> FleetReply {
    let request = FleetRequest { patience: 3_000, task: FleetTask::Transact(transaction) };
    asked_at(&host.outside(FLEET_SOCKET), &request)
}

/// Returns the value of a key of the fleet; `None` if there is none. Keys are relative to the folder of the fleet.
pub(crate) fn value(host: &FleetHost<'_>, key: &str) -> Option<Vec<u8>> {
    let reads = vec![StoreRead::Key(key.to_owned())];
    let reply = asked(host, Transaction { reads, ..Transaction::default() });
    reply.entries.into_iter().next().map(|entry| entry.value)
}

/// Writes a value under a key of the fleet.
pub(crate) fn put(host: &FleetHost<'_>, key: &str, value: &[u8]) {
    let (key, value) = (key.to_owned(), value.to_owned());
    let writes = vec![StoreWrite::Put { key, value, stays: Stay::Forever, take_back: false }];
    asked(host, Transaction { writes, ..Transaction::default() });
}

/// Deletes a key of the fleet.
pub(crate) fn delete(host: &FleetHost<'_>, key: &str) {
    let writes = vec![StoreWrite::Delete { key: key.to_owned() }];
    asked(host, Transaction { writes, ..Transaction::default() });
}
