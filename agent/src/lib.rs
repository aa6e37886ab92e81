//! The agent. It lets users who are not root manage their own second factor, lets members of a role help other users,
//! and verifies one code for PAM programs that do not run as root.
//!
//! The listener ([`listener`]) accepts connections and starts one worker ([`worker`]) for each. `PROTOCOL.md` describes
//! the frames that a worker and its client exchange.

mod caller;
mod client;
mod connection;
pub mod listener;
mod locker;
mod operation;
mod pam_application;
mod password;
mod report;
mod roles;
mod self_service;
mod slots;
mod status;
mod turn;
pub mod worker;
