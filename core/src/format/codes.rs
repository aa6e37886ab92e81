//! Files of one-time codes, `codes.SET`: version 1, TOML. Errors give the line and never its text.

use alloc::{borrow::Cow, format, string::String, vec::Vec};

use data_encoding::HEXLOWER;
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::{
    code_set::{CODES_MAX, CodeSet, Cost, Digest, Recipe, Shape},
    fault::StoreFault,
    format::record::{line_of, newer},
    record::SetId,
};

/// The version that is written.
pub const VERSION: u32 = 1;
/// The largest file read, in bytes.
pub const FILE_MAX: usize = 16 * 1024;

/// What the names of sets and of spent codes begin with.
const SET: &str = "codes.";
const SPENT: &str = "spent.";
/// The last line: a file that was cut anywhere is no set.
const END: &str = "\n# end of codes\n";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File<'a> {
    version: u32,
    #[serde(borrow)]
    shape: Cow<'a, str>,
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    #[serde(borrow)]
    salt: Cow<'a, str>,
    hashes: Vec<Zeroizing<String>>,
}

/// The name of a set's file.
#[must_use]
pub fn set_name(id: SetId) -> String {
    format!("{SET}{:016x}", id.0)
}

/// The name that says that a code was used: its set, and its place in it.
#[must_use]
pub fn spent_name(id: SetId, place: u8) -> String {
    format!("{SPENT}{:016x}.{place}", id.0)
}

/// The set and the place of a spent code's name.
#[must_use]
pub fn read_spent(name: &str) -> Option<(SetId, u8)> {
    let (set, place) = name.strip_prefix(SPENT)?.split_once('.')?;
    Some((SetId(bits(set)?), place.parse().ok()?))
}

/// The set that a file, or the name of a spent code, belongs to.
#[must_use]
pub fn set_of(name: &str) -> Option<SetId> {
    match name.strip_prefix(SET) {
        Some(set) => bits(set).map(SetId),
        None => read_spent(name).map(|(set, _)| set),
    }
}

fn bits(text: &str) -> Option<u64> {
    u64::from_str_radix(text, 16).ok().filter(|bits| format!("{bits:016x}") == text)
}

/// Reads a set.
///
/// # Errors
/// [`StoreFault::Newer`] for a later version, [`StoreFault::Malformed`] for all else.
pub fn read(text: &str) -> Result<CodeSet, StoreFault> {
    let file: File<'_> = toml::from_str(text).map_err(|error| {
        let line = line_of(text, error.span());
        newer(text, VERSION).unwrap_or(StoreFault::Malformed { line })
    })?;
    if file.version > VERSION {
        return Err(StoreFault::Newer { version: file.version });
    }
    let whole = text.ends_with(END) && !text.starts_with('\u{feff}');
    values(&file).filter(|_| whole).ok_or(StoreFault::Malformed { line: 0 })
}

fn values(file: &File<'_>) -> Option<CodeSet> {
    let shape = match &*file.shape {
        "digits8" => Shape::Digits8,
        _ => return None,
    };
    let counted = (1..=CODES_MAX).contains(&file.hashes.len());
    if file.version == 0 || file.lanes != 1 || !counted {
        return None;
    }
    let mut salt = [0; 16];
    decode(&file.salt, &mut salt)?;
    let hashes: Option<Vec<Digest>> = file.hashes.iter().map(|text| digest(text)).collect();
    Some(CodeSet {
        shape,
        recipe: Recipe { salt, cost: Cost::new(file.memory_kib, file.passes)? },
        hashes: hashes?,
    })
}

fn digest(text: &str) -> Option<Digest> {
    let mut bytes = Zeroizing::new([0; 32]);
    decode(text, &mut *bytes)?;
    Some(Digest::new(bytes))
}

fn decode(text: &str, into: &mut [u8]) -> Option<()> {
    if text.len() != into.len() * 2 {
        return None;
    }
    HEXLOWER.decode_mut(text.as_bytes(), into).ok().map(drop)
}

