//! The names at the top of a ledger folder.

/// The symbolic link whose target is the text of the epoch.
pub(crate) const EPOCH: &str = "epoch";
