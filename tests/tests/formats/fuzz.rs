//! Runs the fuzz targets (the parsers) on all stored inputs, and on as many mutations of them as there is time for.

#[path = "../../fuzz/targets/mod.rs"]
mod targets;

use std::panic::{AssertUnwindSafe, catch_unwind};

use targets::{TARGETS, Target};
use twinlock_tests::{repository, thorough};

/// Bytes that parsers treat specially, inserted by mutations.
const PIECES: [&[u8]; 30] = [
    b"\"",
    b"'''",
    b"\"\"\"",
    b"[",
    b"]]",
    b"{",
    b"}",
    b"=",
    b"\n",
    b"\r\n",
    b"\0",
    b"\xef\xbb\xbf",
    b"#",
    b"\\u0000",
    b"\\",
    b"%",
    b"&secret=",
    b"-1",
    b"99999999999999999999",
    b"18446744073709551616",
    b"1e9",
    b"2027-02-31",
    b".",
    b"\xe2\x80\xae",
    b"\xff",
    b" ",
    b"/",
    b":",
    b"0",
    b"include ",
];

/// A reproducible sequence of numbers (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number from 0 to `most` - 1. `most` must not be 0.
    fn below(&mut self, most: usize) -> usize {
        let most = u64::try_from(most).expect("a length");
        usize::try_from(self.next() % most).expect("below a length")
    }
}

fn seeds(target: &Target) -> Vec<Vec<u8>> {
    let folder = repository().join("tests/fuzz/seeds").join(target.name);
    let files = std::fs::read_dir(&folder);
    let files = files.unwrap_or_else(|error| panic!("{} has no seeds: {error}", target.name));
    let mut files: Vec<_> = files.map(|file| file.expect("a seed").path()).collect();
    files.sort();
    files.iter().map(|file| std::fs::read(file).expect("a seed")).collect()
}

/// Returns a copy of one of the seeds (stored inputs) with some bytes replaced, removed, repeated, or followed by a
/// part of another seed.
fn changed(seeds: &[Vec<u8>], numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = seeds[numbers.below(seeds.len())].clone();
    for _ in 0..=numbers.below(6) {
        let start = numbers.below(bytes.len() + 1);
        let end = (start + numbers.below(40)).min(bytes.len());
        let piece = PIECES[numbers.below(PIECES.len())].to_vec();
        let (range, put) = match numbers.below(7) {
            0 => (start..start, piece),
            1 => (start..end, Vec::new()),
            2 => (start..end, piece),
            3 => (end..end, bytes[start..end].to_vec()),
            4 => (start..bytes.len(), Vec::new()),
            5 => (start..end, numbers.next().to_le_bytes()[..1 + numbers.below(4)].to_vec()),
            _ => {
                let other = &seeds[numbers.below(seeds.len())];
                let from = numbers.below(other.len() + 1);
                (start..end, other[from..(from + 60).min(other.len())].to_vec())
            }
        };
        bytes.splice(range, put);
    }
    bytes
}

fn holds(target: &Target, bytes: &[u8]) {
    if catch_unwind(AssertUnwindSafe(|| (target.run)(bytes))).is_err() {
        let file = std::env::temp_dir().join(format!("twinlock-{}.crash", target.name));
        let kept = std::fs::write(&file, bytes).is_ok();
        panic!("{} breaks its promise: {} (kept: {kept})", target.name, file.display());
    }
}

#[test]
fn every_seed_and_many_changed_ones_keep_the_promises() {
    for target in TARGETS {
        let seeds = seeds(target);
        seeds.iter().for_each(|seed| holds(target, seed));
        let mut numbers = Numbers(0);
        let rounds = if thorough() { target.rounds * 100 } else { target.rounds };
        for _ in 0..rounds {
            holds(target, &changed(&seeds, &mut numbers));
        }
    }
}

#[test]
fn every_folder_of_seeds_has_its_target() {
    let folder = repository().join("tests/fuzz/seeds");
    for entry in std::fs::read_dir(folder).expect("the seeds") {
        let name = entry.expect("a folder").file_name();
        assert!(targets::named(&name.to_string_lossy()).is_some(), "{}", name.display());
    }
}
