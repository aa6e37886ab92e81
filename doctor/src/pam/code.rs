//! Return codes of PAM, with the names that control fields use.

/// A PAM return code, from 0 to 31.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PamCode(u8);

/// Number of PAM return codes, and of the actions in a control field.
pub const CODES: usize = 32;

const NAMES: [&str; CODES] = [
    "success",
    "open_err",
    "symbol_err",
    "service_err",
    "system_err",
    "buf_err",
    "perm_denied",
    "auth_err",
    "cred_insufficient",
    "authinfo_unavail",
    "user_unknown",
    "maxtries",
    "new_authtok_reqd",
    "acct_expired",
    "session_err",
    "cred_unavail",
    "cred_expired",
    "cred_err",
    "no_module_data",
    "conv_err",
    "authtok_err",
    "authtok_recover_err",
    "authtok_lock_busy",
    "authtok_disable_aging",
    "try_again",
    "ignore",
    "abort",
    "authtok_expired",
    "module_unknown",
    "bad_item",
    "conv_again",
    "incomplete",
];

impl PamCode {
    /// The call succeeded.
    pub const SUCCESS: Self = Self(0);
    /// The module failed, for a reason other than the user's answer to a prompt.
    pub const SERVICE_ERR: Self = Self(3);
    /// The module denies permission. libpam also returns this code for a line that it cannot run.
    pub const PERM_DENIED: Self = Self(6);
    /// The user's answer to the prompt is wrong, or the module refuses the user.
    pub const AUTH_ERR: Self = Self(7);
    /// The module cannot reach the data that it needs.
    pub const AUTHINFO_UNAVAIL: Self = Self(9);
    /// The module does not know the account.
    pub const USER_UNKNOWN: Self = Self(10);
    /// The module lacks the rights to read the user's data.
    pub const CRED_INSUFFICIENT: Self = Self(8);
    /// The user has made too many attempts.
    pub const MAXTRIES: Self = Self(11);
    /// The user is authenticated, but has to change the password.
    pub const NEW_AUTHTOK_REQD: Self = Self(12);
    /// The module cannot set credentials.
    pub const CRED_ERR: Self = Self(17);
    /// The program did not show a prompt, or it did not return the user's answer.
    pub const CONV_ERR: Self = Self(19);
    /// The result of the stack must not depend on this module.
    pub const IGNORE: Self = Self(25);
    /// libpam cannot use the files of the service.
    pub const ABORT: Self = Self(26);
    /// The module's file is missing.
    pub const MODULE_UNKNOWN: Self = Self(28);
    /// The program must call PAM again before the module can continue.
    pub const INCOMPLETE: Self = Self(31);

    /// Returns the code that has this name in control fields, such as `auth_err`; `None` for any other text.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        all().find(|code| code.name() == name)
    }

    /// Returns the name of the code in control fields, such as `auth_err`.
    #[must_use]
    pub fn name(self) -> &'static str {
        NAMES.get(self.index()).copied().unwrap_or("unknown")
    }

    /// Returns the index of the code, from 0, in a table of [`CODES`] entries.
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// Returns every code, in the order of their numbers.
pub fn all() -> impl Iterator<Item = PamCode> {
    (0u8..).take(CODES).map(PamCode)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_at_libpams_numbers() {
        for (name, code) in [
            ("success", PamCode::SUCCESS),
            ("service_err", PamCode::SERVICE_ERR),
            ("conv_err", PamCode::CONV_ERR),
            ("perm_denied", PamCode::PERM_DENIED),
            ("auth_err", PamCode::AUTH_ERR),
            ("authinfo_unavail", PamCode::AUTHINFO_UNAVAIL),
            ("user_unknown", PamCode::USER_UNKNOWN),
            ("new_authtok_reqd", PamCode::NEW_AUTHTOK_REQD),
            ("ignore", PamCode::IGNORE),
            ("abort", PamCode::ABORT),
            ("module_unknown", PamCode::MODULE_UNKNOWN),
            ("incomplete", PamCode::INCOMPLETE),
        ] {
            assert_eq!(PamCode::from_name(name), Some(code));
            assert_eq!(code.name(), name);
        }
        assert_eq!(PamCode::from_name("successful"), None);
        assert_eq!(all().count(), CODES);
    }
}
