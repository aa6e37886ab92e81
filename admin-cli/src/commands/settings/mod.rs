//! The subcommands `settings check`, `settings apply` and `settings show`.
//!
//! May use: what `commands` may use.

pub(crate) mod apply;
pub(crate) mod check;
#[cfg(test)]
pub(crate) mod documents;
pub(crate) mod draft;
pub(crate) mod show;
