//! Reads what etcd answers to a transaction, a read, and the requests for a lease and for a token.

use serde_json::Value;
use twinlock_core::wire::fleet::StoreEntry;

use crate::etcd::{fields, folder::FleetFolder};

/// What etcd answers to a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TransactionAnswer {
    /// Whether all comparisons were true.
    pub(crate) succeeded: bool,
    /// Revision of the store after the transaction.
    pub(crate) revision: u64,
    /// Whether a list was shortened.
    pub(crate) more: bool,
    /// The entries that each read has found. etcd makes the reads of one branch only: all comparisons true, or one
    /// false.
    pub(crate) reads: Vec<Vec<StoreEntry>>,
}

impl TransactionAnswer {
    /// Parses the body of an answer to a transaction; `None` if the body is malformed.
    pub(crate) fn read(body: &[u8], folder: &FleetFolder) -> Option<Self> {
        let body = fields::parse(body)?;
        let mut answer = Self {
            succeeded: fields::flag(&body, "succeeded"),
            revision: fields::revision(&body)?,
            more: false,
            reads: Vec::new(),
        };
        let responses = body.get("responses").and_then(Value::as_array);
        for response in responses.into_iter().flatten() {
            if let Some(range) = response.get("response_range") {
                answer.more |= fields::flag(range, "more");
                answer.reads.push(entries(range, folder)?);
            }
        }
        Some(answer)
    }

    /// Removes the last read and returns the entry that it found; `None` if there is no read or it found nothing.
    pub(crate) fn take_last(&mut self) -> Option<StoreEntry> {
        self.reads.pop()?.pop()
    }
}

fn entries(range: &Value, folder: &FleetFolder) -> Option<Vec<StoreEntry>> {
    let found = range.get("kvs").and_then(Value::as_array);
    let one = |found: &Value| {
        Some(StoreEntry {
            key: folder.relative(fields::bytes(found, "key")?)?,
            revision: fields::number(found, "mod_revision")?,
            value: fields::bytes(found, "value")?,
        })
    };
    found.into_iter().flatten().map(one).collect()
}

/// Parses the answer to a request for a lease; `None` if the answer is malformed.
pub(crate) fn lease(body: &[u8]) -> Option<u64> {
    fields::number(&fields::parse(body)?, "ID").filter(|id| *id > 0)
}

/// Parses the answer to a request for a token; `None` if the answer is malformed.
pub(crate) fn token(body: &[u8]) -> Option<String> {
    let body = fields::parse(body)?;
    let token = fields::text(&body, "token");
    let is_plain = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
    is_plain.then(|| token.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64ct::{Base64, Encoding};

    fn key(text: &str) -> String {
        Base64::encode_string(format!("/twinlock/f/{text}").as_bytes())
    }

    #[test]
    fn an_answer_is_read() {
        let body = format!(
            r#"{{"header":{{"cluster_id":"32","revision":"12","raft_term":"2"}},"succeeded":true,"responses":[
            {{"response_put":{{"header":{{"revision":"12"}}}}}},{{"response_delete_range":{{"deleted":"1"}}}},
            {{"response_range":{{"kvs":[{{"key":"{}","create_revision":"3","mod_revision":"12","version":"2","value":"Yg=="}},
            {{"key":"{}","mod_revision":"9"}}],"more":true,"count":"5"}}}},{{"response_range":{{"header":{{}}}}}}]}}"#,
            key("a"),
            key("b")
        );
        let folder = FleetFolder::of("f");
        let answer = TransactionAnswer::read(body.as_bytes(), &folder).unwrap();
        let entry = |key: &str, revision, value: &[u8]| StoreEntry {
            key: key.into(),
            revision,
            value: value.to_vec(),
        };
        let wanted = TransactionAnswer {
            succeeded: true,
            revision: 12,
            more: true,
            reads: vec![vec![entry("a", 12, b"b"), entry("b", 9, b"")], vec![]],
        };
        assert_eq!(answer, wanted);
    }

    #[test]
    fn the_hosts_entry_is_the_last_read() {
        let folder = FleetFolder::of("f");
        let body = format!(
            r#"{{"header":{{"revision":"12"}},"responses":[{{"response_range":{{}}}},
            {{"response_range":{{"kvs":[{{"key":"{}","mod_revision":"9","value":"YQ=="}}]}}}}]}}"#,
            key("hosts/h")
        );
        let mut answer = TransactionAnswer::read(body.as_bytes(), &folder).unwrap();
        assert_eq!(answer.take_last().map(|entry| entry.revision), Some(9));
        assert_eq!((answer.succeeded, answer.reads.len()), (false, 1));
        assert_eq!(answer.take_last(), None);
    }

    #[test]
    fn what_has_another_form_is_no_answer() {
        let folder = FleetFolder::of("other");
        let foreign = format!(
            r#"{{"header":{{"revision":"12"}},"responses":[{{"response_range":{{"kvs":[{{"key":"{}"}}]}}}}]}}"#,
            key("a")
        );
        for body in ["", "<html>", "{}", r#"{"header":{"revision":"x"}}"#, &foreign] {
            assert_eq!(TransactionAnswer::read(body.as_bytes(), &folder), None, "{body}");
        }
        assert_eq!((lease(b"{}"), lease(br#"{"ID":"7"}"#)), (None, Some(7)));
        assert_eq!(token(br#"{"token":"a\r\nb"}"#), None);
        assert_eq!(token(br#"{"token":"abc.12"}"#).as_deref(), Some("abc.12"));
    }
}
