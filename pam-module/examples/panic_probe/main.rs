//! The module's entry points with a login that panics, to test that no panic reaches the calling program.

mod authenticate;
mod final_text;
#[path = "../../src/hooks.rs"]
#[expect(missing_docs, reason = "as in the module itself")]
mod hooks;

pub use hooks::*;
