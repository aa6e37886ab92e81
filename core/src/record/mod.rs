//! A user's record: authenticators, backup codes, tickets, bypass codes, pending enrollment, and its text form.
//!
//! May use: `base`, `format`.

pub mod by_mail;
pub mod code_set;
pub mod code_set_text;
pub mod enrollment;
pub mod extras;
mod model;
pub mod pending;
pub mod text;
pub mod ticket_renewal;
pub mod voucher;

pub use model::*;
