//! Says whether tests try all cases, or only a sample of them.

/// Returns whether tests try all cases, as with `cargo xtask test --all`, and not only a sample.
pub fn thorough() -> bool {
    std::env::var_os("TWINLOCK_TEST_ALL").is_some()
}
