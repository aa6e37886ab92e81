//! libpam's processing from files to a result, as pure functions.
pub mod code;
pub mod control;
pub mod dispatch;
pub mod line;
pub mod load;
pub mod modules;
pub mod stack;
pub mod table;
pub mod twinlock;
mod worlds;
