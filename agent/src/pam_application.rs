//! Calls libpam, as an application such as login does, to check the password of an account with the PAM service
//! `twinlock`.
#![expect(unsafe_code, reason = "C functions of libpam; one call a block, each with its reason")]

use std::{
    ffi::{CStr, CString, c_char, c_int, c_void},
    ptr,
};

use nix::libc::{calloc, free, strdup};

const SUCCESS: c_int = 0;
const CONV_ERR: c_int = 19;
const BUF_ERR: c_int = 5;
const AUTH_ERR: c_int = 7;
const PROMPT_ECHO_OFF: c_int = 1;
const PROMPT_ECHO_ON: c_int = 2;
/// `PAM_USER`: the name of the user whom the stack has authenticated.
const ITEM_USER: c_int = 2;
const ITEM_RUSER: c_int = 8;
const ITEM_FAIL_DELAY: c_int = 10;
const DISALLOW_NULL_AUTHTOK: c_int = 1;
const SILENT: c_int = 0x8000;
/// The maximum number of messages that libpam passes in one call (`PAM_MAX_NUM_MSG`).
const MESSAGES_MAX: usize = 32;

/// `pam_handle_t`.
#[repr(C)]
struct Handle {
    private: [u8; 0],
}

#[repr(C)]
struct PamMessage {
    style: c_int,
    text: *const c_char,
}

#[repr(C)]
struct Response {
    text: *mut c_char,
    code: c_int,
}

type Converse =
    extern "C" fn(c_int, *const *const PamMessage, *mut *mut Response, *mut c_void) -> c_int;

#[repr(C)]
struct PamConv {
    converse: Converse,
    data: *mut c_void,
}

#[link(name = "pam")]
unsafe extern "C" {
    fn pam_start(
        service: *const c_char,
        user: *const c_char,
        conversation: *const PamConv,
        handle: *mut *mut Handle,
    ) -> c_int;
    fn pam_end(handle: *mut Handle, status: c_int) -> c_int;
    fn pam_authenticate(handle: *mut Handle, flags: c_int) -> c_int;
    fn pam_acct_mgmt(handle: *mut Handle, flags: c_int) -> c_int;
    fn pam_get_item(handle: *const Handle, kind: c_int, item: *mut *const c_void) -> c_int;
    fn pam_set_item(handle: *mut Handle, kind: c_int, item: *const c_void) -> c_int;
}

/// The password, which is the answer to one question. If the stack asks a second question, it gets an error, because
/// the agent knows no other answer.
struct PasswordAnswer<'a> {
    password: &'a CStr,
    given: bool,
}

