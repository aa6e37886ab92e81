//! `twinlock doctor`: finds a way in without a code, and a lock-out, before somebody else does.
pub mod pam;
