//! Sends requests to etcd's JSON gateway without TLS, each on its own connection.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use base64ct::{Base64, Encoding};

/// Returns a request that writes a key.
pub(crate) fn put(key: &str, value: &str) -> String {
    let [key, value] = [key, value].map(|text| Base64::encode_string(text.as_bytes()));
    let body = format!("{{\"key\":\"{key}\",\"value\":\"{value}\"}}");
    format!(
        "POST /v3/kv/put HTTP/1.1\r\nHost: etcd\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Sends a request to `address` and returns the answer; `None` if the connection ends without one, or if none comes
/// within `patience`.
pub(crate) fn sent(address: &str, request: &str, patience: Duration) -> Option<String> {
    let mut stream = TcpStream::connect(address).expect("a server that listens");
    stream.set_read_timeout(Some(patience)).expect("a time limit");
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer).filter(|answer| !answer.is_empty())
}
