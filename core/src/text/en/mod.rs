//! English.
pub(super) mod login;
