//! Who acts, and whether they may: the acting user, their own code, and the refusal.
//!
//! May use: `cli`, `context`, `error`, `mail`, `terminal`, `text`.

pub(crate) mod actor;
pub(crate) mod authorizer;
pub(crate) mod denial;
pub(crate) mod first_run;
pub(crate) mod logind;
pub(crate) mod own_code;
