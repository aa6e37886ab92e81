//! The command line. Defines the subcommands, which the code calls verbs, their options, and the operation of each
//! subcommand.
//!
//! May use: nothing of this crate.

pub(crate) mod fleet;
pub(crate) mod operation;
pub(crate) mod picture;
pub(crate) mod recovery;
pub(crate) mod roles;
pub(crate) mod rollout;
pub(crate) mod setup;
mod verbs;

pub(crate) use verbs::*;
