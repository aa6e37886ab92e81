//! Finds the single requests in the bytes of an HTTP/1.1 client.

/// Bytes of a client that are not yet a whole request.
#[derive(Default)]
pub(crate) struct HttpRequests {
    pending: Vec<u8>,
}

impl HttpRequests {
    /// Adds bytes of the client, and returns the requests that are whole now. The body of a request must have a
    /// `Content-Length`.
    pub(crate) fn add(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        self.pending.extend_from_slice(bytes);
        let mut whole = Vec::new();
        while let Some(length) =
            length(&self.pending).filter(|length| *length <= self.pending.len())
        {
            let rest = self.pending.split_off(length);
            whole.push(std::mem::replace(&mut self.pending, rest));
        }
        whole
    }
}

/// Returns the length of the first request, head and body together; `None` if its head is not whole.
fn length(bytes: &[u8]) -> Option<usize> {
    const END: &[u8] = b"\r\n\r\n";
    let head = bytes.windows(END.len()).position(|window| window == END)?;
    let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
    assert!(!text.contains("transfer-encoding:"), "a request without a length: {text}");
    let body = text.lines().find_map(|line| line.strip_prefix("content-length:"));
    let body: usize = body.map_or(0, |number| number.trim().parse().expect("a number"));
    Some(head + END.len() + body)
}

#[cfg(test)]
mod tests {
    use super::HttpRequests;

    #[test]
    fn requests_are_found_however_they_arrive() {
        let one = b"POST /a HTTP/1.1\r\ncontent-length: 3\r\n\r\nabc";
        let two = b"GET /b HTTP/1.1\r\nHost: x\r\n\r\n";
        let both = [&one[..], two].concat();
        assert_eq!(HttpRequests::default().add(&both), [one.to_vec(), two.to_vec()]);
        let mut requests = HttpRequests::default();
        let found: Vec<_> = both.iter().flat_map(|byte| requests.add(&[*byte])).collect();
        assert_eq!(found, [one.to_vec(), two.to_vec()]);
    }
}
