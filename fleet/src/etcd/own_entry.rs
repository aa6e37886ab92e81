//! The transactions with which the daemon writes the entry of its own host. Each reads the entry if it writes nothing.

use data_encoding::BASE64;
use serde_json::{Value, json};

use crate::etcd::folder::FleetFolder;

/// Returns the body of a transaction that writes the entry, if its last write is the one with this revision; 0 stands
/// for an entry that does not exist.
pub(crate) fn put(folder: &FleetFolder, key: &str, revision: u64, value: &str) -> String {
    let value = BASE64.encode(value.as_bytes());
    let write = json!({ "request_put": { "key": folder.key(key), "value": value } });
    guarded(folder, key, revision, &write)
}

/// Returns the body of a transaction that deletes the entry, if its last write is the one with this revision.
pub(crate) fn delete(folder: &FleetFolder, key: &str, revision: u64) -> String {
    let write = json!({ "request_delete_range": { "key": folder.key(key) } });
    guarded(folder, key, revision, &write)
}

/// Returns the body of a transaction that only reads the entry.
pub(crate) fn get(folder: &FleetFolder, key: &str) -> String {
    json!({ "success": [{ "request_range": { "key": folder.key(key) } }] }).to_string()
}

/// Returns the body of a read of the entry. It shows whether an endpoint answers, and uses the token.
pub(crate) fn range(folder: &FleetFolder, key: &str) -> String {
    json!({ "key": folder.key(key) }).to_string()
}

fn guarded(folder: &FleetFolder, key: &str, revision: u64, write: &Value) -> String {
    let key = folder.key(key);
    json!({
        "compare": [{
            "key": key, "target": "MOD", "result": "EQUAL", "mod_revision": revision.to_string(),
        }],
        "success": [write],
        "failure": [{ "request_range": { "key": key } }],
    })
    .to_string()
}
