//! The verbs `settings check`, `settings apply` and `settings show`.

pub(crate) mod apply;
pub(crate) mod check;
#[cfg(test)]
pub(crate) mod documents;
pub(crate) mod draft;
pub(crate) mod show;
