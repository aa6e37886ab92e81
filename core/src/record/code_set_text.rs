//! Files of backup codes, `codes.SET`: version 1, a few lines of TOML. Errors name the line and never quote its text.

use alloc::{format, string::String, vec::Vec};

use zeroize::Zeroizing;

use crate::{
    base::error::StoreError,
    record::{
        SetId,
        code_set::{CODES_MAX, CodeSet, Cost, Digest, Recipe, Shape},
        text::newer,
    },
};

/// Version of the file format that twinlock writes.
pub const VERSION: u32 = 1;
/// Maximum size of a file of backup codes in bytes.
pub const FILE_MAX: usize = 16 * 1024;

/// Prefix of the file names of sets and of spent codes.
const SET: &str = "codes.";
const SPENT: &str = "spent.";
/// The last line of the file. A file without it is truncated and refused.
const END: &str = "# end of codes";

/// Returns the file name of a set of backup codes.
#[must_use]
pub fn set_name(id: SetId) -> String {
    format!("{SET}{:016x}", id.0)
}

/// Returns the file name that marks a code as spent. It consists of the set's name and the index of the code in the
/// set.
#[must_use]
pub fn spent_name(id: SetId, place: u8) -> String {
    format!("{SPENT}{:016x}.{place}", id.0)
}

/// Parses the file name of a spent code into its set and its index; `None` for any other name.
#[must_use]
pub fn read_spent(name: &str) -> Option<(SetId, u8)> {
    let (set, place) = name.strip_prefix(SPENT)?.split_once('.')?;
    Some((SetId(bits(set)?), place.parse().ok()?))
}

/// Returns the set that a file name belongs to, whether it is the name of a set or of a spent code; `None` for any
/// other name.
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

/// Parses a file of backup codes. Accepts only the lines that [`write()`] writes.
///
/// # Errors
/// [`StoreError::Newer`] for a later version, [`StoreError::Malformed`] for all other errors.
pub fn read(text: &str) -> Result<CodeSet, StoreError> {
    if let Some(fault) = newer(text, VERSION) {
        return Err(fault);
    }
    let mut lines = SetLines { rest: text, line: 0 };
    set(&mut lines).ok_or(StoreError::Malformed { line: lines.line })
}

/// The lines of a file of backup codes that are not parsed yet, and the number of the last parsed line, from 1.
struct SetLines<'a> {
    rest: &'a str,
    line: u32,
}

impl<'a> SetLines<'a> {
    /// Returns the next complete line without its newline; `None` if there is none.
    fn next(&mut self) -> Option<&'a str> {
        self.line = self.line.saturating_add(1);
        let (line, rest) = self.rest.split_once('\n')?;
        self.rest = rest;
        Some(line)
    }

    /// Returns the text between a prefix and a suffix in the next line; `None` if the line does not have them.
    fn between(&mut self, before: &str, after: &str) -> Option<&'a str> {
        self.next()?.strip_prefix(before)?.strip_suffix(after)
    }

    fn number(&mut self, before: &str) -> Option<u32> {
        let text = self.between(before, "")?;
        text.parse().ok().filter(|number| format!("{number}") == text)
    }
}

fn set(lines: &mut SetLines<'_>) -> Option<CodeSet> {
    lines.number("version = ").filter(|version| *version == VERSION)?;
    let shape = Shape::named(lines.between("shape = \"", "\"")?)?;
    let (memory, passes) = (lines.number("memory_kib = ")?, lines.number("passes = ")?);
    let cost = Cost::new(memory, passes)?;
    lines.number("lanes = ").filter(|lanes| *lanes == 1)?;
    let mut salt = [0; 16];
    decode(lines.between("salt = \"", "\"")?, &mut salt)?;
    lines.between("hashes = [", "").filter(|rest| rest.is_empty())?;
    let mut hashes = Vec::new();
    loop {
        match lines.next()? {
            "]" => break,
            line => hashes.push(digest(line.strip_prefix("    \"")?.strip_suffix("\",")?)?),
        }
        if hashes.len() > CODES_MAX {
            return None;
        }
    }
    // A file that was truncated anywhere, even between two lines, is refused.
    let ended = lines.next()?.is_empty() && lines.next()? == END && lines.rest.is_empty();
    let whole = ended && !hashes.is_empty();
    whole.then_some(CodeSet { shape, recipe: Recipe { salt, cost }, hashes })
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
    base16ct::lower::decode(text, into).ok().map(drop)
}

/// Returns the text of a file of backup codes.
#[must_use]
pub fn write(set: &CodeSet) -> Zeroizing<String> {
    let shape = set.shape.word();
    let mut text = Zeroizing::new(String::with_capacity(256 + set.hashes.len() * 72));
    text.push_str(&format!(
        "version = {VERSION}\nshape = \"{shape}\"\nmemory_kib = {}\npasses = {}\nlanes = 1\nsalt = \"{}\"\nhashes = [\n",
        set.recipe.cost.memory_kib(),
        set.recipe.cost.passes(),
        base16ct::lower::encode_string(&set.recipe.salt),
    ));
    for hash in &set.hashes {
        text.push_str("    \"");
        text.push_str(&Zeroizing::new(base16ct::lower::encode_string(hash.bytes())));
        text.push_str("\",\n");
    }
    text.push_str("]\n\n");
    text.push_str(END);
    text.push('\n');
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
        for (from, to, line) in [
            ("version = 1", "version = 0", 1),
            ("version = 1", "version = 01", 1),
            ("digits8", "digits9", 2),
            ("memory_kib = 19456", "memory_kib = 65537", 4),
            ("memory_kib = 19456", "memory_kib = -1", 3),
            ("passes = 2", "passes = 4294967295", 4),
            ("passes = 2", "passes = 4294967296", 4),
            ("passes = 2", "passes = 0", 4),
            ("passes = 2", "passes = +2", 4),
            ("lanes = 1", "lanes = 4", 5),
            ("lanes = 1", "lanes = 1\nodd = 1", 6),
            ("salt = \"6d", "salt = \"6D", 6),
            ("salt = \"6d", "salt = \"", 6),
            ("    \"43", "    \"4", 8),
            ("    \"43", "\t\"43", 8),
            ("\n]", "", 11),
            ("# end of codes\n", "# end of codes\n\n", 13),
        ] {
            let changed = FIRST.replacen(from, to, 1);
            assert_ne!(changed, FIRST, "{from}");
            assert_eq!(read(&changed).unwrap_err(), StoreError::Malformed { line }, "{to}");
        }
        for newer in ["version = 2", "version = 2\nbrand_new = 1"] {
            let changed = FIRST.replacen("version = 1", newer, 1);
            assert_eq!(read(&changed).unwrap_err(), StoreError::Newer { version: 2 });
        }
        let (head, _) = FIRST.split_once("hashes").unwrap();
        for count in [0, CODES_MAX + 1] {
            let hashes = format!("    \"{}\",\n", "0".repeat(64)).repeat(count);
            assert!(read(&format!("{head}hashes = [\n{hashes}]\n\n{END}\n")).is_err(), "{count}");
        }
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
