//! Tests of hosts that create, join, recover and rotate a fleet, with records in temporary folders and a store in
//! memory.

use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;
use twinlock_core::{
    base::{
        account::Folder,
        secret::Key,
        time::{Step, UnixTime},
    },
    ledger::{KeyId, Used, names},
    otp::hotp::Keyed,
    policy::{LedgerKind, Places},
    ports::{CodeSets, Creation, Ledger, LedgerKey, Records},
    record::{
        Generation, Record, State, code_set::Shape, enrollment::ChangeStamp, extras::AuditStamp,
    },
};
use zeroize::Zeroizing;

use crate::{
    entropy::KernelEntropy,
    fleet::{
        entries::number,
        key_file::FleetKey,
        membership::{
            CompareView, Comparison, ConflictChoice, ConflictSettler, FleetMembership, HostSide,
            MembershipError, SharedUsers, UnsettledConflict, UploadScope, shared_users,
            test_store::{MemoryStore, key},
            with_next_key, without_old_keys,
        },
        names::{META, StoreName},
        seal,
    },
    ledger::HostLedger,
    store::records::HostRecords,
    trusted_dir::Owner,
};

const STAMP: ChangeStamp = ChangeStamp { generation: Generation(77), at: UnixTime(1_800_000_000) };

/// A host with its own records and ledger.
struct Host {
    _folder: TempDir,
    records: HostRecords,
    ledger: HostLedger,
}

impl Host {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().canonicalize().unwrap();
        for part in ["records", "ledger"] {
            std::fs::create_dir(path.join(part)).unwrap();
            let mode = PermissionsExt::from_mode(0o700);
            std::fs::set_permissions(path.join(part), mode).unwrap();
        }
        let owner = Owner(rustix::process::geteuid().as_raw());
        let at = |part: &str| path.join(part).to_str().unwrap().to_owned();
        let places = Places {
            records: at("records").into(),
            ledger: at("ledger").into(),
            ledger_kind: LedgerKind::Persistent,
            ledger_mounted: false,
        };
        let records = HostRecords::new(at("records"), "/none", owner);
        Self { _folder: folder, records, ledger: HostLedger::new(&places, owner) }
    }

    fn side(&self) -> HostSide<'_> {
        HostSide { records: &self.records, ledger: &self.ledger }
    }

    /// Writes a record with one authenticator, whose key is the byte `key` twenty times. The record has the generation
    /// `key`.
    fn enroll(&self, user: &str, uid: u32, key: u8) {
        self.write(user, record(user, uid, key));
    }

    fn write(&self, user: &str, record: Record) {
        let folder = folder(user);
        let after = self.records.newest_in(&folder).unwrap().map_or(0, |found| found.sequence);
        self.records.commit(&folder, after, &record).unwrap();
    }

    fn users(&self, key: &FleetKey) -> SharedUsers {
        shared_users(&self.records, key, 1000).unwrap()
    }

    fn found(&self, user: &str) -> (u64, Record) {
        let found = self.records.newest_in(&folder(user)).unwrap().unwrap();
        (found.sequence, found.record)
    }

    fn use_step(&self, user: &str, key: u8, step: u64) -> KeyId {
        let record = record(user, 0, key);
        let one = &record.authenticators[0];
        let mark = Keyed::new(&one.key, one.parameters.algorithm).unwrap().mark(one);
        let ledger = self.ledger.open(&LedgerKey::Account(folder(user))).unwrap();
        let name = names::used_name(&Used { mark, step: Step(step) });
        assert_eq!(ledger.create(&name, "1"), Ok(Creation::Made));
        mark
    }
}

fn folder(user: &str) -> Folder {
    Folder::of(user).unwrap()
}

fn record(user: &str, uid: u32, key: u8) -> Record {
    let mut record = Record::of_nobody(Key::new(vec![key; 20]).unwrap());
    record.user = user.into();
    record.uid = uid;
    record.generation = Generation(key.into());
    record
}

fn fleet<'a>(key: &'a FleetKey, store: &'a MemoryStore) -> FleetMembership<'a> {
    FleetMembership { key, store, entropy: &KernelEntropy }
}

/// Uploads everything that a host has, as `fleet init` and `fleet join` do.
fn send(host: &Host, key: &FleetKey, store: &MemoryStore) -> Comparison {
    let (users, fleet) = (host.users(key).users, fleet(key, store));
    let found = fleet.compare(&users, CompareView::Joins).unwrap();
    fleet.send_codes(host.side(), &users, &found, UploadScope::NewRecords).unwrap();
    fleet.send_records(&users, &found, &mut |_| {}).unwrap();
    let all: Vec<usize> = (0..users.len()).collect();
    fleet.send_steps(host.side(), &users, &all).unwrap();
    found
}

