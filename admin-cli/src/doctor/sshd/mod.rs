//! sshd's side: what it asks for before and beside PAM.
pub mod config;
pub mod effective;
pub mod judge;
pub mod pattern;
pub mod probe;
