//! Functions of libpam and libc that pam-bindings and nix do not have: the PAM environment, the delay after a failure,
//! `PAM_AUTHTOK`, and groups larger than 1 MiB.
#![expect(
    unsafe_code,
    reason = "C functions of libpam and libc; one call a block, each with its reason"
)]

use std::{
    ffi::{CStr, CString, c_char, c_int, c_uint, c_void},
    mem::MaybeUninit,
    ptr,
};

use pam::{
    constants::PamResultCode,
    items::ItemType,
    module::{PamHandle, PamResult},
};
use rustix::io::Errno;
use twinlock_core::base::error::LookupError;
use twinlock_host::accounts::{GROUP_MAX, LargeGroup};

/// Size in bytes of the first buffer for a group entry larger than 1 MiB.
const GROUP_BUFFER: usize = 2 << 20;

/// `struct group` of grp.h.
#[repr(C)]
struct CGroup {
    name: *mut c_char,
    password: *mut c_char,
    gid: c_uint,
    members: *mut *mut c_char,
}

unsafe extern "C" {
    fn pam_getenv(pamh: *mut PamHandle, name: *const c_char) -> *const c_char;
    fn pam_putenv(pamh: *mut PamHandle, name_value: *const c_char) -> c_int;
    fn pam_set_item(pamh: *mut PamHandle, item_type: c_int, item: *const c_void) -> c_int;
    fn pam_fail_delay(pamh: *mut PamHandle, microseconds: c_uint) -> c_int;
    fn getgrnam_r(
        name: *const c_char,
        group: *mut CGroup,
        buffer: *mut c_char,
        length: usize,
        found: *mut *mut CGroup,
    ) -> c_int;
}

/// Returns a variable of the PAM environment, which only the application and other modules can set; `None` if it is not
/// set. Never reads the environment of the process.
pub(crate) fn environment(handle: &mut PamHandle, name: &CStr) -> Option<Vec<u8>> {
    // SAFETY: libpam owns the handle for the time of this call, and the name ends in NUL.
    let value = unsafe { pam_getenv(handle, name.as_ptr()) };
    if value.is_null() {
        return None;
    }
    // SAFETY: libpam returns a string that ends in NUL and lives until the environment is changed, which does not
    // happen before it is copied.
    let value = unsafe { CStr::from_ptr(value) };
    Some(value.to_bytes().to_vec())
}

/// Sets a variable of the PAM environment if the text is `NAME=VALUE`. Removes the variable if the text is `NAME`.
/// libpam copies the text.
pub(crate) fn put_environment(handle: &mut PamHandle, name_value: &CStr) -> PamResult<()> {
    // SAFETY: libpam owns the handle for the time of this call, and copies a text that ends in NUL.
    let said = unsafe { pam_putenv(handle, name_value.as_ptr()) };
    if said == 0 { Ok(()) } else { Err(PamResultCode::PAM_BUF_ERR) }
}

/// Asks libpam to wait for about `microseconds` if the whole stack fails.
pub(crate) fn delay_on_failure(handle: &mut PamHandle, microseconds: u32) {
    // SAFETY: libpam owns the handle for the time of this call.
    let _ = unsafe { pam_fail_delay(handle, microseconds) };
}

/// Replaces `PAM_AUTHTOK` by a copy of `text`. libpam wipes the old value now and the copy when the stack ends.
pub(crate) fn set_authtok(handle: &mut PamHandle, text: &CStr) -> PamResult<()> {
    let kind = ItemType::AuthTok as c_int;
    // SAFETY: the handle is libpam's own for the time of this call, and libpam copies a text that ends in NUL.
    let said = unsafe { pam_set_item(handle, kind, text.as_ptr().cast()) };
    if said == 0 { Ok(()) } else { Err(PamResultCode::PAM_BUF_ERR) }
}

/// Looks up the group `group`, whose entry is larger than the 1 MiB that nix reads, and whether the entry lists
/// `member`. Uses buffers of up to 64 MiB. Returns `None` if the group does not exist.
///
/// # Errors
/// [`LookupError`] if NSS does not answer or the entry is too large.
pub(crate) fn large_group(group: &str, member: &str) -> Result<Option<LargeGroup>, LookupError> {
    let name = CString::new(group).map_err(|_| LookupError)?;
    let mut length = GROUP_BUFFER;
    while length <= GROUP_MAX {
        match group_within(&name, member, length) {
            Err(Errno::RANGE) => length *= 2,
            found => return found.map_err(|_| LookupError),
        }
    }
    Err(LookupError)
}

fn group_within(name: &CStr, member: &str, length: usize) -> Result<Option<LargeGroup>, Errno> {
    // If a limit of the calling program prevents the allocation, this must be an error and not abort the process.
    let mut buffer: Vec<c_char> = Vec::new();
    buffer.try_reserve_exact(length).map_err(|_| Errno::NOMEM)?;
    let mut entry = MaybeUninit::<CGroup>::uninit();
    let mut found = ptr::null_mut();
    let (space, group) = (buffer.as_mut_ptr(), entry.as_mut_ptr());
    // SAFETY: the name ends in NUL. The entry, and the buffer of that length, live until all data is read from them
    // below.
    let said = unsafe { getgrnam_r(name.as_ptr(), group, space, length, &raw mut found) };
    if said != 0 {
        return Err(Errno::from_raw_os_error(said));
    }
    if found.is_null() {
        return Ok(None);
    }
    // SAFETY: the result is 0 and `found` is not null, so libc has filled the entry.
    let entry = unsafe { entry.assume_init() };
    Ok(Some(LargeGroup { gid: entry.gid, lists: lists(&entry, member) }))
}

/// Returns whether the entry of a group lists `member`. The buffer of the entry must still be alive.
fn lists(group: &CGroup, member: &str) -> bool {
    let mut at = group.members;
    while !at.is_null() {
        // SAFETY: libc's list of members ends in a null pointer, and `at` does not point beyond this null pointer.
        let name = unsafe { at.read() };
        if name.is_null() {
            return false;
        }
        // SAFETY: each member is a string that ends in NUL, in the buffer of the caller of this function.
        if unsafe { CStr::from_ptr(name) }.to_bytes() == member.as_bytes() {
            return true;
        }
        // SAFETY: a member is followed by another one or by the null pointer.
        at = unsafe { at.add(1) };
    }
    false
}
