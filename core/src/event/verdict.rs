//! The verdict of a login, which the module converts to a PAM return code.

/// The verdict of one login: the result of one call of `pam_authenticate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// The code was correct, and no other login can use it.
    Granted,
    /// No code is needed, because a rule exempts the login or the settings admit users who are proven not to be
    /// enrolled.
    Exempt,
    /// The code was wrong, the answer was empty, or the first factor failed. All these causes give the same PAM return
    /// code, so it reveals nothing about the first factor.
    Denied,
    /// No code would help, because of a fault of the host or because the user is not enrolled.
    Unavailable,
    /// The conversation failed.
    NoConversation,
}
