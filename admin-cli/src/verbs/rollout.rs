//! What brings many people along: whom to list, and how.

use clap::Args;

/// Whom to list, and how.
#[derive(Args)]
pub struct List {
    /// Accounts with a login shell, or members of the group, that are not enrolled
    #[arg(long)]
    pub not_enrolled: bool,
    /// The members of a group, enrolled or not
    #[arg(long, value_name = "GROUP")]
    pub group: Option<String>,
    /// Print CSV for spreadsheets
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
}
