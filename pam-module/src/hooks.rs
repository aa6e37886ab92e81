//! The six functions of the module that libpam calls.

use std::{ffi::CStr, panic};

use pam::{
    constants::{PamFlag, PamResultCode},
    module::{PamHandle, PamHooks},
};

use twinlock_host::journal::{Severity, Syslog};

use crate::{authenticate::authenticate, final_text};

/// The PAM module, which libpam calls through six entry points.
struct Twinlock;

pam::pam_hooks!(Twinlock);

impl PamHooks for Twinlock {
    fn sm_authenticate(handle: &mut PamHandle, arguments: Vec<&CStr>, _: PamFlag) -> PamResultCode {
        quieten_panics();
        authenticate(handle, &arguments)
    }

    /// Shows the final text of the login. Succeeds even if there is none, because a stack with only this module must
    /// pass pam_setcred.
    fn sm_setcred(handle: &mut PamHandle, _: Vec<&CStr>, _: PamFlag) -> PamResultCode {
        quieten_panics();
        final_text::show(handle);
        PamResultCode::PAM_SUCCESS
    }

    /// Always succeeds. A refusal would stop cron jobs, which are never asked for a code.
    fn acct_mgmt(_: &mut PamHandle, _: Vec<&CStr>, _: PamFlag) -> PamResultCode {
        PamResultCode::PAM_SUCCESS
    }

    fn sm_open_session(_: &mut PamHandle, _: Vec<&CStr>, _: PamFlag) -> PamResultCode {
        PamResultCode::PAM_SUCCESS
    }

    fn sm_close_session(_: &mut PamHandle, _: Vec<&CStr>, _: PamFlag) -> PamResultCode {
        PamResultCode::PAM_SUCCESS
    }

    /// Always fails. This module changes no password, so a PAM line that asks for it is an error.
    fn sm_chauthtok(_: &mut PamHandle, _: Vec<&CStr>, _: PamFlag) -> PamResultCode {
        PamResultCode::PAM_SERVICE_ERR
    }
}

/// Replaces the default panic hook, which prints what may be a secret to sudo's terminal and can deadlock when memory
/// is low. The new hook reports only the location of the panic. It affects only this library's own copy of std; the
/// hook of the calling program is unchanged.
fn quieten_panics() {
    panic::set_hook(Box::new(|panic| {
        let at =
            panic.location().map_or_else(String::new, |at| format!("{}:{}", at.file(), at.line()));
        let line = format!("event=refused reason=panic at={at}");
        Syslog::default().send(Severity::Alert, &line);
    }));
}
