//! `twinlock setup` and `twinlock teardown`: what the new files of a service contain, and how files are written and put
//! back.
//!
//! `plan` is pure: it takes the files of a machine and the wishes of an administrator, and returns the new files.
//! Nothing else of this crate decides what a file contains.

pub mod confirmation;
pub mod diff;
pub mod pam_edit;
pub mod plan;
pub mod proof;
pub mod provider;
pub mod replace;
pub mod saved;
pub mod sshd;
pub mod wishes;
