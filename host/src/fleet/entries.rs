//! The entries of a user's ledger in the store: the highest used steps, the charged attempts, and the end of the last
//! failure streak.

use twinlock_core::{
    base::{
        error::FleetError,
        request::SourceLabel,
        time::{Step, UnixTime},
    },
    ledger::{Try, Used, names},
    wire::fleet::StoreEntry,
};

use crate::fleet::{
    names::StoreName,
    seal::{self, SealedKind, SealedPlace},
    session::{Fleet, StoredAttempt, TopMark},
};

/// Lengths in bytes of the nonce and of the number with which a value begins.
const NONCE: usize = 16;
const NUMBER: usize = 8;

/// The opened entries of a user's ledger in the store.
#[derive(Default)]
pub(super) struct LedgerEntries {
    /// The attempts.
    pub(super) attempts: Vec<StoredAttempt>,
    /// The entries with the highest used steps.
    pub(super) tops: Vec<StoreEntry>,
    /// The ledger names of the highest used steps of this login's authenticators.
    pub(super) used: Vec<String>,
    /// The end of the last failure streak; `None` if the store has none.
    pub(super) streak: Option<UnixTime>,
}

impl Fleet {
    /// Decrypts the entries of a user's ledger. `marks` are the authenticators of the record that this login uses.
    pub(super) fn understood(
        &self,
        name: &StoreName,
        marks: &[TopMark],
        listing: Vec<StoreEntry>,
    ) -> Result<LedgerEntries, FleetError> {
        let mut found = LedgerEntries::default();
        let prefix = name.ledger();
        for entry in listing {
            let Some(rest) = entry.key.strip_prefix(&prefix) else { continue };
            if rest.starts_with("top/") {
                let step = number(&entry.value).ok_or(FleetError::Unsealed)?;
                if let Some(top) = marks.iter().find(|top| top.key == entry.key) {
                    found.used.push(names::used_name(&Used { mark: top.mark, step: Step(step) }));
                }
                found.tops.push(entry);
            } else if rest.starts_with("try/") {
                found.attempts.push(self.opened_attempt(entry)?);
            } else if rest == "row" {
                let since = number(&entry.value).ok_or(FleetError::Unsealed)?;
                self.open_streak(&entry)?;
                found.streak = Some(UnixTime(since));
            }
        }
        Ok(found)
    }

    /// Returns the entry of an attempt: its key in the store, and its sealed value with a nonce in front.
    pub(super) fn sealed_attempt(
        &self,
        name: &StoreName,
        attempt: &str,
        content: &str,
    ) -> Result<StoreEntry, FleetError> {
        let key = name.attempt(&self.key, &self.unambiguous(attempt));
        let place = SealedPlace { kind: SealedKind::LedgerName, store_key: &key };
        let text = [attempt, content, &self.scope.host].join("\n");
        let sealed = seal::seal(&self.key, &place, 0, text.as_bytes(), &*self.entropy)?;
        let value = [&self.nonce()?[..], &sealed].concat();
        Ok(StoreEntry { key, revision: 0, value })
    }

    /// Returns the value for the end of a failure streak. It begins with the unencrypted time, so that the store can
    /// compare values.
    pub(super) fn sealed_streak(
        &self,
        name: &StoreName,
        since: UnixTime,
    ) -> Result<Vec<u8>, FleetError> {
        let key = name.streak();
        let place = SealedPlace { kind: SealedKind::LedgerName, store_key: &key };
        let sealed = seal::seal(&self.key, &place, since.0, b"", &*self.entropy)?;
        Ok([&since.0.to_be_bytes()[..], &sealed].concat())
    }

    fn open_streak(&self, entry: &StoreEntry) -> Result<(), FleetError> {
        let place = SealedPlace { kind: SealedKind::LedgerName, store_key: &entry.key };
        let sealed = entry.value.get(NUMBER..).unwrap_or_default();
        let opened = seal::open(&self.key, &place, sealed)?;
        if Some(opened.number) == number(&entry.value) { Ok(()) } else { Err(FleetError::Unsealed) }
    }

    fn opened_attempt(&self, entry: StoreEntry) -> Result<StoredAttempt, FleetError> {
        let place = SealedPlace { kind: SealedKind::LedgerName, store_key: &entry.key };
        let opened = seal::open(&self.key, &place, entry.value.get(NONCE..).unwrap_or_default())?;
        let text = std::str::from_utf8(&opened.content).map_err(|_| FleetError::Unsealed)?;
        let mut parts = text.split('\n');
        let (Some(attempt), Some(content), Some(host)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(FleetError::Unsealed);
        };
        let charged = names::read_try(attempt).ok_or(FleetError::Unsealed)?;
        let name = if host == self.scope.host {
            attempt.to_owned()
        } else {
            names::try_name(&abroad(charged, host))
        };
        let (content, host) = (content.to_owned(), host.to_owned());
        Ok(StoredAttempt { name, entry, content, host })
    }

    /// Returns the name of an attempt for use on all hosts. A source other than an address stands for different people
    /// or terminals on different hosts, so the name of this host is appended to such an attempt.
    fn unambiguous(&self, attempt: &str) -> String {
        match names::read_try(attempt) {
            Some(charged) if !is_address(&charged.source) => {
                format!("{attempt}\n{}", self.scope.host)
            }
            Some(_) | None => attempt.to_owned(),
        }
    }
}

/// Returns the number at the start of a value (8 bytes, big-endian); `None` if the value is too short.
pub(super) fn number(value: &[u8]) -> Option<u64> {
    value.first_chunk().map(|number| u64::from_be_bytes(*number))
}

/// Returns an attempt of another host. If its source is not an address, the name of that host is added to the source,
/// so that the attempt counts for the user but for no source of this host.
fn abroad(charged: Try, host: &str) -> Try {
    if is_address(&charged.source) {
        return charged;
    }
    let harmless = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '_' };
    let host: String = host.chars().map(harmless).collect();
    let label: String =
        ["host:", &host, ":", charged.source.as_str()].concat().chars().take(64).collect();
    let source = SourceLabel::read(&label).unwrap_or(charged.source);
    Try { source, ..charged }
}

fn is_address(source: &SourceLabel) -> bool {
    let text = source.as_str();
    // Addresses of IPv6 are shortened to their first 64 bits, and still are addresses.
    text.parse::<std::net::IpAddr>().is_ok()
}
