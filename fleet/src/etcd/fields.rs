//! Reads the fields of a JSON object of etcd. etcd omits a field whose value is zero, false or empty.

use base64ct::{Base64, Encoding};
use serde_json::Value;

/// Parses the body of an answer of etcd; `None` if it is not JSON.
pub(crate) fn parse(body: &[u8]) -> Option<Value> {
    serde_json::from_slice(body).ok()
}

/// Returns a number, which etcd may write as a string; 0 if the field is missing, `None` if the field is not a number.
pub(crate) fn number(object: &Value, name: &str) -> Option<u64> {
    match object.get(name) {
        None => Some(0),
        Some(Value::String(text)) => text.parse().ok(),
        Some(Value::Number(number)) => number.as_u64(),
        Some(_) => None,
    }
}

/// Returns a truth value; `false` if the field is missing.
pub(crate) fn flag(object: &Value, name: &str) -> bool {
    object.get(name).and_then(Value::as_bool).unwrap_or_default()
}

/// Returns a text; empty if the field is missing.
pub(crate) fn text<'a>(object: &'a Value, name: &str) -> &'a str {
    object.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// Returns bytes that are written in base64; empty if the field is missing, `None` if it is not base64.
pub(crate) fn bytes(object: &Value, name: &str) -> Option<Vec<u8>> {
    Base64::decode_vec(text(object, name)).ok()
}

/// Returns the revision of the store from the header of a body; `None` if it is missing or zero.
pub(crate) fn revision(object: &Value) -> Option<u64> {
    number(object.get("header")?, "revision").filter(|revision| *revision > 0)
}
