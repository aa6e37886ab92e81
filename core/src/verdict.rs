//! How a login ends, as the module turns it into a PAM code.

/// The end of one call of `pam_authenticate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// A code was right, and its step claimed.
    Granted,
    /// No code is needed: a rule exempts, or the settings let those pass who are proven not to be enrolled.
    Exempt,
    /// A wrong code, nothing typed, or the decoy: all alike, so that the code tells nothing about the first factor.
    Denied,
    /// Something of the machine is broken, or the person is not enrolled: no code would help.
    Unavailable,
    /// The conversation failed.
    NoConversation,
}
