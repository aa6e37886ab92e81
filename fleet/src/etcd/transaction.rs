//! Translates the transaction of a client to the body of an etcd transaction.

use base64ct::{Base64, Encoding};
use serde_json::{Value, json};
use twinlock_core::wire::fleet::{
    Stay, StoreCompare, StoreRead, StoreTest, StoreWrite, Transaction,
};

use crate::{etcd::folder::FleetFolder, leases::LeaseIds, take_back::GuardedDelete};

/// Maximum number of keys that all reads of prefixes in one transaction return together. About this many sealed records
/// of the usual size fill a reply.
pub(crate) const LIST_MAX: u16 = 1000;
/// The maximum after an answer was too large. This many records of the maximum size fit into an answer.
pub(crate) const LIST_SAFE: u16 = 60;

/// What the daemon adds to the transaction of a client.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TransactionFrame<'a> {
    /// The folder of the fleet.
    pub(crate) folder: &'a FleetFolder,
    /// The key of this host's entry.
    pub(crate) own_key: &'a str,
    /// The revision of the last write of this host's entry.
    pub(crate) revision: u64,
    /// The leases for values that expire.
    pub(crate) leases: LeaseIds,
    /// Maximum number of keys that all reads of prefixes return together.
    pub(crate) most: u16,
}

/// Returns whether the daemon accepts the transaction: it must not write this host's entry, and a read of a prefix may
/// only continue after a key with this prefix.
pub(crate) fn is_well_formed(transaction: &Transaction, own_key: &str) -> bool {
    let own = |write: &StoreWrite| match write {
        StoreWrite::Put { key, .. } | StoreWrite::Delete { key } => key == own_key,
    };
    let goes_on = |read: &StoreRead| match read {
        StoreRead::Key(_) => true,
        StoreRead::Prefix { prefix, after, .. } => after.is_empty() || after.starts_with(prefix),
    };
    !transaction.writes.iter().any(own) && transaction.reads.iter().all(goes_on)
}

/// Returns the body of the transaction. It requires that this host's entry is not older than `frame.revision`. If a
/// comparison is false, the transaction also reads this entry.
pub(crate) fn body(transaction: &Transaction, frame: &TransactionFrame<'_>) -> String {
    let own = json!({
        "key": frame.folder.key(frame.own_key), "target": "MOD", "result": "GREATER",
        "mod_revision": frame.revision.saturating_sub(1).to_string(),
    });
    let compares = transaction.compares.iter().map(|compare| compared(compare, frame.folder));
    let compares: Vec<Value> = std::iter::once(own).chain(compares).collect();
    let lists = transaction.reads.iter().filter(|read| matches!(read, StoreRead::Prefix { .. }));
    let most = frame.most / u16::try_from(lists.count()).unwrap_or(1).max(1);
    let reads: Vec<Value> =
        transaction.reads.iter().map(|read| read_of(read, frame.folder, most)).collect();
    let writes = transaction.writes.iter().map(|write| written(write, frame));
    let success: Vec<Value> = writes.chain(reads.iter().cloned()).collect();
    let own = json!({ "request_range": { "key": frame.folder.key(frame.own_key) } });
    let failure: Vec<Value> = reads.into_iter().chain([own]).collect();
    json!({ "compare": compares, "success": success, "failure": failure }).to_string()
}

fn compared(compare: &StoreCompare, folder: &FleetFolder) -> Value {
    let key = folder.key(&compare.key);
    match &compare.test {
        StoreTest::Absent => {
            json!({ "key": key, "target": "CREATE", "result": "EQUAL", "create_revision": "0" })
        }
        StoreTest::Revision(revision) => {
            let revision = revision.to_string();
            json!({ "key": key, "target": "MOD", "result": "EQUAL", "mod_revision": revision })
        }
        StoreTest::Value(value) => {
            let value = Base64::encode_string(value);
            json!({ "key": key, "target": "VALUE", "result": "EQUAL", "value": value })
        }
        StoreTest::Below(value) => {
            let value = Base64::encode_string(value);
            json!({ "key": key, "target": "VALUE", "result": "LESS", "value": value })
        }
    }
}

fn written(write: &StoreWrite, frame: &TransactionFrame<'_>) -> Value {
    match write {
        StoreWrite::Put { key, value, stays, .. } => {
            let (key, value) = (frame.folder.key(key), Base64::encode_string(value));
            let lease = match stays {
                Stay::Forever => None,
                Stay::Days => frame.leases.days,
                Stay::Hour => frame.leases.hour,
            };
            let lease = lease.unwrap_or_default().to_string();
            json!({ "request_put": { "key": key, "value": value, "lease": lease } })
        }
        StoreWrite::Delete { key } => {
            json!({ "request_delete_range": { "key": frame.folder.key(key) } })
        }
    }
}

/// Returns a read. A read of a prefix returns at most `most` keys. All reads are linearizable, which is the default.
fn read_of(read: &StoreRead, folder: &FleetFolder, most: u16) -> Value {
    match read {
        StoreRead::Key(key) => json!({ "request_range": { "key": folder.key(key) } }),
        StoreRead::Prefix { prefix, after, limit } => {
            let begin = if after.is_empty() { folder.key(prefix) } else { folder.key_after(after) };
            let limit = if *limit == 0 { most } else { most.min(*limit) };
            let (end, limit) = (folder.end_of(prefix), limit.to_string());
            json!({ "request_range": { "key": begin, "range_end": end, "limit": limit } })
        }
    }
}

