//! English texts, one file per dialogue.
pub(super) mod change;
pub(super) mod login;
pub(super) mod new_codes;
pub(super) mod own_account;
pub(super) mod role;
pub(super) mod set_up;
