//! Arguments of the subcommands for many users.

use clap::Args;

/// Arguments of `list`.
#[derive(Args)]
pub(crate) struct List {
    /// List users with a login shell who are not enrolled; with --group, members who are not enrolled
    #[arg(long)]
    pub(crate) not_enrolled: bool,
    /// List the members of a group, enrolled or not
    #[arg(long, value_name = "GROUP")]
    pub(crate) group: Option<String>,
    /// Print CSV
    #[arg(long, conflicts_with = "json")]
    pub(crate) csv: bool,
}

/// Options of `enroll` for the users of a list.
#[derive(Args)]
pub(crate) struct Many {
    /// Enroll the users of a CSV file with the columns user, mail and optionally key (- for standard input).
    /// A user without a key gets a set-up ticket
    #[arg(long, value_name = "FILE",
          conflicts_with_all = ["user", "ascii", "invert", "png", "svg", "secret_stdin"])]
    pub(crate) from: Option<String>,
    /// Write tickets that cannot be mailed to a new file, mode 0600
    #[arg(long, value_name = "FILE", requires = "from")]
    pub(crate) report: Option<String>,
}

/// Options of `invite` for the members of a group.
#[derive(Args)]
pub(crate) struct GroupInvite {
    /// Invite every member of a group who is not enrolled
    #[arg(long, value_name = "GROUP", requires = "until", conflicts_with_all = ["user", "mail"])]
    pub(crate) group: Option<String>,
    /// First day on which a code is required, such as 2027-01-31; before it, members who are not enrolled are reminded and let in (adds a rule to rules.toml)
    #[arg(long, value_name = "DATE", requires = "group")]
    pub(crate) until: Option<String>,
    /// Write tickets that cannot be mailed to a new file, mode 0600
    #[arg(long, value_name = "FILE", requires = "group")]
    pub(crate) report: Option<String>,
    /// Show what would be done, and write nothing
    #[arg(long, requires = "group")]
    pub(crate) dry_run: bool,
}
