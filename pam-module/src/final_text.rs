//! The final text of a login by ssh. It is kept until `pam_setcred`, because OpenSSH then shows it only once.
//!
//! If no question follows a message, sshd sends it as a banner and prints it a second time when the shell starts. A
//! message of `pam_setcred` is printed only when the shell starts. `pam_setcred` runs in another process of sshd. Of
//! the data of this module, it receives only the PAM environment.

use std::ffi::{CStr, CString};

use pam::{constants::PAM_TEXT_INFO, conv::Conv, module::PamHandle};

use crate::ffi;

const NAME: &CStr = c"TWINLOCK_FINAL_TEXT";

/// Stores the messages for `pam_setcred` in the PAM environment. Best effort: if that fails, the login is still
/// granted.
pub(crate) fn keep(handle: &mut PamHandle, messages: &[String]) {
    if messages.is_empty() {
        return;
    }
    let name = NAME.to_string_lossy();
    if let Ok(variable) = CString::new(format!("{name}={}", messages.join("\n"))) {
        let _ = ffi::put_environment(handle, &variable);
    }
}

/// Shows the stored messages. Removes them from the PAM environment, so that they are shown only once and do not reach
/// the environment of the session. Best effort.
pub(crate) fn show(handle: &mut PamHandle) {
    let Some(text) = ffi::environment(handle, NAME) else { return };
    let _ = ffi::put_environment(handle, NAME);
    if let Ok(Some(conversation)) = handle.get_item::<Conv<'_>>() {
        let _ = conversation.send(PAM_TEXT_INFO, &printable(&text));
    }
}

/// Returns a text without control characters other than line ends. The text is not trusted, because another module can
/// set the same variable.
fn printable(text: &[u8]) -> String {
    let is_safe = |letter: &char| *letter == '\n' || !letter.is_control();
    String::from_utf8_lossy(text).chars().filter(is_safe).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_removed() {
        assert_eq!(printable("Två koder.\nKvar: 2".as_bytes()), "Två koder.\nKvar: 2");
        assert_eq!(printable(b"\x1b]0;x\x07\xff\r"), "]0;x\u{fffd}");
    }
}
