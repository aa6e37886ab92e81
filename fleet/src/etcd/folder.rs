//! Converts the names of entries (etcd keys) between the form in requests and the full form in etcd, which begins with
//! a prefix for the fleet.

use base64ct::{Base64, Encoding};
use twinlock_core::wire::fleet::KEY_MAX;

/// The prefix of all keys of a fleet in the store. It ends with a slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FleetFolder(String);

impl FleetFolder {
    /// Returns the folder of the fleet with this name.
    pub(crate) fn of(fleet: &str) -> Self {
        Self(format!("/twinlock/{fleet}/"))
    }

    /// Returns the full etcd key for a key without the prefix of the fleet, in base64.
    pub(crate) fn key(&self, relative: &str) -> String {
        Base64::encode_string(format!("{}{relative}", self.0).as_bytes())
    }

    /// Returns the first full etcd key, in base64, that sorts after the key `relative`, which is given without the
    /// prefix of the fleet.
    pub(crate) fn key_after(&self, relative: &str) -> String {
        Base64::encode_string(format!("{}{relative}\0", self.0).as_bytes())
    }

    /// Returns the first full etcd key, in base64, that sorts after all keys of the fleet that begin with `prefix`.
    pub(crate) fn end_of(&self, prefix: &str) -> String {
        let mut end = format!("{}{prefix}", self.0).into_bytes();
        // The last byte of a text in UTF-8 is never 255.
        if let Some(last) = end.last_mut() {
            *last = last.saturating_add(1);
        }
        Base64::encode_string(&end)
    }

    /// Returns an etcd key without the prefix of the fleet; `None` if the key does not begin with this prefix, is not
    /// UTF-8, or is too long for a reply.
    pub(crate) fn relative(&self, key: Vec<u8>) -> Option<String> {
        let key = String::from_utf8(key).ok()?;
        key.strip_prefix(&self.0).filter(|key| key.len() <= KEY_MAX).map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(text: &str) -> String {
        String::from_utf8(Base64::decode_vec(text).unwrap()).unwrap()
    }

    #[test]
    fn keys_are_in_the_folder() {
        let folder = FleetFolder::of("prod");
        assert_eq!(decoded(&folder.key("r/1")), "/twinlock/prod/r/1");
        assert_eq!(decoded(&folder.key_after("r/1")), "/twinlock/prod/r/1\0");
        assert_eq!(decoded(&folder.end_of("r/")), "/twinlock/prod/r0");
        assert_eq!(decoded(&folder.end_of("")), "/twinlock/prod0");
        assert_eq!(folder.relative(b"/twinlock/prod/r/1".to_vec()).as_deref(), Some("r/1"));
        assert_eq!(folder.relative(b"/twinlock/other/r/1".to_vec()), None);
        assert_eq!(folder.relative(vec![0xff]), None);
        let long = format!("/twinlock/prod/{}", "k".repeat(KEY_MAX + 1));
        assert_eq!(folder.relative(long.into_bytes()), None);
    }
}
