//! What libpam offers and pam-bindings lacks: the PAM environment and the delay after a failure.
#![expect(unsafe_code, reason = "C functions of libpam; one call a block, each with its reason")]

use std::ffi::{CStr, c_char, c_int, c_uint};

use pam::module::PamHandle;

unsafe extern "C" {
    fn pam_getenv(pamh: *mut PamHandle, name: *const c_char) -> *const c_char;
    fn pam_fail_delay(pamh: *mut PamHandle, microseconds: c_uint) -> c_int;
}

/// A variable of the PAM environment, which only the application and other modules can set; never the caller's own environment.
pub(crate) fn environment(handle: &mut PamHandle, name: &CStr) -> Option<Vec<u8>> {
    // SAFETY: the handle is libpam's own for the time of this call, and the name ends in NUL.
    let value = unsafe { pam_getenv(handle, name.as_ptr()) };
    if value.is_null() {
        return None;
    }
    // SAFETY: libpam gives a string that ends in NUL and lives until the environment is changed, which nothing does before it is copied.
    let value = unsafe { CStr::from_ptr(value) };
    Some(value.to_bytes().to_vec())
}

/// Asks libpam to wait about that long if the whole stack fails.
pub(crate) fn delay_on_failure(handle: &mut PamHandle, microseconds: u32) {
    // SAFETY: the handle is libpam's own for the time of this call.
    let _ = unsafe { pam_fail_delay(handle, microseconds) };
}
