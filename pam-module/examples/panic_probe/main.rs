//! A test build of the PAM module whose login panics. The test checks that no panic reaches the calling program.

mod authenticate;
mod final_text;
#[path = "../../src/hooks.rs"]
#[expect(missing_docs, reason = "as in the module itself")]
mod hooks;

pub use hooks::*;
