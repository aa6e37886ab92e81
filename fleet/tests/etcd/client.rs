//! A client of the daemon, and requests as a login sends them.

use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
    path::Path,
    time::{Duration, Instant},
};

use twinlock_core::wire::fleet::{
    FleetReply, FleetRequest, FleetTask, Stay, StoreCompare, StoreRead, StoreTest, StoreWrite,
    Transaction, length_of,
};

/// Waits until `is_so` returns `true`, for at most 20 seconds. If that takes too long, panics with `what`, the name of
/// the condition.
#[track_caller]
pub(crate) fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}: it takes too long");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Sends a request, and returns the connection.
#[track_caller]
pub(crate) fn send(socket: &Path, patience: u16, task: FleetTask) -> UnixStream {
    let mut bytes = Vec::new();
    FleetRequest { patience, task }.push(&mut bytes).expect("a request");
    let mut connection = UnixStream::connect(socket).expect("a connection");
    connection.write_all(&bytes).expect("a request is sent");
    connection
}

/// Receives the reply to a request.
#[track_caller]
pub(crate) fn receive(mut connection: UnixStream) -> FleetReply {
    connection.set_read_timeout(Some(Duration::from_secs(20))).expect("a time-out");
    let mut head = [0; 4];
    connection.read_exact(&mut head).expect("a length");
    let mut bytes = vec![0; length_of(&head).expect("a length")];
    connection.read_exact(&mut bytes).expect("a reply");
    FleetReply::read(&bytes).expect("a reply in its form")
}

/// Returns the transaction that puts a value under a key that does not exist, as a login charges an attempt.
pub(crate) fn charge(key: &str, nonce: &[u8]) -> Transaction {
    let test = StoreTest::Absent;
    Transaction {
        compares: vec![StoreCompare { key: key.into(), test }],
        writes: vec![StoreWrite::Put {
            key: key.into(),
            value: nonce.to_vec(),
            stays: Stay::Days,
            take_back: true,
        }],
        reads: vec![
            StoreRead::Prefix { prefix: "l/ada/".into(), after: String::new(), limit: 0 },
            StoreRead::Key("r/ada".into()),
            StoreRead::Key("meta".into()),
        ],
    }
}

/// Returns the transaction that puts a value that stays.
pub(crate) fn put(key: &str, value: Vec<u8>) -> Transaction {
    let stays = Stay::Forever;
    let writes = vec![StoreWrite::Put { key: key.into(), value, stays, take_back: false }];
    Transaction { writes, ..Transaction::default() }
}

/// Returns the transaction that reads a key.
pub(crate) fn get(key: &str) -> Transaction {
    Transaction { reads: vec![StoreRead::Key(key.into())], ..Transaction::default() }
}

/// Returns the transaction that deletes a key.
pub(crate) fn delete(key: &str) -> Transaction {
    let writes = vec![StoreWrite::Delete { key: key.into() }];
    Transaction { writes, ..Transaction::default() }
}

/// Returns the transaction that reads a list after a key.
pub(crate) fn list(prefix: &str, after: &str, limit: u16) -> Transaction {
    let read = StoreRead::Prefix { prefix: prefix.into(), after: after.into(), limit };
    Transaction { reads: vec![read], ..Transaction::default() }
}
