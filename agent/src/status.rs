//! Exit statuses that the agent gives to a client. They are those of the command `twinlock`.

/// The operation succeeded.
pub(crate) const DONE: u8 = 0;
/// A password or code was wrong.
pub(crate) const REFUSED: u8 = 1;
/// The request is wrong.
pub(crate) const USAGE: u8 = 2;
/// The account is in a state that does not allow the operation.
pub(crate) const WRONG_STATE: u8 = 3;
/// The caller lacks the right.
pub(crate) const NOT_PERMITTED: u8 = 4;
/// The operation was run too often, or too many answers were wrong.
pub(crate) const THROTTLED: u8 = 5;
/// The records, the ledger or the check of the password cannot be used.
pub(crate) const UNAVAILABLE: u8 = 6;
/// The user cancelled the operation.
pub(crate) const INTERRUPTED: u8 = 130;
