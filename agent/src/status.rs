//! Exit statuses that a client gets, as those of the command.

/// Done.
pub(crate) const DONE: u8 = 0;
/// Refused: a wrong password or code.
pub(crate) const REFUSED: u8 = 1;
/// The request is wrong.
pub(crate) const USAGE: u8 = 2;
/// The account is in a state that does not allow the operation.
pub(crate) const WRONG_STATE: u8 = 3;
/// The caller lacks the right.
pub(crate) const NOT_PERMITTED: u8 = 4;
/// Too often, or too many wrong answers.
pub(crate) const THROTTLED: u8 = 5;
/// The records, the ledger or the check of passwords cannot be used.
pub(crate) const UNAVAILABLE: u8 = 6;
/// The user stopped.
pub(crate) const INTERRUPTED: u8 = 130;
