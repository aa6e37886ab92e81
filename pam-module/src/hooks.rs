//! The six functions of the module that libpam calls.

use std::{ffi::CStr, panic};

use pam::{
    constants::{PamFlag, PamResultCode},
    module::{PamHandle, PamHooks},
};

use twinlock_host::journal::{Severity, Syslog};

use crate::{authenticate::authenticate, final_text};

/// The PAM module. libpam calls it through six functions.
struct Twinlock;

pam::pam_hooks!(Twinlock);

impl PamHooks for Twinlock {
    fn sm_authenticate(handle: &mut PamHandle, arguments: Vec<&CStr>, _: PamFlag) -> PamResultCode {
        quieten_panics();
        authenticate(handle, &arguments)
    }

    /// Shows the final text of the login. Succeeds even if there is no text, because pam_setcred must succeed for a
    /// stack that contains only this module.
    fn sm_setcred(handle: &mut PamHandle, _: Vec<&CStr>, _: PamFlag) -> PamResultCode {
        quieten_panics();
        final_text::show(handle);
        PamResultCode::PAM_SUCCESS
    }

    /// Always succeeds. cron jobs, which are never asked for a code, also call this function. A refusal would prevent
    /// them.
    fn acct_mgmt(_: &mut PamHandle, _: Vec<&CStr>, _: PamFlag) -> PamResultCode {
        PamResultCode::PAM_SUCCESS
    }

    fn sm_open_session(_: &mut PamHandle, _: Vec<&CStr>, _: PamFlag) -> PamResultCode {
        PamResultCode::PAM_SUCCESS
    }

    fn sm_close_session(_: &mut PamHandle, _: Vec<&CStr>, _: PamFlag) -> PamResultCode {
        PamResultCode::PAM_SUCCESS
    }

    /// Always fails. This module changes no password, so a `password` line that names it is an error.
    fn sm_chauthtok(_: &mut PamHandle, _: Vec<&CStr>, _: PamFlag) -> PamResultCode {
        PamResultCode::PAM_SERVICE_ERR
    }
}

/// Replaces the default panic hook. That hook prints text that may contain a secret to the terminal of sudo, and can
/// deadlock when memory is low. The new hook logs only the location of the panic. It affects only this library's own
/// copy of std; the hook of the calling program is unchanged.
fn quieten_panics() {
    panic::set_hook(Box::new(|panic| {
        let at =
            panic.location().map_or_else(String::new, |at| format!("{}:{}", at.file(), at.line()));
        let line = format!("event=refused reason=panic at={at}");
        Syslog::default().send(Severity::Alert, &line);
    }));
}