/// Writes a set.
#[must_use]
pub fn write(set: &CodeSet) -> Zeroizing<String> {
    let shape = match set.shape {
        Shape::Digits8 => "digits8",
    };
    let mut text = Zeroizing::new(String::with_capacity(256 + set.hashes.len() * 72));
    text.push_str(&format!(
        "version = {VERSION}\nshape = \"{shape}\"\nmemory_kib = {}\npasses = {}\nlanes = 1\nsalt = \"{}\"\nhashes = [\n",
        set.recipe.cost.memory_kib(),
        set.recipe.cost.passes(),
        HEXLOWER.encode(&set.recipe.salt),
    ));
    for hash in &set.hashes {
        text.push_str("    \"");
        text.push_str(&Zeroizing::new(HEXLOWER.encode(hash.bytes())));
        text.push_str("\",\n");
    }
    text.push_str("]\n");
    text.push_str(END);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FIRST: &str = include_str!("../../../tests/vectors/codes-1.toml");

    #[test]
    fn the_first_version_stays_readable() {
        let set = read(FIRST).unwrap();
        assert_eq!(set.recipe.cost, Cost::GUESSABLE);
        assert_eq!(set.recipe.salt, *b"made up sea salt");
        assert_eq!(set.hashes.len(), 3);
        assert_eq!(*write(&set), FIRST);
    }

    #[test]
    fn a_cut_file_is_never_a_set() {
        assert!(read(&format!("\u{feff}{FIRST}")).is_err());
        for cut in 0..FIRST.len() {
            assert!(read(&FIRST[..cut]).is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn mistakes_are_refused() {
        let malformed = StoreFault::Malformed { line: 0 };
        for (from, to, fault) in [
            ("version = 1", "version = 2", StoreFault::Newer { version: 2 }),
            ("version = 1", "version = 2\nbrand_new = 1", StoreFault::Newer { version: 2 }),
            ("version = 1", "version = 0", malformed),
            ("digits8", "digits9", malformed),
            ("memory_kib = 19456", "memory_kib = 65537", malformed),
            ("memory_kib = 19456", "memory_kib = -1", StoreFault::Malformed { line: 3 }),
            ("passes = 2", "passes = 4294967295", malformed),
            ("passes = 2", "passes = 0", malformed),
            ("lanes = 1", "lanes = 4", malformed),
            ("salt = \"6d", "salt = \"6D", malformed),
            ("salt = \"6d", "salt = \"", malformed),
            ("lanes = 1", "lanes = 1\nodd = 1", StoreFault::Malformed { line: 6 }),
        ] {
            let changed = FIRST.replacen(from, to, 1);
            assert_ne!(changed, FIRST, "{from}");
            assert_eq!(read(&changed).unwrap_err(), fault, "{to}");
        }
        let (head, _) = FIRST.split_once("hashes").unwrap();
        assert_eq!(read(&format!("{head}hashes = []\n{END}")).unwrap_err(), malformed);
        let many =
            "\"0000000000000000000000000000000000000000000000000000000000000000\",".repeat(65);
        assert_eq!(read(&format!("{head}hashes = [{many}]\n{END}")).unwrap_err(), malformed);
    }

    #[test]
    fn names_come_back_and_others_are_not_taken_for_ours() {
        let id = SetId(0x0123_4567_89ab_cdef);
        assert_eq!(set_name(id), "codes.0123456789abcdef");
        assert_eq!(spent_name(id, 9), "spent.0123456789abcdef.9");
        assert_eq!(read_spent("spent.0123456789abcdef.9"), Some((id, 9)));
        for name in ["codes.0123456789abcdef", "spent.0123456789abcdef.9"] {
            assert_eq!(set_of(name), Some(id));
        }
        for odd in [
            "codes.0123456789abcde",
            "codes.0123456789ABCDEF",
            "codes.+123456789abcdef",
            "spent.0123456789abcdef",
            "spent.0123456789abcdef.256",
            "record.1.toml",
        ] {
            assert_eq!(set_of(odd), None, "{odd}");
        }
    }

    proptest! {
        #[test]
        fn every_set_comes_back(
            salt: [u8; 16],
            memory in 8_u32..=65_536,
            passes in 1_u32..=10,
            hashes in prop::collection::vec(any::<[u8; 32]>(), 1..=CODES_MAX),
        ) {
            let set = CodeSet {
                shape: Shape::Digits8,
                recipe: Recipe { salt, cost: Cost::new(memory, passes).unwrap() },
                hashes: hashes.into_iter().map(|one| Digest::new(Zeroizing::new(one))).collect(),
            };
            let text = write(&set);
            prop_assert!(text.len() <= FILE_MAX);
            prop_assert_eq!(read(&text).unwrap(), set);
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,200}") {
            let _ = read(&text);
        }
    }
}
