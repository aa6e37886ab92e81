//! pam_twinlock.so: converts the data of libpam (PAM items) to a request, and a verdict to a PAM code.

mod agent_socket;
mod authenticate;
mod conversation;
mod ffi;
mod final_text;
#[expect(
    missing_docs,
    reason = "the entry points come from pam-bindings' macro; libpam's manual has their words"
)]
mod hooks;
mod one_field;
mod outcome;
mod pam_items;

pub use hooks::*;
