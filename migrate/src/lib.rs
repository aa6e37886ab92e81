//! Imports enrollments from google-authenticator, from oath-toolkit, from otpauth-migration URIs, from lists of users,
//! and from twinlock on another host. The PAM module uses nothing of this crate.
#![deny(unsafe_code)]

extern crate alloc;

mod c_number;
pub mod export;
pub mod google;
pub mod merge;
pub mod merge_bounds;
pub mod oath;
pub mod otpauth_migration;
pub mod plan;
pub mod source;
pub mod user_file;
pub mod user_list;
