//! The entry of this host in the store while a command runs. The daemon carries out transactions only for a host with
//! an entry, so the command has the entry written first, and deletes it again if the command fails.

use twinlock_host::fleet::membership::{DaemonReport, FleetMembership};

use crate::{
    error::exit::{CliError, Exit},
    text::plain,
};

/// Whether this command has written the entry of this host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum JoinedEntry {
    /// The entry existed before.
    WasThere,
    /// This command had the entry written.
    New,
}

impl JoinedEntry {
    /// Has the daemon write the entry of this host, unless the entry exists. Without it, the daemon carries out no
    /// transaction.
    pub(super) fn ensure(
        fleet: &FleetMembership<'_>,
        report: &DaemonReport,
    ) -> Result<Self, CliError> {
        if fleet.is_joined()? {
            return Ok(Self::WasThere);
        }
        if fleet.join()? { Ok(Self::New) } else { Err(taken(&report.host)) }
    }

    /// Deletes the entry, best effort, if this command had it written.
    pub(super) fn take_back(self, fleet: &FleetMembership<'_>) {
        if self == Self::New {
            let _ = fleet.leave();
        }
    }
}

/// Returns the error of a host whose name another host of the fleet has.
pub(super) fn taken(host: &str) -> CliError {
    CliError::new(
        Exit::NotInState,
        format!("the fleet has a host named {} already", plain(host)),
        "If this machine is that host, or replaces it: twinlock fleet rejoin. Otherwise give it another `host` in /etc/twinlock/fleet.toml, and restart twinlock-fleet.",
    )
}
