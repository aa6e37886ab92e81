//! Reads and writes the numbers, keys and values in requests and replies of the fleet.

use alloc::{string::String, vec::Vec};

/// Maximum length of a key in bytes.
pub const KEY_MAX: usize = 200;

/// The bytes of a request or reply that are not parsed yet. Each method returns `None` if the bytes are too few or
/// malformed.
pub(super) struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn one(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn flag(&mut self) -> Option<bool> {
        match self.one()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    pub(super) fn two(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn four(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn eight(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    /// Reads the number of elements of a list (one byte); `None` if it is above `most`.
    pub(super) fn count(&mut self, most: usize) -> Option<usize> {
        self.one().map(usize::from).filter(|count| *count <= most)
    }

    pub(super) fn key(&mut self) -> Option<String> {
        let length = usize::from(self.two()?);
        let key = self.take(length).filter(|_| length <= KEY_MAX)?;
        core::str::from_utf8(key).ok().map(String::from)
    }

    pub(super) fn bytes(&mut self) -> Option<Vec<u8>> {
        let length = usize::try_from(self.four()?).ok()?;
        self.take(length).map(Vec::from)
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }
}

/// Appends a key with its length; `None` if it is longer than [`KEY_MAX`].
pub(super) fn push_key(bytes: &mut Vec<u8>, key: &str) -> Option<()> {
    let length = u16::try_from(key.len()).ok().filter(|_| key.len() <= KEY_MAX)?;
    bytes.extend(length.to_be_bytes());
    bytes.extend(key.bytes());
    Some(())
}

/// Appends a value with its length; `None` if it is longer than 4 GiB.
pub(super) fn push_bytes(bytes: &mut Vec<u8>, value: &[u8]) -> Option<()> {
    bytes.extend(u32::try_from(value.len()).ok()?.to_be_bytes());
    bytes.extend(value);
    Some(())
}

/// Appends the bytes that `body` appends, with their length (four bytes) in front. Returns `None` if `body` does, or if
/// the length is above `most`.
pub(super) fn framed(
    bytes: &mut Vec<u8>,
    most: usize,
    body: impl FnOnce(&mut Vec<u8>) -> Option<()>,
) -> Option<()> {
    let start = bytes.len();
    bytes.extend([0; 4]);
    body(bytes)?;
    let length = bytes.len().checked_sub(start)?.checked_sub(4).filter(|length| *length <= most)?;
    let length = u32::try_from(length).ok()?.to_be_bytes();
    bytes.iter_mut().skip(start).zip(length).for_each(|(to, from)| *to = from);
    Some(())
}
