//! How much to test: what every change must pass, or slow tests too.

/// Reports whether everything is to be tried, as `cargo xtask test --all` asks for, instead of a sample.
pub fn thorough() -> bool {
    std::env::var_os("TWINLOCK_TEST_ALL").is_some()
}
