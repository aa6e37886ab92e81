//! A login for tests: it asks for a code, and panics while the code is in memory.

use std::ffi::CStr;

use pam::{
    constants::{PAM_PROMPT_ECHO_OFF, PamResultCode},
    conv::Conv,
    module::PamHandle,
};

#[expect(clippy::panic, reason = "this is the panic")]
pub(crate) fn authenticate(handle: &mut PamHandle, _: &[&CStr]) -> PamResultCode {
    let conversation = handle.get_item::<Conv<'_>>().ok().flatten();
    let answer = conversation
        .and_then(|conversation| conversation.send(PAM_PROMPT_ECHO_OFF, "Probe: ").ok().flatten());
    panic!("panic_probe was told {answer:?}");
}
