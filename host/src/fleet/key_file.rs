//! The key file of a fleet, `fleet.key` in the folder of the settings: the name of the fleet, the key with which names
//! in the store are hashed, and the keys that seal values. Every host of the fleet has the same file.
//!
//! The file is text, one `WORD VALUE` a line; keys are in hex:
//!
//! ```text
//! twinlock-fleet-key 1
//! fleet example
//! names lowercase-without-domain
//! naming-key 0123…
//! sealing-key 1 89ab…
//! seals-with 1
//! ```
//!
//! `seals-with` is the number of the key that seals new values; the other keys only open older ones. A file with a
//! single sealing key needs no such line.

use twinlock_core::base::error::FleetError;
use zeroize::Zeroizing;

/// Maximum size of the file in bytes.
pub const KEY_FILE_MAX: usize = 16 * 1024;
/// Name of the file, which is in the folder of the settings.
pub const KEY_FILE: &str = "fleet.key";
const HEADER: &str = "twinlock-fleet-key 1";
/// Maximum length of the name of a fleet.
const FLEET_MAX: usize = 32;

/// How a user name is mapped to a name in the store, so that all hosts find the same record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamingRule {
    /// The name as NSS returns it.
    Exact,
    /// The name without domain (`CORP\ada` and `ada@corp` are `ada`), with `A` to `Z` in lower case.
    LowercaseWithoutDomain,
}

impl NamingRule {
    const ALL: [Self; 2] = [Self::Exact, Self::LowercaseWithoutDomain];

    /// Returns the word for the rule in the key file.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::LowercaseWithoutDomain => "lowercase-without-domain",
        }
    }

    /// Returns the rule for a word of the key file; `None` if no rule has this word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.word() == word)
    }

    /// Applies the rule to a user name. The result is hashed to the name in the store.
    #[must_use]
    pub fn apply(self, user: &str) -> String {
        match self {
            Self::Exact => user.to_owned(),
            Self::LowercaseWithoutDomain => {
                let user = user.rsplit_once('\\').map_or(user, |(_, user)| user);
                let user = user.split_once('@').map_or(user, |(user, _)| user);
                user.to_ascii_lowercase()
            }
        }
    }
}

/// A sealing key with its number.
pub struct SealingKey {
    /// Number of the key, 1 to 255. `fleet rotate` adds the next one.
    pub id: u8,
    /// The key.
    pub key: Zeroizing<[u8; 32]>,
}

/// The content of the key file.
pub struct FleetKey {
    /// The name of the fleet.
    pub fleet: String,
    /// How user names are mapped to names in the store.
    pub rule: NamingRule,
    /// The key with which names in the store are hashed. It never changes.
    pub naming: Zeroizing<[u8; 32]>,
    /// The sealing keys, oldest first; never empty.
    pub sealing: Vec<SealingKey>,
    /// Number of the key that seals new values. The other keys only open older values.
    pub seals_with: u8,
}

impl FleetKey {
    /// Parses the text of a key file.
    ///
    /// # Errors
    /// [`FleetError::Key`] if the text is not a valid key file.
    pub fn read(text: &str) -> Result<Self, FleetError> {
        Self::parsed(text).ok_or(FleetError::Key)
    }

    fn parsed(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        if lines.next()? != HEADER {
            return None;
        }
        let (mut fleet, mut rule, mut naming, mut seals_with) = (None, None, None, None);
        let mut sealing: Vec<SealingKey> = Vec::new();
        for line in lines.filter(|line| !line.is_empty()) {
            match line.split_once(' ')? {
                ("fleet", name) if fleet.is_none() && is_fleet_name(name) => {
                    fleet = Some(name.to_owned());
                }
                ("names", word) if rule.is_none() => rule = Some(NamingRule::named(word)?),
                ("naming-key", hex) if naming.is_none() => naming = Some(key(hex)?),
                ("sealing-key", rest) => {
                    let (id, hex) = rest.split_once(' ')?;
                    let id = id.parse().ok().filter(|id| *id > 0)?;
                    if sealing.last().is_some_and(|last| last.id >= id) {
                        return None;
                    }
                    sealing.push(SealingKey { id, key: key(hex)? });
                }
                ("seals-with", id) if seals_with.is_none() => seals_with = Some(id.parse().ok()?),
                _ => return None,
            }
        }
        let only = match &*sealing {
            [only] => Some(only.id),
            _ => None,
        };
        let seals_with = seals_with.or(only)?;
        let found = Self { fleet: fleet?, rule: rule?, naming: naming?, sealing, seals_with };
        found.sealing_key().is_some().then_some(found)
    }

