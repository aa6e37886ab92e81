//! How much is tested: what every change must pass, or what takes long, too.

/// Whether everything is to be tried, as `cargo xtask test --all` asks for, and not a part that stands for it.
pub fn thorough() -> bool {
    std::env::var_os("TWINLOCK_TEST_ALL").is_some()
}
