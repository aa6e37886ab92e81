//! The agent: self-service for users who are not root, and one code for programs that call PAM without root.
//!
//! The listener ([`listener`]) accepts connections and starts one worker ([`worker`]) for each. `PROTOCOL.md` describes
//! what they say to a client.

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