fn begun(host: &Host) -> (FleetKey, MemoryStore) {
    let (key, store) = (key(&[1]), MemoryStore::joined());
    let of = fleet(&key, &store);
    assert!(of.put_meta(&of.first_meta(), None).unwrap());
    assert!(!of.put_meta(&of.first_meta(), None).unwrap());
    of.send_dummies().unwrap();
    send(host, &key, &store);
    (key, store)
}

#[test]
fn records_codes_and_steps_are_sent_up_once() {
    let host = Host::new();
    host.enroll("root", 0, 1);
    host.enroll("backup", 999, 2);
    host.enroll("ada", 1000, 3);
    let codes = ["10000001", "20000002"].map(|code| Zeroizing::new(code.to_owned()));
    let set = host.records.lay_down(&folder("ada"), Shape::Digits8, &codes).unwrap();
    let mut with_codes = record("ada", 1000, 3);
    with_codes.codes = Some(set);
    host.write("ada", with_codes);
    assert_eq!(host.records.spend(&folder("ada"), set, 1, UnixTime(5)), Ok(Creation::Made));
    let mark = host.use_step("ada", 3, 70);
    host.use_step("ada", 3, 60);
    let (key, store) = begun(&host);
    let name = StoreName::of_user(&key, "ada");
    // The description, the dummies, and of ada the record, the set, the spent code and the step.
    assert_eq!(store.len(), 1 + 256 + 4);
    assert_eq!(seal::number_of(&store.value(&name.record()).unwrap()), Some(2));
    assert!(store.value(&name.code_set(set)).is_some());
    assert_eq!(store.value(&name.spent_code(set, 1)).unwrap().len(), 24);
    assert_eq!(number(&store.value(&name.top(&key, mark)).unwrap()), Some(70));
    let before = store.transactions();
    let again = send(&host, &key, &store);
    assert_eq!((again.same.len(), again.differences(), again.only_there), (1, 0, 0));
    assert_eq!(store.len(), 1 + 256 + 4);
    assert!(store.transactions() > before);
    let other = Host::new();
    let found = send(&other, &key, &store);
    assert_eq!((found.only_there, found.differences()), (1, 0));
}

#[test]
fn names_of_one_person_are_told() {
    let host = Host::new();
    host.enroll("ada", 1000, 1);
    host.enroll("Ada", 1001, 2);
    let found = host.users(&key(&[1]));
    assert_eq!(found.same_name, ["Ada, ada"]);
}

/// Creates a fleet whose store has one host's record of ada, and returns a second host that has another record of ada.
fn conflict(here: &[u8], there: &[u8]) -> (Host, FleetKey, MemoryStore) {
    let (first, second) = (Host::new(), Host::new());
    there.iter().for_each(|key| first.enroll("ada", 1000, *key));
    here.iter().for_each(|key| second.enroll("ada", 1000, *key));
    let (key, store) = begun(&first);
    (second, key, store)
}

fn keys(record: &Record) -> Vec<u8> {
    record.authenticators.iter().map(|one| one.key.bytes()[0]).collect()
}

#[test]
fn each_choice_leaves_one_record_on_both_sides() {
    use ConflictChoice::{Local, Merge, Store};
    for (choice, here, there, kept, sequence) in [
        (Store, &[1][..], &[2][..], &[2][..], 2),
        (Store, &[1], &[2, 3], &[3], 2),
        (Store, &[1, 2, 3], &[4], &[4], 4),
        (Local, &[1], &[2], &[1], 2),
        (Local, &[1, 2, 3], &[4], &[3], 3),
        (Local, &[1], &[2, 3], &[1], 3),
        (Merge, &[1], &[2], &[2, 1], 2),
        (Merge, &[1, 2], &[2], &[2], 3),
    ] {
        let (host, key, store) = conflict(here, there);
        let (users, of) = (host.users(&key).users, fleet(&key, &store));
        let mut found = of.compare(&users, CompareView::Joins).unwrap();
        if here.last() == there.last() {
            assert_eq!(found.conflicts.len(), 0);
            continue;
        }
        let conflict = found.conflicts.pop().unwrap();
        let settler = ConflictSettler { choice, same_uids: true, stamp: STAMP };
        let settled = settler.settle(&users[0], &conflict).ok().unwrap();
        of.write_settled(host.side(), &users[0], &settled).unwrap();
        let (number, record) = host.found("ada");
        assert_eq!((keys(&record), number), (kept.to_vec(), sequence), "{choice:?} {here:?}");
        let again = of.compare(&host.users(&key).users, CompareView::Joins).unwrap();
        assert_eq!((again.same.len(), again.differences()), (1, 0), "{choice:?} {here:?}");
    }
}

