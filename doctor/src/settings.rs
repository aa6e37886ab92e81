//! What twinlock's settings and records mean for a login, as the command has read them.
use crate::finding::Finding;

/// Effects of twinlock's settings on every stack.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Findings that make the module refuse, wherever a line calls it.
    pub refusing: Vec<Finding>,
    /// Services that a rule exempts for all users.
    pub exempt: Vec<String>,
    /// Whether the settings exempt any user.
    pub exemptions: Exemptions,
    /// Who decides about users who are not enrolled.
    pub not_enrolled: Decider,
}

/// Whether the settings exempt any user.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Exemptions {
    /// No user is exempt.
    #[default]
    None,
    /// Some user is.
    Some,
}

/// Who decides how to treat users who are not enrolled.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Decider {
    /// The PAM line, with `nullok`.
    #[default]
    Line,
    /// The settings, whatever the line says.
    Settings,
}
