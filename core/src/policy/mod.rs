//! The decisions of the administrator: the settings, the PAM line, the rules, and which users are admitted without a
//! code.
//!
//! May use: `base`, `format`, `record`, `event`.

pub mod admission;
mod agent_rules;
pub mod fleet_daemon;
mod fleet_rules;
pub mod foreign_arguments;
pub mod last_good;
pub mod network;
mod options;
pub mod pam_line;
pub mod questions;
pub mod role_decision;
pub mod role_request;
pub mod roles;
pub mod rules;
pub mod settings;

pub use options::*;
