//! Parses TOML: takes values from tables by key, counts lines, and removes comments.
//!
//! May use: `base`.

pub mod comments;
pub(crate) mod lines;
pub(crate) mod tables;
