//! Seals (encrypts and authenticates) and opens values of the store, with XChaCha20-Poly1305.
//!
//! A sealed value consists of the format, the number of the key, the number of the content (8 bytes), a random nonce
//! (24 bytes) and the encrypted content with its tag (16 bytes). The content begins with its length (4 bytes) and is
//! padded with zeros to whole blocks, which hides the length of a record. The associated data binds a value to its
//! fleet, its store key and its number. A value cannot be opened if it was copied to another key or given another
//! number.

use chacha20poly1305::{KeyInit, XChaCha20Poly1305, aead::AeadInOut};
use twinlock_core::{
    base::error::{FleetError, MachineError},
    ports::Entropy,
};
use zeroize::Zeroizing;

use crate::fleet::key_file::{FleetKey, SealingKey};

/// The format of sealed values that this version writes and reads.
const FORMAT: u8 = 1;
/// Bytes before the encrypted content: format (1), number of the key (1), sequence number of the content (8), nonce
/// (24).
const HEAD: usize = 1 + 1 + 8 + 24;
const TAG: usize = 16;

/// The kind of a sealed value, which decides the size of its blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealedKind {
    /// A record, or the description of the fleet: blocks of 1 KiB.
    Record,
    /// A set of backup codes: blocks of 1 KiB.
    CodeSet,
    /// A name in the ledger with its text: blocks of 128 bytes.
    LedgerName,
}

impl SealedKind {
    fn word(self) -> &'static str {
        match self {
            Self::Record => "record",
            Self::CodeSet => "code-set",
            Self::LedgerName => "ledger-name",
        }
    }

    fn block(self) -> usize {
        match self {
            Self::Record | Self::CodeSet => 1024,
            Self::LedgerName => 128,
        }
    }
}

/// Where a sealed value belongs.
#[derive(Debug, Clone, Copy)]
pub struct SealedPlace<'a> {
    /// What the value is.
    pub kind: SealedKind,
    /// The key under which the store has the value.
    pub store_key: &'a str,
}

/// An opened value.
pub struct Opened {
    /// The number of the content. For a record, it is the sequence number.
    pub number: u64,
    /// The content.
    pub content: Zeroizing<Vec<u8>>,
}

/// Seals a content with the current sealing key.
///
/// # Errors
/// [`FleetError::Seal`] if there are no random bytes, or the content is longer than 4 GiB.
pub fn seal(
    key: &FleetKey,
    place: &SealedPlace<'_>,
    number: u64,
    content: &[u8],
    entropy: &dyn Entropy,
) -> Result<Vec<u8>, FleetError> {
    let sealing = key.sealing_key().ok_or(FleetError::Key)?;
    let mut nonce = [0; 24];
    entropy.fill(&mut nonce).map_err(|MachineError| FleetError::Seal)?;
    let length = u32::try_from(content.len()).map_err(|_| FleetError::Seal)?;
    let padded = content.len().saturating_add(4).next_multiple_of(place.kind.block());
    // There is room for the tag, so that the buffer is not copied.
    let mut text = Zeroizing::new(Vec::with_capacity(padded.saturating_add(TAG)));
    text.extend(length.to_be_bytes());
    text.extend_from_slice(content);
    text.resize(padded, 0);
    let head = head(sealing, number, &nonce);
    let data = associated_data(key, place, &head);
    cipher(sealing)
        .encrypt_in_place(&nonce.into(), &data, &mut *text)
        .map_err(|_| FleetError::Seal)?;
    Ok([&head, &**text].concat())
}

/// Opens a sealed value.
///
/// # Errors
/// [`FleetError::KeyMissing`] if this host does not have the key; [`FleetError::NewerFormat`] if a newer version has
/// sealed the value; [`FleetError::Unsealed`] if the value was changed, or is that of another place.
pub fn open(key: &FleetKey, place: &SealedPlace<'_>, value: &[u8]) -> Result<Opened, FleetError> {
    let (head, rest) = value.split_at_checked(HEAD).ok_or(FleetError::Unsealed)?;
    let [format, id, numbers @ ..] = head else { return Err(FleetError::Unsealed) };
    if *format > FORMAT {
        return Err(FleetError::NewerFormat);
    }
    let sealing = key.sealing.iter().find(|one| one.id == *id).ok_or(FleetError::KeyMissing)?;
    let (number, nonce) = numbers.split_first_chunk().ok_or(FleetError::Unsealed)?;
    let nonce: [u8; 24] = nonce.try_into().map_err(|_| FleetError::Unsealed)?;
    let data = associated_data(key, place, head);
    let mut text = Zeroizing::new(rest.to_vec());
    cipher(sealing)
        .decrypt_in_place(&nonce.into(), &data, &mut *text)
        .map_err(|_| FleetError::Unsealed)?;
    let (length, padded) = text.split_first_chunk().ok_or(FleetError::Unsealed)?;
    let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| FleetError::Unsealed)?;
    let content = padded.get(..length).ok_or(FleetError::Unsealed)?;
    Ok(Opened { number: u64::from_be_bytes(*number), content: Zeroizing::new(content.to_vec()) })
}

