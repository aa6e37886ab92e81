//! The names at the top of a ledger folder.

/// The symbolic link whose target says when the ledger began.
pub(crate) const EPOCH: &str = "epoch";
