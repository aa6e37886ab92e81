//! libpam's processing from files to a result, as pure functions.
mod access;
pub mod census;
pub mod code;
pub mod control;
pub mod credentials;
pub mod dispatch;
pub mod line;
pub mod load;
pub mod modules;
pub mod stack;
pub mod subject;
pub mod table;
pub mod twinlock;
mod worlds;
