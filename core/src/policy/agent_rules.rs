//! What the agent does for users who are not root.

/// What the agent does for users who are not root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AgentRules {
    /// The subcommands that users may run for their own account. Bit N is set if the word at index N of
    /// [`SELF_SERVICE`] is permitted.
    pub self_service: u16,
    /// Whether programs that are not root, such as screen lockers, may have a code verified.
    pub lockers: bool,
}

/// The subcommands that users may run for their own account through the agent.
pub const SELF_SERVICE: &[&str] =
    &["status", "devices", "why", "forget", "backup-codes", "change", "remove", "enroll"];

impl Default for AgentRules {
    fn default() -> Self {
        Self { self_service: (1 << SELF_SERVICE.len()) - 1, lockers: false }
    }
}

impl AgentRules {
    /// Returns whether users may run the subcommand `verb` for their own account.
    #[must_use]
    pub fn allows(self, verb: &str) -> bool {
        let place = SELF_SERVICE.iter().position(|word| *word == verb);
        place.is_some_and(|place| self.self_service >> place & 1 == 1)
    }
}
