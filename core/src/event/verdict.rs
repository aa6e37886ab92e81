//! The verdict of a login, which the module converts to a PAM code.

/// The result of one call of `pam_authenticate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// A code was correct and its step is claimed.
    Granted,
    /// No code is needed: a rule exempts the login, or the settings admit users who are proven not to be enrolled.
    Exempt,
    /// A wrong code, an empty answer or a decoy: uniform, so that the PAM code reveals nothing about the first
    /// factor.
    Denied,
    /// A fault of the host, or a user who is not enrolled: no code would help.
    Unavailable,
    /// The conversation failed.
    NoConversation,
}
