//! Tests that requests and replies can be parsed after encoding, and that other bytes are refused.

use alloc::{string::String, vec, vec::Vec};

use crate::wire::fleet::{
    FLEET_MAGIC, FleetOutcome, FleetReply, FleetRequest, FleetTask, KEY_MAX, REPLY_MAX,
    REQUEST_MAX, Stay, StoreCompare, StoreEntry, StoreRead, StoreTest, StoreWrite, Transaction,
    length_of,
};

fn whole() -> Transaction {
    let compare = |test| StoreCompare { key: "r/00ff".into(), test };
    let put = |stays, take_back| StoreWrite::Put {
        key: "l/00ff/try/1".into(),
        value: vec![0, 255],
        stays,
        take_back,
    };
    Transaction {
        compares: vec![
            compare(StoreTest::Absent),
            compare(StoreTest::Revision(u64::MAX)),
            compare(StoreTest::Value(vec![1; 300])),
            compare(StoreTest::Below(Vec::new())),
        ],
        writes: vec![
            put(Stay::Forever, false),
            put(Stay::Days, true),
            put(Stay::Hour, false),
            StoreWrite::Delete { key: "l/å".into() },
        ],
        reads: vec![
            StoreRead::Key("meta".into()),
            StoreRead::Prefix { prefix: "l/".into(), after: String::new(), limit: 7 },
        ],
    }
}

#[test]
fn requests_come_back_and_no_part_of_one_does() {
    let tasks = [
        FleetTask::Transact(whole()),
        FleetTask::Transact(Transaction::default()),
        FleetTask::State,
        FleetTask::Join,
        FleetTask::Rejoin,
        FleetTask::Leave,
        FleetTask::Preview(whole()),
    ];
    for task in tasks {
        let request = FleetRequest { patience: 3000, task };
        let mut bytes = Vec::new();
        request.push(&mut bytes).unwrap();
        let body = bytes.strip_prefix(&FLEET_MAGIC).unwrap();
        assert_eq!(length_of(body), Some(body.len() - 4));
        assert_eq!(FleetRequest::read(&body[4..]), Some(request));
        for cut in 4..body.len() {
            assert_eq!(FleetRequest::read(&body[4..cut]), None, "{cut}");
        }
        assert_eq!(FleetRequest::read(&[&body[4..], &[0]].concat()), None);
    }
}

#[test]
fn what_is_too_large_is_not_written() {
    let mut bytes = vec![7];
    let value = vec![0; REQUEST_MAX];
    let compare = StoreCompare { key: String::new(), test: StoreTest::Value(value) };
    let long = StoreCompare { key: "k".repeat(KEY_MAX + 1), test: StoreTest::Absent };
    let many = vec![StoreCompare { key: String::new(), test: StoreTest::Absent }; 33];
    for compares in [vec![compare], vec![long], many] {
        let transaction = Transaction { compares, ..Transaction::default() };
        let task = FleetTask::Transact(transaction);
        assert_eq!(FleetRequest { patience: 0, task }.push(&mut bytes), None);
        assert_eq!(bytes, [7]);
    }
}

#[test]
fn replies_come_back_and_long_ones_are_cut() {
    let entry = StoreEntry { key: "r/1".into(), revision: 9, value: vec![3; 1000] };
    for count in [0, 1, 2000] {
        let mut reply = FleetReply {
            outcome: FleetOutcome::Done,
            revision: 5,
            more: false,
            entries: vec![entry.clone(); count],
        };
        let mut bytes = Vec::new();
        reply.push(&mut bytes);
        assert_eq!(length_of(&bytes), Some(bytes.len() - 4));
        assert!(bytes.len() <= REPLY_MAX + 4);
        let found = FleetReply::read(&bytes[4..]).unwrap();
        reply.more = count == 2000;
        reply.entries.truncate(found.entries.len());
        assert_eq!(found, reply);
        assert_eq!(found.more, found.entries.len() < count);
        assert_eq!(FleetReply::read(&bytes[4..bytes.len() - 1]), None);
    }
    assert_eq!(FleetReply::read(&[10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), None);
}