/// Returns the body of a transaction that deletes a key if it still has the value.
pub(crate) fn guarded_delete(delete: &GuardedDelete, folder: &FleetFolder) -> String {
    let key = folder.key(&delete.key);
    let value = Base64::encode_string(&delete.value);
    json!({
        "compare": [{ "key": key, "target": "VALUE", "result": "EQUAL", "value": value }],
        "success": [{ "request_delete_range": { "key": key } }],
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> String {
        let mut plain = text.to_owned();
        let quoted: Vec<&str> = text.split('"').collect();
        for part in quoted {
            let decoded = Base64::decode_vec(part).ok();
            let decoded = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
            if let Some(decoded) = decoded.filter(|text| text.starts_with('/')) {
                plain = plain.replace(part, &decoded.replace('\0', "\\\\0"));
            }
        }
        plain
    }

    fn frame(folder: &FleetFolder) -> TransactionFrame<'_> {
        let leases = LeaseIds { days: Some(71), hour: Some(72) };
        TransactionFrame { folder, own_key: "hosts/web1", revision: 40, leases, most: LIST_MAX }
    }

    /// Returns the body as JSON, with the keys and values decoded. A byte zero is written as `\0`.
    fn read(body: &str) -> Value {
        serde_json::from_str(&plain(body)).unwrap()
    }

    fn list(after: &str, limit: u16) -> StoreRead {
        StoreRead::Prefix { prefix: "l/".into(), after: after.into(), limit }
    }

    #[test]
    fn each_comparison_has_its_form() {
        let folder = FleetFolder::of("f");
        let compare = |key: &str, test| StoreCompare { key: key.into(), test };
        let compares = vec![
            compare("a", StoreTest::Absent),
            compare("b", StoreTest::Revision(9)),
            compare("c", StoreTest::Value(b"/x".to_vec())),
            compare("d", StoreTest::Below(b"/y".to_vec())),
        ];
        let transaction = Transaction { compares, ..Transaction::default() };
        let wanted = json!([
            { "key": "/twinlock/f/hosts/web1", "target": "MOD", "result": "GREATER", "mod_revision": "39" },
            { "key": "/twinlock/f/a", "target": "CREATE", "result": "EQUAL", "create_revision": "0" },
            { "key": "/twinlock/f/b", "target": "MOD", "result": "EQUAL", "mod_revision": "9" },
            { "key": "/twinlock/f/c", "target": "VALUE", "result": "EQUAL", "value": "/x" },
            { "key": "/twinlock/f/d", "target": "VALUE", "result": "LESS", "value": "/y" },
        ]);
        assert_eq!(read(&body(&transaction, &frame(&folder)))["compare"], wanted);
    }

    #[test]
    fn writes_come_before_reads() {
        let folder = FleetFolder::of("f");
        let put = |key: &str, stays| {
            let (key, value) = (key.into(), b"/v".to_vec());
            StoreWrite::Put { key, value, stays, take_back: true }
        };
        let delete = StoreWrite::Delete { key: "h".into() };
        let puts = [put("e", Stay::Forever), put("f", Stay::Days), put("g", Stay::Hour), delete];
        let reads = vec![StoreRead::Key("r/1".into()), list("", 0), list("l/5", 7)];
        let transaction = Transaction { writes: puts.to_vec(), reads, ..Transaction::default() };
        let reads = [
            json!({ "request_range": { "key": "/twinlock/f/r/1" } }),
            json!({ "request_range": { "key": "/twinlock/f/l/", "range_end": "/twinlock/f/l0", "limit": "500" } }),
            json!({ "request_range": { "key": "/twinlock/f/l/5\\0", "range_end": "/twinlock/f/l0", "limit": "7" } }),
        ];
        let writes = [
            json!({ "request_put": { "key": "/twinlock/f/e", "value": "/v", "lease": "0" } }),
            json!({ "request_put": { "key": "/twinlock/f/f", "value": "/v", "lease": "71" } }),
            json!({ "request_put": { "key": "/twinlock/f/g", "value": "/v", "lease": "72" } }),
            json!({ "request_delete_range": { "key": "/twinlock/f/h" } }),
        ];
        let own = json!({ "request_range": { "key": "/twinlock/f/hosts/web1" } });
        let found = read(&body(&transaction, &frame(&folder)));
        assert_eq!(found["success"], json!([writes.as_slice(), &reads].concat()));
        assert_eq!(found["failure"], json!([reads.as_slice(), &[own]].concat()));
        assert!(!found.to_string().contains("serializable"));
    }

    #[test]
    fn the_same_transaction_has_the_same_bytes() {
        let folder = FleetFolder::of("f");
        let transaction = Transaction::default();
        assert_eq!(body(&transaction, &frame(&folder)), body(&transaction, &frame(&folder)));
    }

    #[test]
    fn a_client_cannot_write_the_hosts_own_entry() {
        let writes = |writes| Transaction { writes, ..Transaction::default() };
        let delete = |key: &str| StoreWrite::Delete { key: key.into() };
        assert!(is_well_formed(&writes(vec![delete("hosts/web2")]), "hosts/web1"));
        assert!(!is_well_formed(&writes(vec![delete("a"), delete("hosts/web1")]), "hosts/web1"));
        let reads = |after| Transaction { reads: vec![list(after, 0)], ..Transaction::default() };
        assert!(is_well_formed(&reads(""), "") && is_well_formed(&reads("l/5"), ""));
        assert!(!is_well_formed(&reads("s/5"), ""));
    }

    #[test]
    fn a_value_is_deleted_only_if_it_is_still_there() {
        let delete = GuardedDelete { key: "a".into(), value: b"/v".to_vec() };
        let found = read(&guarded_delete(&delete, &FleetFolder::of("f")));
        let wanted = json!({
            "compare": [{ "key": "/twinlock/f/a", "target": "VALUE", "result": "EQUAL", "value": "/v" }],
            "success": [{ "request_delete_range": { "key": "/twinlock/f/a" } }],
        });
        assert_eq!(found, wanted);
    }
}
