//! Models what libpam does, from the text of the PAM files to the result of a login. The caller of these functions
//! reads the files and the accounts.
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
