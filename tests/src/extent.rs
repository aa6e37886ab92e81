//! Decides how many cases to test: a sample for every change, or all.

/// Returns whether to try all cases instead of a sample, as `cargo xtask test --all` requests.
pub fn thorough() -> bool {
    std::env::var_os("TWINLOCK_TEST_ALL").is_some()
}
