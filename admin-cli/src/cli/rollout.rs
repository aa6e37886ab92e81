//! Arguments of the verbs over many users.

use clap::Args;

/// Whom to list, and how.
#[derive(Args)]
pub(crate) struct List {
    /// Accounts with a login shell, or members of the group, that are not enrolled
    #[arg(long)]
    pub(crate) not_enrolled: bool,
    /// The members of a group, enrolled or not
    #[arg(long, value_name = "GROUP")]
    pub(crate) group: Option<String>,
    /// Print CSV for spreadsheets
    #[arg(long, conflicts_with = "json")]
    pub(crate) csv: bool,
}

/// Many people at once.
#[derive(Args)]
pub(crate) struct Many {
    /// Everybody in a CSV file with a header (user, mail, optionally key), or - for standard input. Who has a key there
    /// is enrolled with it, who has none gets a ticket
    #[arg(long, value_name = "FILE",
          conflicts_with_all = ["user", "ascii", "invert", "png", "svg", "secret_stdin"])]
    pub(crate) from: Option<String>,
    /// Write tickets that no mail takes into this file (mode 0600, never overwritten)
    #[arg(long, value_name = "FILE", requires = "from")]
    pub(crate) report: Option<String>,
}

/// A whole group.
#[derive(Args)]
pub(crate) struct GroupInvite {
    /// Every member of a group who is not enrolled
    #[arg(long, value_name = "GROUP", requires = "until", conflicts_with_all = ["user", "mail"])]
    pub(crate) group: Option<String>,
    /// Until this day, such as 2027-01-31, members without a code are reminded and let in; written into rules.toml at the end
    #[arg(long, value_name = "DATE", requires = "group")]
    pub(crate) until: Option<String>,
    /// Write tickets that no mail takes into this file (mode 0600, never overwritten)
    #[arg(long, value_name = "FILE", requires = "group")]
    pub(crate) report: Option<String>,
    /// Show tickets and rule, and write nothing
    #[arg(long, requires = "group")]
    pub(crate) dry_run: bool,
}
