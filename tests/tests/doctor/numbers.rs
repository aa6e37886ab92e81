//! Reproducible random numbers, from which tests of doctor compose PAM stacks and settings.

/// A generator of numbers: xorshift64*. The same seed gives the same numbers.
pub(super) struct Numbers(u64);

impl Numbers {
    /// Creates a generator that starts from this seed.
    pub(super) fn of(seed: u64) -> Self {
        // Zero stays zero, and adjacent seeds must not give similar numbers.
        Self((seed ^ 0x9e37_79b9_7f4a_7c15).wrapping_mul(0xbf58_476d_1ce4_e5b9) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Returns a number below `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() >> 33).expect("31 bits") % end
    }

    /// Returns whether an event with this chance in percent happens.
    pub(super) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// Returns a random item.
    pub(super) fn one_of<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }
}