    /// Returns the key that seals new values; `None` if the file has no such key.
    #[must_use]
    pub fn sealing_key(&self) -> Option<&SealingKey> {
        self.sealing.iter().find(|one| one.id == self.seals_with)
    }

    /// Returns the text of the key file.
    #[must_use]
    pub fn write(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(KEY_FILE_MAX));
        // No part is copied elsewhere, where it would not be wiped.
        let line = |text: &mut String, parts: &[&str]| {
            for (place, part) in parts.iter().enumerate() {
                text.push_str(if place == 0 { "" } else { " " });
                text.push_str(part);
            }
            text.push('\n');
        };
        line(&mut text, &[HEADER]);
        line(&mut text, &["fleet", &self.fleet]);
        line(&mut text, &["names", self.rule.word()]);
        let naming = Zeroizing::new(base16ct::lower::encode_string(&*self.naming));
        line(&mut text, &["naming-key", &naming]);
        for one in &self.sealing {
            let hex = Zeroizing::new(base16ct::lower::encode_string(&*one.key));
            line(&mut text, &["sealing-key", &one.id.to_string(), &hex]);
        }
        line(&mut text, &["seals-with", &self.seals_with.to_string()]);
        text
    }
}

/// Returns whether a text can be the name of a fleet: 1 to 32 of `a` to `z`, `0` to `9` and `-`.
#[must_use]
pub fn is_fleet_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=FLEET_MAX).contains(&name.len()) && name.bytes().all(fits)
}

fn key(hex: &str) -> Option<Zeroizing<[u8; 32]>> {
    let mut bytes = Zeroizing::new([0; 32]);
    let length = base16ct::lower::decode(hex, &mut *bytes).ok()?.len();
    (length == bytes.len()).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text() -> String {
        let (one, two) = ("01".repeat(32), "ff".repeat(32));
        format!(
            "twinlock-fleet-key 1\nfleet example\nnames exact\nnaming-key {one}\n\
             sealing-key 1 {one}\nsealing-key 3 {two}\nseals-with 1\n"
        )
    }

    #[test]
    fn key_files_come_back() {
        let found = FleetKey::read(&text()).unwrap();
        assert_eq!(
            (&*found.fleet, found.rule, found.sealing.len()),
            ("example", NamingRule::Exact, 2)
        );
        assert_eq!((found.sealing[1].id, found.seals_with), (3, 1));
        assert_eq!(*found.write(), text());
    }

    #[test]
    fn a_single_key_seals() {
        let text = text().replace("seals-with 1\n", "");
        let (before, _) = text.split_once("sealing-key 3").unwrap();
        assert_eq!(FleetKey::read(before).unwrap().seals_with, 1);
    }

    #[test]
    fn other_texts_are_refused() {
        for (from, to) in [
            ("twinlock-fleet-key 1", "twinlock-fleet-key 2"),
            ("fleet example\n", ""),
            ("fleet example", "fleet Example"),
            ("names exact", "names as-is"),
            ("sealing-key 3", "sealing-key 1"),
            ("sealing-key 1", "sealing-key 0"),
            ("sealing-key 1 01", "sealing-key 1 0"),
            ("sealing-key 1 01", "sealing-key 1 +1"),
            ("sealing-key 1", "other 1"),
            ("seals-with 1\n", ""),
            ("seals-with 1", "seals-with 2"),
            ("seals-with 1", "seals-with 1\nseals-with 3"),
            ("naming-key ", "naming-key 00"),
        ] {
            assert!(text().contains(from));
            assert_eq!(
                FleetKey::read(&text().replace(from, to)).err(),
                Some(FleetError::Key),
                "{to}"
            );
        }
    }

    #[test]
    fn one_person_has_one_name() {
        let rule = NamingRule::LowercaseWithoutDomain;
        for user in ["ada", "Ada", "CORP\\ada", "ada@corp", "CORP\\Ada@x@y"] {
            assert_eq!(rule.apply(user), "ada", "{user}");
        }
        assert_eq!(NamingRule::Exact.apply("CORP\\Ada"), "CORP\\Ada");
    }
}
