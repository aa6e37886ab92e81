//! The lines to write: the same words in every remedy.

/// Public key and code.
pub const KEY_LINE: &str = "auth required pam_twinlock.so first_factor=publickey";

/// Password and code, in this order.
pub const PASSWORD_LINES: [&str; 5] = [
    "auth [success=2 default=ignore] pam_unix.so",
    "auth [default=die] pam_twinlock.so first_factor=failed",
    "auth requisite pam_deny.so",
    "auth required pam_permit.so",
    "auth requisite pam_twinlock.so first_factor=stack",
];

/// What sshd has to ask of a person with a key.
pub const KEY_METHODS: &str = "AuthenticationMethods publickey,keyboard-interactive:pam";

/// What sshd has to ask of a person with a password.
pub const PASSWORD_METHODS: &str = "AuthenticationMethods keyboard-interactive:pam";

/// The whole choice, for a stack that is wrong as a whole.
#[must_use]
pub fn auth_lines(file: &str) -> String {
    let password = PASSWORD_LINES.map(|line| format!("`{line}`")).join(", ");
    format!(
        "In {file}, replace all auth lines (also an `@include common-auth`) by `{KEY_LINE}` for key and code, or, for password and code, by: {password}."
    )
}
