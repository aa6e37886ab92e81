//! One connection through a link (see [`crate::LossyLink`]). It passes the bytes of both sides, and keeps each request
//! so that it can deliver a copy.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use crate::http_frames::HttpRequests;
use crate::lossy::Shared;

/// First byte of a connection with TLS.
const TLS_HANDSHAKE: u8 = 0x16;
/// After the link has lost an answer, it discards further bytes of the server until the server has been silent for this
/// time. Needed only with TLS, where the first bytes may be a message of the server that precedes the answer.
const SILENCE: Duration = Duration::from_millis(30);
/// How long the link waits for the server after the client has closed the connection. etcd would give up a request
/// whose connection ends.
const LAST_ANSWER: Duration = Duration::from_secs(5);

/// State that both directions of a connection share.
#[derive(Default)]
struct Turns {
    /// Whether bytes of the client have been delivered that the server has not answered.
    asked: AtomicBool,
    /// Whether the client uses TLS.
    tls: AtomicBool,
}

/// Bytes of the client, with the time at which they are delivered.
type Due = (Instant, Vec<u8>);

/// Connects to the node and passes bytes until one side ends.
pub(crate) fn pass(client: TcpStream, shared: &Arc<Shared>) {
    // Until the link goes on, the client only sees a connection that is open.
    shared.behavior();
    let Ok(server) = TcpStream::connect_timeout(&shared.target, LAST_ANSWER) else {
        return;
    };
    // Small messages must not wait for each other.
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let turns = Turns::default();
    let (requests, due) = channel();
    std::thread::scope(|scope| {
        scope.spawn(|| receive(&client, &turns, shared, requests));
        scope.spawn(|| deliver(&server, &turns, shared, due));
        answer(&client, &server, &turns, shared);
        close(&client);
        close(&server);
    });
}

/// Reads the bytes of the client.
fn receive(mut client: &TcpStream, turns: &Turns, shared: &Arc<Shared>, due: Sender<Due>) {
    let mut bytes = [0_u8; 16_384];
    let mut requests = HttpRequests::default();
    let mut is_first = true;
    while let Ok(size @ 1..) = client.read(&mut bytes) {
        let behavior = shared.behavior();
        if std::mem::take(&mut is_first) {
            turns.tls.store(bytes[0] == TLS_HANDSHAKE, Ordering::SeqCst);
        }
        if let Some(after) = behavior.copy_after {
            if turns.tls.load(Ordering::SeqCst) {
                close(client);
                return;
            }
            for request in requests.add(&bytes[..size]) {
                copy_later(request, behavior.delay + after, shared);
            }
        }
        let at = Instant::now() + behavior.delay;
        if due.send((at, bytes[..size].to_vec())).is_err() {
            return;
        }
    }
}

/// Delivers the bytes of the client to the server when they are due.
fn deliver(mut server: &TcpStream, turns: &Turns, shared: &Shared, due: Receiver<Due>) {
    while let Ok((at, bytes)) = due.recv() {
        std::thread::sleep(at.saturating_duration_since(Instant::now()));
        shared.behavior();
        turns.asked.store(true, Ordering::SeqCst);
        if server.write_all(&bytes).is_err() {
            return;
        }
    }
    let end = Instant::now() + LAST_ANSWER;
    while turns.asked.load(Ordering::SeqCst) && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(1));
    }
    let _ = server.shutdown(Shutdown::Write);
}

/// Passes the answers of the server, until one of them is lost or the server ends the connection.
fn answer(mut client: &TcpStream, mut server: &TcpStream, turns: &Turns, shared: &Shared) {
    let mut bytes = [0_u8; 16_384];
    let mut answers = 0;
    // A client that has closed its connection does not end the wait for the server.
    let mut client_listens = true;
    while let Ok(size @ 1..) = server.read(&mut bytes) {
        let tls = turns.tls.load(Ordering::SeqCst);
        if turns.asked.swap(false, Ordering::SeqCst) {
            answers += 1;
            let is_handshake = tls && answers == 1;
            if !is_handshake && shared.loses() {
                if tls {
                    swallow(server);
                }
                shared.counts.lost.fetch_add(1, Ordering::SeqCst);
                return;
            }
            shared.counts.passed.fetch_add(u64::from(!is_handshake), Ordering::SeqCst);
        }
        shared.behavior();
        client_listens = client_listens && client.write_all(&bytes[..size]).is_ok();
    }
}

/// Reads and discards what the server sends, until it is silent.
fn swallow(mut server: &TcpStream) {
    let _ = server.set_read_timeout(Some(SILENCE));
    let mut bytes = [0_u8; 16_384];
    while matches!(server.read(&mut bytes), Ok(1..)) {}
}

/// Delivers a request once more, on a new connection, and waits for its answer.
fn copy_later(request: Vec<u8>, after: Duration, shared: &Arc<Shared>) {
    let shared = Arc::clone(shared);
    std::thread::spawn(move || {
        std::thread::sleep(after);
        if shared.behavior().ended {
            return;
        }
        let Ok(mut server) = TcpStream::connect_timeout(&shared.target, LAST_ANSWER) else {
            return;
        };
        let _ = server.set_read_timeout(Some(LAST_ANSWER));
        let answered = server.write_all(&request).and_then(|()| server.read(&mut [0_u8; 4096]));
        if matches!(answered, Ok(1..)) {
            shared.counts.copied.fetch_add(1, Ordering::SeqCst);
        }
    });
}

fn close(stream: &TcpStream) {
    let _ = stream.shutdown(Shutdown::Both);
}
