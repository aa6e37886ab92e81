//! What a login reports: events, reasons, the verdict, and the log line.
//!
//! May use: `base`, `record`.

mod log_event;
pub mod log_line;
pub mod verdict;

pub use log_event::*;
