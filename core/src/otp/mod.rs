//! One-time passwords: RFC 4226, RFC 6238, their keys and their URIs.
pub mod base32;
pub mod hotp;
pub mod otpauth;
pub mod totp;
pub(crate) mod uri_damage;
