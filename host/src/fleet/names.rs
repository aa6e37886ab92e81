//! The names of the entries in the store (etcd keys). They contain user names, sources and authenticators only as
//! HMAC-SHA256 values, which hide them from the store.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use twinlock_core::{ledger::KeyId, ports::LedgerKey, record::SetId};

use crate::fleet::key_file::FleetKey;

/// Key of the sealed entry that describes the fleet.
pub const META: &str = "meta";
/// Prefix of the keys of all records.
pub const RECORDS: &str = "r/";

/// The name of one user in the store, 32 hexadecimal digits. All user names without an account share 256 such names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StoreName(String);

impl StoreName {
    /// Returns the name by which the store knows an account: a hash of the user name, made with the fleet's naming key.
    #[must_use]
    pub fn of_user(key: &FleetKey, user: &str) -> Self {
        Self(hashed(key, "user", &[key.rule.apply(user).as_bytes()]))
    }

    /// Returns the name of one of the 256 buckets for user names without an account.
    #[must_use]
    pub fn of_bucket(key: &FleetKey, bucket: u8) -> Self {
        Self(hashed(key, "bucket", &[&[bucket]]))
    }

    /// Returns the name in the store for the owner of a ledger folder; `None` if the folder is not named after a user.
    #[must_use]
    pub fn of_owner(key: &FleetKey, owner: &LedgerKey) -> Option<Self> {
        match owner {
            LedgerKey::Account(folder) => {
                let user = twinlock_core::base::account::Folder::name_of(folder.as_str())?;
                Some(Self::of_user(key, &user))
            }
            LedgerKey::Bucket(bucket) => Some(Self::of_bucket(key, *bucket)),
        }
    }

    /// Returns the etcd key under which the store has the user's record.
    #[must_use]
    pub fn record(&self) -> String {
        format!("{RECORDS}{}", self.0)
    }

    /// Returns the etcd key under which the store has a set of backup codes.
    #[must_use]
    pub fn code_set(&self, id: SetId) -> String {
        format!("c/{}/{:016x}", self.0, id.0)
    }

    /// Returns the prefix of the etcd keys that mark the codes of a set as spent. In each key, the index of the code
    /// follows, as two hexadecimal digits.
    #[must_use]
    pub fn spent(&self, id: SetId) -> String {
        format!("s/{}/{:016x}/", self.0, id.0)
    }

    /// Returns the etcd key that marks one code of a set as spent. `place` is the index of the code.
    #[must_use]
    pub fn spent_code(&self, id: SetId, place: u8) -> String {
        format!("{}{place:02x}", self.spent(id))
    }

    /// Returns the prefix of all etcd keys of the user's ledger.
    #[must_use]
    pub fn ledger(&self) -> String {
        format!("l/{}/", self.0)
    }

    /// Returns the etcd key under which the store has the highest used step of an authenticator.
    #[must_use]
    pub fn top(&self, key: &FleetKey, mark: KeyId) -> String {
        format!("{}top/{}", self.ledger(), hashed(key, "top", &[&mark.0]))
    }

    /// Returns the etcd key under which the store has a charged attempt. `name` is the name of the attempt in the
    /// ledger, with a source that means the same on every host.
    #[must_use]
    pub fn attempt(&self, key: &FleetKey, name: &str) -> String {
        format!("{}try/{}", self.ledger(), hashed(key, "try", &[name.as_bytes()]))
    }

    /// Returns the key of the last mail of a kind of which users get at most one per hour.
    #[cfg(feature = "tools")]
    #[must_use]
    pub fn mail(&self, kind: &str) -> String {
        format!("mail/{}/{kind}", self.0)
    }

    /// Returns the etcd key under which the store has the end of the last failure streak.
    #[must_use]
    pub fn streak(&self) -> String {
        format!("{}row", self.ledger())
    }
}

/// Returns the value of a used code: `start`, followed by a mark of 8 bytes that says on which host the code was used. The
/// mark can be made only with the naming key, and hides from the store which values are of the same host.
#[must_use]
pub(super) fn with_host(key: &FleetKey, store_key: &str, start: &[u8], host: &str) -> Vec<u8> {
    let [mark, _] = mac_of(key, "host", &[store_key.as_bytes(), start, host.as_bytes()]);
    [start, &mark].concat()
}

/// Returns the first 16 bytes of the HMAC-SHA256 over `kind` and `parts`, in hex.
fn hashed(key: &FleetKey, kind: &str, parts: &[&[u8]]) -> String {
    base16ct::lower::encode_string(mac_of(key, kind, parts).as_flattened())
}

/// Returns the first 16 bytes, in two halves, of the HMAC-SHA256 over `kind` and `parts`, each with its length in front.
fn mac_of(key: &FleetKey, kind: &str, parts: &[&[u8]]) -> [[u8; 8]; 2] {
    // HMAC takes keys of any length, so this cannot fail.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&*key.naming) else { return [[0; 8]; 2] };
    for part in std::iter::once(kind.as_bytes()).chain(parts.iter().copied()) {
        mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        mac.update(part);
    }
    let bytes = mac.finalize().into_bytes();
    let (halves, _) = bytes.as_chunks();
    halves.first_chunk().copied().unwrap_or_default()
}
