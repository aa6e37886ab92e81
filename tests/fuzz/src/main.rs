//! Runs one fuzz target under libFuzzer, which searches for input that reaches new code. The environment variable
//! TWINLOCK_FUZZ names the target.
#![no_main]

#[path = "../targets/mod.rs"]
mod targets;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

static TARGET: LazyLock<fn(&[u8])> = LazyLock::new(|| {
    let name = std::env::var("TWINLOCK_FUZZ").unwrap_or_default();
    let known: Vec<&str> = targets::TARGETS.iter().map(|target| target.name).collect();
    targets::named(&name).unwrap_or_else(|| panic!("TWINLOCK_FUZZ is one of {known:?}")).run
});

fuzz_target!(|bytes: &[u8]| TARGET(bytes));