/// Returns the number of a sealed value without opening it; `None` if the value is too short. The number is not
/// authenticated until the value is opened.
#[must_use]
pub fn number_of(value: &[u8]) -> Option<u64> {
    value.get(2..)?.first_chunk().map(|number| u64::from_be_bytes(*number))
}

/// Returns the number of the key that sealed a value, without opening it; `None` if the value is too short.
#[cfg(feature = "tools")]
#[must_use]
pub fn key_of(value: &[u8]) -> Option<u8> {
    value.get(1).copied()
}

fn cipher(key: &SealingKey) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new((&*key.key).into())
}

fn head(key: &SealingKey, number: u64, nonce: &[u8; 24]) -> Vec<u8> {
    [&[FORMAT, key.id][..], &number.to_be_bytes(), nonce].concat()
}

/// Returns the associated data, which binds a value to its fleet, place and number. `head` is the unencrypted start of
/// the value.
fn associated_data(key: &FleetKey, place: &SealedPlace<'_>, head: &[u8]) -> Vec<u8> {
    let mut data = b"twinlock".to_vec();
    for part in [&key.fleet, place.kind.word(), place.store_key] {
        data.extend(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        data.extend(part.bytes());
    }
    data.extend(head.iter().take(HEAD - 24));
    data
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{entropy::KernelEntropy, fleet::key_file::NamingRule};

    fn key(ids: &[u8]) -> FleetKey {
        FleetKey {
            fleet: "example".into(),
            rule: NamingRule::Exact,
            naming: Zeroizing::new([9; 32]),
            sealing: ids
                .iter()
                .map(|id| SealingKey { id: *id, key: Zeroizing::new([*id; 32]) })
                .collect(),
            seals_with: *ids.last().unwrap(),
        }
    }

    const PLACE: SealedPlace<'_> = SealedPlace { kind: SealedKind::Record, store_key: "r/00ff" };

    fn sealed(content: &[u8]) -> Vec<u8> {
        seal(&key(&[1, 2]), &PLACE, 7, content, &KernelEntropy).unwrap()
    }

    #[test]
    fn contents_come_back_and_lengths_do_not_show() {
        for length in [0, 1, 1019, 1020, 1021, 70_000] {
            let content = vec![5; length];
            let value = sealed(&content);
            let opened = open(&key(&[1, 2]), &PLACE, &value).unwrap();
            assert_eq!((opened.number, &*opened.content), (7, &content));
            assert_eq!((value.len() - HEAD - TAG) % 1024, 0);
            assert_eq!(number_of(&value), Some(7));
        }
        assert_eq!(sealed(b"a").len(), sealed(&[b'x'; 1000]).len());
    }

    #[test]
    fn each_flipped_bit_is_noticed() {
        let value = sealed(b"content");
        for place in 0..value.len() {
            for bit in 0..8 {
                let mut changed = value.clone();
                changed[place] ^= 1 << bit;
                assert!(open(&key(&[1, 2, 3]), &PLACE, &changed).is_err(), "{place} {bit}");
            }
        }
        for cut in 0..value.len() {
            assert!(open(&key(&[1, 2]), &PLACE, &value[..cut]).is_err(), "{cut}");
        }
    }

    #[test]
    fn a_value_opens_at_its_own_place_only() {
        let value = sealed(b"content");
        let fault = |key: &FleetKey, place| open(key, &place, &value).err();
        assert_eq!(fault(&key(&[2]), PLACE), None);
        assert_eq!(fault(&key(&[1]), PLACE), Some(FleetError::KeyMissing));
        let other = FleetKey { fleet: "other".into(), ..key(&[2]) };
        assert_eq!(fault(&other, PLACE), Some(FleetError::Unsealed));
        let swapped = SealedPlace { store_key: "r/00fe", ..PLACE };
        assert_eq!(fault(&key(&[2]), swapped), Some(FleetError::Unsealed));
        let of_set = SealedPlace { kind: SealedKind::CodeSet, ..PLACE };
        assert_eq!(fault(&key(&[2]), of_set), Some(FleetError::Unsealed));
    }
}
