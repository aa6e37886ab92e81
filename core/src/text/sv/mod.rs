//! Swedish.
pub(super) mod login;
