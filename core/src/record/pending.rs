//! Interrupted set-up: decides whether a user may continue with the key that was shown before.

use crate::{
    base::{
        request::SourceLabel,
        time::{BootTime, Now, UnixTime},
    },
    record::extras::Pending,
};

/// Seconds for which an interrupted set-up can continue with the same key.
const RESUMED_FOR: u64 = 15 * 60;

/// The properties by which a user who begins set-up again is recognized.
pub struct Asker<'a> {
    /// The source of the login.
    pub source: &'a SourceLabel,
    /// The fingerprint of the user's verified public key; `None` if none was verified.
    pub fingerprint: Option<&'a str>,
}

/// Returns the time up to which a user may continue with a key that was first shown at `since`.
#[must_use]
pub fn resumed_until(since: UnixTime) -> UnixTime {
    since.plus(RESUMED_FOR)
}

/// Returns the time of the boot clock up to which a user may continue with a key that is first shown now.
#[must_use]
pub fn resumed_until_boot(now: Now) -> BootTime {
    now.boot.plus(RESUMED_FOR)
}

/// Returns whether a key that is not verified yet (`pending`) is shown again. It is shown only to the user who has
/// already seen it and may have stored it in an app.
///
/// The user must have the same verified ssh key and the same source. An address alone does not prove who the user is,
/// because two people at one address may know the same password.
#[must_use]
pub fn resumes(pending: &Pending, asker: &Asker<'_>, now: Now) -> bool {
    let same = pending.fingerprint.is_some()
        && pending.fingerprint.as_deref() == asker.fingerprint
        && pending.source == *asker.source;
    let over_by_boot = pending.until_boot.is_some_and(|until| now.boot >= until);
    same && !over_by_boot && pending.since <= now.unix && now.unix < resumed_until(pending.since)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::secret::Key;

    #[test]
    fn only_who_has_seen_a_key_sees_it_again_and_not_for_long() {
        let source = SourceLabel::read("203.0.113.7").unwrap();
        let other = SourceLabel::read("203.0.113.8").unwrap();
        let pending = Pending {
            key: Key::new(alloc::vec![1; 20]).unwrap(),
            since: UnixTime(1000),
            source: source.clone(),
            fingerprint: Some("SHA256:a".into()),
            until_boot: Some(BootTime(5_000_000_000_000)),
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
            let now = Now { unix: UnixTime(now), boot: BootTime(4_900_000_000_000) };
            assert_eq!(resumes(&pending, &asker, now), resumed);
        }
        let asker = Asker { source: &source, fingerprint: Some("SHA256:a") };
        for (boot, resumed) in [(4_999_999_999_999, true), (5_000_000_000_000, false)] {
            let now = Now { unix: UnixTime(1000), boot: BootTime(boot) };
            assert_eq!(resumes(&pending, &asker, now), resumed, "the clock was set back");
        }
    }

    #[test]
    fn without_a_verified_ssh_key_nobody_is_known_again() {
        let source = SourceLabel::read("203.0.113.7").unwrap();
        let pending = Pending {
            key: Key::new(alloc::vec![1; 20]).unwrap(),
            since: UnixTime(1000),
            source: source.clone(),
            fingerprint: None,
            until_boot: None,
        };
        for fingerprint in [None, Some("SHA256:a")] {
            let asker = Asker { source: &source, fingerprint };
            let now = Now { unix: UnixTime(1001), boot: BootTime(1) };
            assert!(!resumes(&pending, &asker, now), "{fingerprint:?}");
        }
    }
}
