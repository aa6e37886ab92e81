//! sshd's settings: what it asks for before and besides PAM.
pub mod allowed;
pub mod command_line;
pub mod complete;
pub mod config;
pub mod effective;
pub mod elsewhere;
pub mod empty;
pub mod judge;
pub mod pattern;
pub mod probe;
