//! Tests that random codes are uniformly distributed: no letter, position or pair of letters is more frequent than
//! chance allows.
#![allow(clippy::indexing_slicing, reason = "a test that cannot go on must stop")]

use std::cell::Cell;

use twinlock_core::{base::error::MachineError, ports::Entropy, verify::generate};

/// `SplitMix64`, a reproducible generator whose bytes are uniform enough for this test.
struct Seeded(Cell<u64>);

impl Entropy for Seeded {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), MachineError> {
        for chunk in buffer.chunks_mut(8) {
            let state = self.0.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
            self.0.set(state);
            let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            let bytes = (mixed ^ mixed >> 31).to_le_bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
        Ok(())
    }
}

/// Upper bound for the chi-square value of single letters (25 degrees of freedom). Uniform letters exceed it with a
/// probability of 10^-10. Letters that are computed as a byte modulo 26 reach a value of 268.
const BOUND: f64 = 100.0;
/// Upper bound for the chi-square value of pairs of letters (675 degrees of freedom). Uniform pairs exceed it with a
/// probability of 10^-10.
const BOUND_OF_PAIRS: f64 = 940.0;

fn chi_square(counts: &[u32]) -> f64 {
    let all: u32 = counts.iter().sum();
    let expected = f64::from(all) / f64::from(u32::try_from(counts.len()).unwrap_or(1));
    counts.iter().map(|count| (f64::from(*count) - expected).powi(2) / expected).sum()
}

fn index(letter: u8) -> usize {
    usize::from(letter - b'A')
}

#[test]
fn letters_of_codes_are_uniform_in_every_place_and_next_to_each_other() {
    let mut places = vec![vec![0_u32; 26]; 20];
    let mut pairs = vec![0_u32; 26 * 26];
    for seed in 0..500 {
        let entropy = Seeded(Cell::new(seed << 32));
        for code in generate::codes(20, &entropy).unwrap_or_default() {
            let letters = code.as_bytes();
            for (place, letter) in letters.iter().enumerate() {
                places[place][index(*letter)] += 1;
            }
            for two in letters.windows(2) {
                pairs[index(two[0]) * 26 + index(two[1])] += 1;
            }
        }
    }
    let letters: Vec<u32> =
        (0..26).map(|letter| places.iter().map(|at| at[letter]).sum()).collect();
    assert_eq!(letters.iter().sum::<u32>(), 500 * 20 * 20);
    assert!(chi_square(&letters) < BOUND, "{letters:?}");
    for place in &places {
        assert!(chi_square(place) < BOUND, "{place:?}");
    }
    assert!(chi_square(&pairs) < BOUND_OF_PAIRS, "{}", chi_square(&pairs));
}

#[test]
fn letters_of_tickets_are_uniform() {
    let entropy = Seeded(Cell::new(7));
    let mut letters = vec![0_u32; 26];
    for _ in 0..17_000 {
        let ticket = generate::ticket(&entropy).unwrap_or_default();
        ticket.bytes().for_each(|letter| letters[index(letter)] += 1);
    }
    assert_eq!(letters.iter().sum::<u32>(), 17_000 * 12);
    assert!(chi_square(&letters) < BOUND, "{letters:?}");
}
