//! The transactions with which the daemon writes the entry of its own host in etcd. If etcd refuses the write, the
//! transaction reads the present entry instead.

use base64ct::{Base64, Encoding};
use serde_json::{Value, json};

use crate::etcd::folder::FleetFolder;

/// Returns the body of a transaction that writes this host's entry if the last write of the entry has this revision.
/// The revision 0 means that the entry must not exist.
pub(crate) fn put(folder: &FleetFolder, key: &str, revision: u64, value: &str) -> String {
    let value = Base64::encode_string(value.as_bytes());
    let write = json!({ "request_put": { "key": folder.key(key), "value": value } });
    guarded(folder, key, revision, &write)
}

/// Returns the body of a transaction that deletes this host's entry if the last write of the entry has this revision.
pub(crate) fn delete(folder: &FleetFolder, key: &str, revision: u64) -> String {
    let write = json!({ "request_delete_range": { "key": folder.key(key) } });
    guarded(folder, key, revision, &write)
}

/// Returns the body of a transaction that only reads the entry.
pub(crate) fn get(folder: &FleetFolder, key: &str) -> String {
    json!({ "success": [{ "request_range": { "key": folder.key(key) } }] }).to_string()
}

/// Returns the body of a read of the entry. The daemon sends it to test whether an endpoint answers, and to keep the
/// token in use.
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
