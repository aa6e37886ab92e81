//! What libpam offers and pam-bindings lacks: the PAM environment, the delay after a failure, and what the next module
//! takes for the typed password.
#![expect(unsafe_code, reason = "C functions of libpam; one call a block, each with its reason")]

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};

use pam::{
    constants::PamResultCode,
    items::ItemType,
    module::{PamHandle, PamResult},
};

unsafe extern "C" {
    fn pam_getenv(pamh: *mut PamHandle, name: *const c_char) -> *const c_char;
    fn pam_set_item(pamh: *mut PamHandle, item_type: c_int, item: *const c_void) -> c_int;
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

/// Puts a copy of a text in place of `PAM_AUTHTOK`; libpam wipes the old one, and its copy when the stack ends.
pub(crate) fn set_authtok(handle: &mut PamHandle, text: &CStr) -> PamResult<()> {
    let kind = ItemType::AuthTok as c_int;
    // SAFETY: the handle is libpam's own for the time of this call, and libpam copies a text that ends in NUL.
    let said = unsafe { pam_set_item(handle, kind, text.as_ptr().cast()) };
    if said == 0 { Ok(()) } else { Err(PamResultCode::PAM_BUF_ERR) }
}
