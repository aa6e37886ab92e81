//! sshd's settings: what sshd asks a user for, with or without PAM.
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
pub mod words;
