//! Swedish.
pub(super) mod login;
pub(super) mod mail;
