//! The module's own entry points around a login that panics, to show that a panic harms nobody.

mod authenticate;
mod final_text;
#[path = "../../src/hooks.rs"]
#[expect(missing_docs, reason = "as in the module itself")]
mod hooks;

pub use hooks::*;
