//! Reading TOML: parsed tables taken apart by name, line numbers, comments.
//!
//! May use: `base`.

pub mod comments;
pub(crate) mod lines;
pub(crate) mod tables;
