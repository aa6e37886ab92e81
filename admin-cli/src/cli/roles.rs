//! Arguments of the subcommands about roles.

use clap::Subcommand;

/// The subcommands of `twinlock roles`.
#[derive(Subcommand)]
pub(crate) enum RolesVerb {
    /// Write a new roles file that protects the powerful groups of this machine
    ///
    /// The file gives no role to anybody: it has an example to edit. An existing file is kept.
    Init,
    /// Check a roles file for mistakes
    Check {
        /// Roles file [default: /etc/twinlock/roles.toml]
        file: Option<String>,
    },
    /// Print the roles in force
    Show,
}
