//! Judges the PAM services of the host: which rights a login gives, what the service asks for, and which users it locks
//! out.
//! sshd itself is judged by `examine`.
//!
//! May use: `acceptance`, `examine`, `finding`, `hindrance`, `judge`, `machine`, `pam`, `report`, `settings`, `sshd`,
//! `wrap`.
pub mod catalogue;
pub mod doas;
pub mod effect;
pub mod host;
pub mod host_report;
pub mod judged;
pub mod list;
pub mod locked_out;
pub mod one;
pub mod polkit;
pub mod read_once;
pub mod root_doors;
pub mod steps;
pub mod sudoers;
pub mod sudoers_text;