#[test]
fn a_choice_that_does_not_fit_settles_nothing() {
    let (host, key, store) = conflict(&[1], &[2]);
    let mut removed = record("ada", 1000, 1);
    (removed.state, removed.authenticators) = (State::Removed, Vec::new());
    host.write("ada", removed);
    let users = host.users(&key).users;
    let found = fleet(&key, &store).compare(&users, CompareView::Joins).unwrap();
    let settle = |choice, conflict| {
        let settler = ConflictSettler { choice, same_uids: true, stamp: STAMP };
        settler.settle(&users[0], conflict).err()
    };
    let conflict = &found.conflicts[0];
    assert_eq!(settle(ConflictChoice::Merge, conflict), Some(UnsettledConflict::NotEnrolled));
    let mut moved = fleet(&key, &store).compare(&users, CompareView::Joins).unwrap();
    moved.conflicts[0].record.uid = 1001;
    let conflict = &moved.conflicts[0];
    assert_eq!(settle(ConflictChoice::Store, conflict), Some(UnsettledConflict::OtherUid));
    assert_eq!(settle(ConflictChoice::Local, conflict), None);
}

#[test]
fn newer_records_are_sent_to_a_restored_store() {
    let host = Host::new();
    host.enroll("ada", 1000, 1);
    host.enroll("bob", 1001, 2);
    let (key, store) = begun(&host);
    host.enroll("ada", 1000, 3);
    let of = fleet(&key, &store);
    assert_eq!(of.raise_epoch().unwrap().epoch, 2);
    let users = host.users(&key).users;
    let found = of.compare(&users, CompareView::IsMember).unwrap();
    assert_eq!((found.newer_here.len(), found.same.len(), found.conflicts.len()), (1, 1, 0));
    of.send_records(&users, &found, &mut |_| {}).unwrap();
    // The host whose record is older changes nothing.
    let old = Host::new();
    old.enroll("ada", 1000, 1);
    let users = old.users(&key).users;
    let found = of.compare(&users, CompareView::IsMember).unwrap();
    assert_eq!((found.older_here.len(), found.newer_here.len(), found.only_there), (1, 0, 1));
    assert_eq!(of.meta().unwrap().unwrap().meta.epoch, 2);
}

#[test]
fn a_record_that_was_written_meanwhile_is_not_overwritten() {
    let (host, key, store) = (Host::new(), key(&[1]), MemoryStore::joined());
    host.enroll("ada", 1000, 1);
    let (users, of) = (host.users(&key).users, fleet(&key, &store));
    let found = of.compare(&users, CompareView::Joins).unwrap();
    store.put(&users[0].name.record(), b"other");
    let sent = of.send_records(&users, &found, &mut |_| {});
    assert_eq!(sent, Err(MembershipError::Changed));
    assert_eq!(store.value(&users[0].name.record()).unwrap(), b"other");
}

#[test]
fn a_key_is_replaced_and_dropped_when_nothing_needs_it() {
    let host = Host::new();
    (0..40).for_each(|at| host.enroll(&format!("u{at}"), 1000 + u32::from(at), at));
    let (key, store) = begun(&host);
    let more = with_next_key(&key, &KernelEntropy).unwrap();
    assert_eq!((more.sealing.len(), more.seals_with), (2, 1));
    let mut next = FleetKey::read(&more.write()).unwrap();
    next.seals_with = 2;
    // An attempt of another host, which is sealed after its nonce.
    let attempt = [&[0; 16][..], &store.value(META).unwrap()].concat();
    store.put("l/00/try/00", &attempt);
    store.put("l/00/top/00", &[0; 24]);
    let done = fleet(&next, &store).reseal().unwrap();
    assert_eq!((done.entries, done.left), (1 + 256 + 40, 1));
    let alone = without_old_keys(&next).unwrap();
    let users = host.users(&alone).users;
    let found = fleet(&alone, &store).compare(&users, CompareView::IsMember).unwrap();
    assert_eq!((found.same.len(), found.differences()), (40, 0));
    assert_eq!(fleet(&alone, &store).reseal().unwrap().entries, 0);
}

#[test]
fn keys_of_a_stolen_host_count_as_disclosed() {
    let host = Host::new();
    host.enroll("ada", 1000, 1);
    let (key, store) = begun(&host);
    let audit = AuditStamp { by: "kim".into(), at: UnixTime(9) };
    let of = fleet(&key, &store);
    assert_eq!(of.mark_disclosed(&audit), Ok(1));
    assert_eq!(of.mark_disclosed(&audit), Ok(0));
    let users = host.users(&key).users;
    let found = of.compare(&users, CompareView::IsMember).unwrap();
    assert_eq!(found.older_here, [0]);
    let stored = store.value(&users[0].name.record()).unwrap();
    assert_eq!(seal::number_of(&stored), Some(2));
}
