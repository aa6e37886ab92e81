//! Exit statuses that the agent gives to a client. They are those of the command `twinlock`.

/// The operation succeeded.
pub(crate) const DONE: u8 = 0;
/// The password or code of the user was wrong.
pub(crate) const REFUSED: u8 = 1;
/// The request has a wrong form or a wrong value.
pub(crate) const USAGE: u8 = 2;
/// The account is in a state that does not allow the operation.
pub(crate) const WRONG_STATE: u8 = 3;
/// The caller lacks the right to run the operation.
pub(crate) const NOT_PERMITTED: u8 = 4;
/// The operation was run too often, or too many answers were wrong.
pub(crate) const THROTTLED: u8 = 5;
/// The records, the ledger or the check of the password cannot be used at the moment.
pub(crate) const UNAVAILABLE: u8 = 6;
/// The user cancelled the operation.
pub(crate) const INTERRUPTED: u8 = 130;
