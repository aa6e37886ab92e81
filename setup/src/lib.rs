//! Library of `twinlock setup` and `twinlock teardown`. It computes the new files of a service, writes them, and
//! restores the old files.
//!
//! `plan` alone decides what a file contains, and touches no file: it is given the files of a machine and the options
//! of the administrator, and returns the new files.

pub mod confirmation;
pub mod diff;
pub mod entries;
pub mod pam_edit;
pub mod plan;
pub mod proof;
pub mod provider;
pub mod replace;
pub mod rules;
pub mod saved;
pub mod scope;
pub mod shared_file;
pub mod sshd;
pub mod sudoers;
pub mod wishes;
