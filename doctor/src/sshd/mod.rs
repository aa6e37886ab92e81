//! sshd's settings: what it asks for before and besides PAM.
pub mod config;
pub mod effective;
pub mod judge;
pub mod pattern;
pub mod probe;
