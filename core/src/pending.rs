//! Set-up that was begun and not finished: who may go on with the same key.

use crate::{beside::Pending, request::SourceLabel, time::UnixTime};

/// Seconds in which a set-up that was cut off goes on with the same key.
const RESUMED_FOR: u64 = 15 * 60;

/// Who asks.
pub struct Asker<'a> {
    /// Where from.
    pub source: &'a SourceLabel,
    /// The fingerprint of the verified key, where there is one.
    pub fingerprint: Option<&'a str>,
}

/// Until when a key that was shown first at that instant is shown again.
#[must_use]
pub fn resumed_until(since: UnixTime) -> UnixTime {
    since.plus(RESUMED_FOR)
}

/// Whether a key that was shown is shown again: to nobody but who has seen it, since it may be in an app already.
#[must_use]
pub fn resumes(pending: &Pending, asker: &Asker<'_>, now: UnixTime) -> bool {
    let same =
        pending.source == *asker.source && pending.fingerprint.as_deref() == asker.fingerprint;
    same && pending.since <= now && now < resumed_until(pending.since)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Key;

    #[test]
    fn only_who_has_seen_a_key_sees_it_again_and_not_for_long() {
        let source = SourceLabel::read("203.0.113.7").unwrap();
        let other = SourceLabel::read("203.0.113.8").unwrap();
        let pending = Pending {
            key: Key::new(alloc::vec![1; 20]).unwrap(),
            since: UnixTime(1000),
            source: source.clone(),
            fingerprint: Some("SHA256:a".into()),
        };
        for (from, fingerprint, now, resumed) in [
            (&source, Some("SHA256:a"), 1000, true),
            (&source, Some("SHA256:a"), 1899, true),
            (&source, Some("SHA256:a"), 1900, false),
            (&source, Some("SHA256:a"), 999, false),
            (&source, Some("SHA256:b"), 1000, false),
            (&source, None, 1000, false),
            (&other, Some("SHA256:a"), 1000, false),
        ] {
            let asker = Asker { source: from, fingerprint };
            assert_eq!(resumes(&pending, &asker, UnixTime(now)), resumed);
        }
    }
}
