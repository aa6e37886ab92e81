//! The module's entry points around a login that panics, to test that a panic is contained.

mod authenticate;
mod final_text;
#[path = "../../src/hooks.rs"]
#[expect(missing_docs, reason = "as in the module itself")]
mod hooks;

pub use hooks::*;
