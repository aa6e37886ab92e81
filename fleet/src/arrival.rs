//! Assembles a request that arrives in parts.

use twinlock_core::wire::fleet::{FLEET_MAGIC, FleetRequest, REQUEST_MAX, length_of};

/// Number of bytes before a request: the magic and the length.
const HEAD: usize = FLEET_MAGIC.len() + 4;

/// The bytes of a request that have arrived.
#[derive(Debug, Default)]
pub(crate) struct RequestBytes {
    bytes: Vec<u8>,
}

/// State of a request after more bytes have arrived.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ArrivedRequest {
    /// The request is incomplete.
    Part,
    /// The request is complete.
    Whole(FleetRequest),
    /// All bytes of the request have arrived, but cannot be parsed.
    Malformed,
    /// The bytes do not begin like a request, announce too long a request, or are more than one request.
    Wrong,
}

impl RequestBytes {
    /// Adds bytes that have arrived, and returns the state of the request.
    pub(crate) fn take(&mut self, new: &[u8]) -> ArrivedRequest {
        self.bytes.extend_from_slice(new);
        let known = self.bytes.len().min(FLEET_MAGIC.len());
        if self.bytes.get(..known) != FLEET_MAGIC.get(..known) {
            return ArrivedRequest::Wrong;
        }
        let length = self.bytes.get(FLEET_MAGIC.len()..).and_then(length_of);
        let Some(length) = length else { return ArrivedRequest::Part };
        if length > REQUEST_MAX || self.bytes.len() > HEAD + length {
            return ArrivedRequest::Wrong;
        }
        if self.bytes.len() < HEAD + length {
            return ArrivedRequest::Part;
        }
        let request = self.bytes.get(HEAD..).and_then(FleetRequest::read);
        request.map_or(ArrivedRequest::Malformed, ArrivedRequest::Whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use twinlock_core::wire::fleet::FleetTask;

    fn bytes() -> Vec<u8> {
        let mut bytes = Vec::new();
        FleetRequest { patience: 3000, task: FleetTask::State }.push(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn a_request_may_come_byte_by_byte() {
        let (bytes, mut arrival) = (bytes(), RequestBytes::default());
        let (last, first) = bytes.split_last().unwrap();
        for byte in first {
            assert_eq!(arrival.take(&[*byte]), ArrivedRequest::Part);
        }
        let request = FleetRequest { patience: 3000, task: FleetTask::State };
        assert_eq!(arrival.take(&[*last]), ArrivedRequest::Whole(request));
        assert_eq!(arrival.take(&[0]), ArrivedRequest::Wrong);
    }

    #[test]
    fn what_is_no_request_is_told_at_once() {
        let of = |bytes: &[u8]| RequestBytes::default().take(bytes);
        assert_eq!(of(b"G"), ArrivedRequest::Wrong);
        assert_eq!(of(b"TWINFLT\x02"), ArrivedRequest::Wrong);
        assert_eq!(of(b"TWINFLT\x01\x00\x02\x00\x01"), ArrivedRequest::Wrong);
        assert_eq!(of(b"TWINFLT\x01\x00\x02\x00\x00"), ArrivedRequest::Part);
        assert_eq!(of(b"TWINFLT\x01\x00\x00\x00\x01a"), ArrivedRequest::Malformed);
        assert_eq!(of(&[bytes(), bytes()].concat()), ArrivedRequest::Wrong);
    }
}
