//! Models what libpam does, from the text of the files to the result of a login. Files and accounts are read by the
//! caller.
mod access;
pub mod census;
pub mod code;
pub mod control;
pub mod credentials;
pub mod dispatch;
pub mod libpam;
pub mod line;
pub mod load;
pub mod modules;
pub mod stack;
pub mod subject;
pub mod table;
pub mod twinlock;
mod worlds;
