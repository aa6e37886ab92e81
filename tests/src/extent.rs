//! Decides whether tests try all cases, or a sample as for every change.

/// Returns whether tests try all cases, as with `cargo xtask test --all`, and not only a sample.
pub fn thorough() -> bool {
    std::env::var_os("TWINLOCK_TEST_ALL").is_some()
}
