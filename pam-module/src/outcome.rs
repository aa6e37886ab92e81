//! Converts verdicts to PAM codes.

use pam::constants::PamResultCode;
use twinlock_core::{base::request::PublicKey, event::verdict::Verdict};

/// Returns the PAM code of a verdict. If the user is exempt and sshd has verified a public key, this is a success, so
/// that a stack with only this module works. For any other exempt login, it is `PAM_IGNORE`, and the rest of the stack
/// decides.
pub(crate) fn code(verdict: Verdict, public_key: PublicKey) -> PamResultCode {
    match (verdict, public_key) {
        (Verdict::Granted, _) | (Verdict::Exempt, PublicKey::Verified) => {
            PamResultCode::PAM_SUCCESS
        }
        (Verdict::Exempt, PublicKey::Absent) => PamResultCode::PAM_IGNORE,
        (Verdict::Denied, _) => PamResultCode::PAM_AUTH_ERR,
        (Verdict::Unavailable, _) => PamResultCode::PAM_AUTHINFO_UNAVAIL,
        (Verdict::NoConversation, _) => PamResultCode::PAM_CONV_ERR,
    }
}

/// Returns the PAM code for a line with `probe=publickey`: `PAM_SUCCESS` if sshd has verified a public key, otherwise
/// `PAM_IGNORE`.
pub(crate) fn probe(public_key: PublicKey) -> PamResultCode {
    match public_key {
        PublicKey::Verified => PamResultCode::PAM_SUCCESS,
        PublicKey::Absent => PamResultCode::PAM_IGNORE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_of_the_table() {
        use PublicKey::{Absent, Verified};
        for (verdict, key, expected) in [
            (Verdict::Granted, Absent, PamResultCode::PAM_SUCCESS),
            (Verdict::Granted, Verified, PamResultCode::PAM_SUCCESS),
            (Verdict::Exempt, Verified, PamResultCode::PAM_SUCCESS),
            (Verdict::Exempt, Absent, PamResultCode::PAM_IGNORE),
            (Verdict::Denied, Verified, PamResultCode::PAM_AUTH_ERR),
            (Verdict::Denied, Absent, PamResultCode::PAM_AUTH_ERR),
            (Verdict::Unavailable, Verified, PamResultCode::PAM_AUTHINFO_UNAVAIL),
            (Verdict::NoConversation, Verified, PamResultCode::PAM_CONV_ERR),
        ] {
            assert_eq!(code(verdict, key), expected, "{verdict:?} {key:?}");
        }
        assert_eq!(probe(Verified), PamResultCode::PAM_SUCCESS);
        assert_eq!(probe(Absent), PamResultCode::PAM_IGNORE);
    }
}
