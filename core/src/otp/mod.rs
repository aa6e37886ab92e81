//! One-time passwords: RFC 4226, RFC 6238, their keys and their URIs.
//!
//! May use: `base`, `ledger`, `record`.
pub mod hotp;
pub mod otpauth;
pub mod qr;
pub mod totp;
pub mod uri_damage;
pub mod uri_error;
