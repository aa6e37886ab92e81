//! Input and output of the command: keyboard, conversation, tables, progress bar, QR codes.
//!
//! May use: `cli`, `error`, `text`.

pub(crate) mod confirm;
pub(crate) mod conversation;
mod failure;
pub(crate) mod keyboard;
pub(crate) mod piped;
pub(crate) mod progress;
pub(crate) mod qr_image;
pub(crate) mod qr_text;
pub(crate) mod table;
