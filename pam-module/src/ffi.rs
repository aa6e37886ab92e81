//! What libpam and libc offer and pam-bindings and nix lack: the PAM environment, the delay after a failure, what the next
//! module takes for the typed password, and groups over 1 MiB.
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
use twinlock_core::fault::LookupFault;
use twinlock_host::accounts::{GROUP_MAX, LargeGroup};

/// The first buffer for an entry that 1 MiB has not held.
const GROUP_BUFFER: usize = 2 << 20;

/// `struct group` of grp.h.
#[repr(C)]
struct Group {
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
        group: *mut Group,
        buffer: *mut c_char,
        length: usize,
        found: *mut *mut Group,
    ) -> c_int;
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

/// Sets a variable of the PAM environment by `NAME=VALUE`, or removes it by `NAME` alone; libpam copies the text.
pub(crate) fn put_environment(handle: &mut PamHandle, name_value: &CStr) -> PamResult<()> {
    // SAFETY: the handle is libpam's own for the time of this call, and libpam copies a text that ends in NUL.
    let said = unsafe { pam_putenv(handle, name_value.as_ptr()) };
    if said == 0 { Ok(()) } else { Err(PamResultCode::PAM_BUF_ERR) }
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

/// Looks a group up whose entry is larger than nix reads, in buffers of up to 64 MiB, and a member in it.
pub(crate) fn large_group(group: &str, member: &str) -> Result<Option<LargeGroup>, LookupFault> {
    let name = CString::new(group).map_err(|_| LookupFault)?;
    let mut length = GROUP_BUFFER;
    while length <= GROUP_MAX {
        match group_within(&name, member, length) {
            Err(Errno::RANGE) => length *= 2,
            found => return found.map_err(|_| LookupFault),
        }
    }
    Err(LookupFault)
}

fn group_within(name: &CStr, member: &str, length: usize) -> Result<Option<LargeGroup>, Errno> {
    // Memory that a caller's limits do not allow is an error, and ends no process.
    let mut buffer: Vec<c_char> = Vec::new();
    buffer.try_reserve_exact(length).map_err(|_| Errno::NOMEM)?;
    let mut entry = MaybeUninit::<Group>::uninit();
    let mut found = ptr::null_mut();
    let (space, group) = (buffer.as_mut_ptr(), entry.as_mut_ptr());
    // SAFETY: the name ends in NUL, and entry and buffer, of that length, live until all is read from them below.
    let said = unsafe { getgrnam_r(name.as_ptr(), group, space, length, &raw mut found) };
    if said != 0 {
        return Err(Errno::from_raw_os_error(said));
    }
    if found.is_null() {
        return Ok(None);
    }
    // SAFETY: where it says 0 and gives an entry, it has filled the one that it was handed.
    let entry = unsafe { entry.assume_init() };
    Ok(Some(LargeGroup { gid: entry.gid, lists: lists(&entry, member) }))
}

/// Whether a group's entry names a member; the buffer that it was read into must still be there.
fn lists(group: &Group, member: &str) -> bool {
    let mut at = group.members;
    while !at.is_null() {
        // SAFETY: libc's list of members ends in a null pointer, and this is not beyond it.
        let name = unsafe { at.read() };
        if name.is_null() {
            return false;
        }
        // SAFETY: each member is a string that ends in NUL, in the buffer of the caller.
        if unsafe { CStr::from_ptr(name) }.to_bytes() == member.as_bytes() {
            return true;
        }
        // SAFETY: a member is followed by another one, or by the null pointer.
        at = unsafe { at.add(1) };
    }
    false
}
