//! Determines the acting user, asks this user for a code of the user's own authenticator, and refuses what the user may
//! not do.
//!
//! May use: `cli`, `context`, `error`, `mail`, `terminal`, `text`.

pub(crate) mod actor;
pub(crate) mod authorizer;
pub(crate) mod denial;
pub(crate) mod first_run;
pub(crate) mod logind;
pub(crate) mod own_code;
