//! Checks that `PROTOCOL.md` shows the bytes that are sent.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on must stop")]

use twinlock_core::wire::fleet::{
    FleetOutcome, FleetReply, FleetRequest, FleetTask, Stay, StoreCompare, StoreEntry, StoreRead,
    StoreTest, StoreWrite, Transaction,
};

fn request(task: FleetTask) -> Vec<u8> {
    let mut bytes = Vec::new();
    FleetRequest { patience: 3000, task }.push(&mut bytes).expect("a request");
    bytes
}

fn transaction() -> Transaction {
    let key = || "l/0a/try/0".to_owned();
    let prefix = "l/0a/".to_owned();
    Transaction {
        compares: vec![StoreCompare { key: key(), test: StoreTest::Absent }],
        writes: vec![StoreWrite::Put {
            key: key(),
            value: vec![1, 2, 3],
            stays: Stay::Days,
            take_back: true,
        }],
        reads: vec![
            StoreRead::Prefix { prefix, after: String::new(), limit: 0 },
            StoreRead::Key("meta".into()),
        ],
    }
}

fn reply() -> Vec<u8> {
    let entry = StoreEntry { key: "l/0a/try/0".into(), revision: 42, value: vec![1, 2, 3] };
    let reply =
        FleetReply { outcome: FleetOutcome::Done, revision: 42, more: false, entries: vec![entry] };
    let mut bytes = Vec::new();
    reply.push(&mut bytes);
    bytes
}

/// Returns the hexadecimal digits in each code block of the document. On each line, the words before a `#` are digits,
/// and the text after it is a comment.
fn blocks(document: &str) -> Vec<String> {
    let parts = document.split("```hex\n").skip(1);
    let block = |part: &str| {
        let lines = part.split("```").next().unwrap_or_default().lines();
        let digits = lines.map(|line| line.split('#').next().unwrap_or_default());
        digits.collect::<String>().split_whitespace().collect::<String>()
    };
    parts.map(block).collect()
}

#[test]
fn the_document_shows_the_bytes() {
    let document = std::fs::read_to_string("PROTOCOL.md").expect("the document");
    let wanted = [request(FleetTask::State), request(FleetTask::Transact(transaction())), reply()];
    let wanted: Vec<String> =
        wanted.iter().map(|bytes| base16ct::lower::encode_string(bytes)).collect();
    assert_eq!(blocks(&document), wanted);
}

#[test]
fn the_document_shows_the_outcomes() {
    let document = std::fs::read_to_string("PROTOCOL.md").expect("the document");
    for outcome in 0..10 {
        let bytes = [[outcome].as_slice(), &[0; 13]].concat();
        let name = format!("{:?}", FleetReply::read(&bytes).expect("a reply").outcome);
        let row = format!("| {outcome} | `{name}` |");
        assert!(document.contains(&row), "{row}");
    }
    assert_eq!(FleetReply::read(&[[10].as_slice(), &[0; 13]].concat()), None);
}