/// Answers the questions of the stack. libpam calls this function, and `data` points to a [`PasswordAnswer`].
extern "C" fn converse(
    count: c_int,
    messages: *const *const PamMessage,
    responses: *mut *mut Response,
    data: *mut c_void,
) -> c_int {
    let Some(count) =
        usize::try_from(count).ok().filter(|count| (1..=MESSAGES_MAX).contains(count))
    else {
        return CONV_ERR;
    };
    // SAFETY: `accepts` passes a pointer to its own `Answer`, which lives until pam_end, and libpam calls this function
    // from no other thread.
    let Some(answer) = (unsafe { data.cast::<PasswordAnswer<'_>>().as_mut() }) else {
        return CONV_ERR;
    };
    // SAFETY: a plain allocation, checked below; libpam frees it.
    let all = unsafe { calloc(count, size_of::<Response>()) }.cast::<Response>();
    if all.is_null() {
        return BUF_ERR;
    }
    // SAFETY: libpam passes `count` pointers to messages that live until this function returns.
    let messages = unsafe { std::slice::from_raw_parts(messages, count) };
    // SAFETY: calloc has returned room for `count` responses, all zero, which is a valid response.
    let filled = unsafe { std::slice::from_raw_parts_mut(all, count) };
    for (message, response) in messages.iter().zip(filled) {
        // SAFETY: as above; null only if libpam is broken, which is an error here.
        let Some(message) = (unsafe { message.as_ref() }) else {
            release(all, count);
            return CONV_ERR;
        };
        match message.style {
            PROMPT_ECHO_OFF if !answer.given => {
                answer.given = true;
                // SAFETY: the password ends in NUL; the copy is allocated as libpam expects, which wipes and frees it.
                response.text = unsafe { strdup(answer.password.as_ptr()) };
            }
            PROMPT_ECHO_OFF | PROMPT_ECHO_ON => {
                release(all, count);
                return CONV_ERR;
            }
            _ => {}
        }
    }
    // SAFETY: libpam passes a place for the pointer.
    unsafe { *responses = all };
    SUCCESS
}

/// Frees `count` responses and their texts.
fn release(all: *mut Response, count: usize) {
    // SAFETY: calloc has returned room for `count` responses, each zero or with a text of strdup.
    let responses = unsafe { std::slice::from_raw_parts(all, count) };
    for &Response { text, .. } in responses {
        if !text.is_null() {
            // SAFETY: the text ends in NUL and is not used elsewhere; it is wiped before it is freed.
            let length = unsafe { CStr::from_ptr(text) }.to_bytes().len();
            // SAFETY: as above.
            unsafe { ptr::write_bytes(text, 0, length) };
            // SAFETY: strdup allocated it.
            unsafe { free(text.cast()) };
        }
    }
    // SAFETY: calloc allocated it, and libpam does not get it.
    unsafe { free(all.cast()) };
}

/// Replaces libpam's delay after a wrong password by no delay. The agent itself limits the number of wrong passwords,
/// so a delay would only make the client wait.
extern "C" fn no_delay(_: c_int, _: u32, _: *mut c_void) {}

/// Returns whether the PAM service `twinlock` accepts the password of the user, and whether the account may log in now.
///
/// `pam_acct_mgmt` is called only after the password was accepted. After a failure, it would clear the count of
/// faillock.
pub(crate) fn accepts(user: &CStr, password: &CStr) -> bool {
    let mut answer = PasswordAnswer { password, given: false };
    let conversation = PamConv { converse, data: (&raw mut answer).cast() };
    let mut handle = ptr::null_mut();
    // SAFETY: all pointers live until pam_end, and libpam writes the handle.
    let started = unsafe {
        pam_start(c"twinlock".as_ptr(), user.as_ptr(), &raw const conversation, &raw mut handle)
    };
    if started != SUCCESS || handle.is_null() {
        return false;
    }
    let accepted = is_accepted(handle, user);
    // SAFETY: the handle is of pam_start and not used afterwards.
    unsafe { pam_end(handle, if accepted { SUCCESS } else { AUTH_ERR }) };
    accepted
}

fn is_accepted(handle: *mut Handle, user: &CStr) -> bool {
    let delay = no_delay as extern "C" fn(c_int, u32, *mut c_void);
    // SAFETY: the handle is libpam's; the function lives forever.
    let set = unsafe { pam_set_item(handle, ITEM_FAIL_DELAY, delay as *const c_void) };
    // SAFETY: the handle is libpam's, which copies the name.
    let named = unsafe { pam_set_item(handle, ITEM_RUSER, user.as_ptr().cast()) };
    if set != SUCCESS || named != SUCCESS {
        return false;
    }
    let flags = SILENT | DISALLOW_NULL_AUTHTOK;
    // SAFETY: the handle is libpam's.
    if unsafe { pam_authenticate(handle, flags) } != SUCCESS || !is_still(handle, user) {
        return false;
    }
    // SAFETY: as above.
    let allowed = unsafe { pam_acct_mgmt(handle, flags) };
    allowed == SUCCESS && is_still(handle, user)
}

/// Returns whether the stack has authenticated the user `user`. A module may change the user name.
fn is_still(handle: *mut Handle, user: &CStr) -> bool {
    let mut item = ptr::null();
    // SAFETY: libpam writes a pointer to its own text.
    let got = unsafe { pam_get_item(handle, ITEM_USER, &raw mut item) };
    if got != SUCCESS || item.is_null() {
        return false;
    }
    // SAFETY: PAM_USER is a text that ends in NUL and lives until it is set again.
    let found = unsafe { CStr::from_ptr(item.cast()) };
    found == user
}

/// Returns the bytes as a C string for libpam; `None` if they contain a NUL.
pub(crate) fn text(text: &[u8]) -> Option<CString> {
    CString::new(text).ok()
}
