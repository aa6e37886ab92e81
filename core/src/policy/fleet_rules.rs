//! Which users this host shares with the other hosts of a fleet.

/// What this host shares with other hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FleetRules {
    /// Whether this host belongs to a fleet.
    pub is_on: bool,
    /// The lowest user id that is shared, at least 1. Root is never shared.
    pub lowest_uid: u32,
    /// Whether an account has the same user id on every host.
    pub uids: FleetUids,
}

/// Whether an account has the same user id on every host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FleetUids {
    /// The same id on every host. The record of another id is refused.
    #[default]
    Same,
    /// Each host has ids of its own, so that only the name counts.
    Local,
}

impl Default for FleetRules {
    fn default() -> Self {
        Self { is_on: false, lowest_uid: 1000, uids: FleetUids::Same }
    }
}
