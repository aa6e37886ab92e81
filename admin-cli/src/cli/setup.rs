//! Arguments of `setup` and `teardown`.

use std::path::PathBuf;

use clap::{Args, Subcommand, builder::PossibleValuesParser};

use crate::cli::Grounds;

/// Arguments of `setup`.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(
    override_usage = "twinlock setup [OPTIONS] --with <FACTORS> <SERVICE>\n   or: twinlock setup confirm <WORD>"
)]
pub(crate) struct Setup {
    /// The subcommand of `setup`; `None` if the command line names a service.
    #[command(subcommand)]
    pub(crate) verb: Option<SetupVerb>,
    /// Service: ssh, or the name of a file in /etc/pam.d, such as sudo or su; root stands for all services but ssh that
    /// can give the rights of root
    #[arg(required = true)]
    pub(crate) service: Option<String>,
    /// Factors before the code; services other than ssh know only password
    #[arg(long, value_name = "FACTORS", required = true,
        value_parser = PossibleValuesParser::new(["publickey", "password", "both", "key-and-password"]))]
    pub(crate) with: Option<String>,
    /// The options with which `setup` changes nothing.
    #[command(flatten)]
    pub(crate) preview: Preview,
    /// The options that say when the change is taken back.
    #[command(flatten)]
    pub(crate) way_back: WayBack,
    /// What happens to users who are not enrolled
    ///
    /// remind lets them in without a code, and offers to set up an app.
    #[arg(long, value_name = "WHAT", value_parser = PossibleValuesParser::new(["deny", "enroll", "remind"]))]
    pub(crate) not_enrolled: Option<String>,
    /// Minutes after a code during which sudo asks for none (sudo and root only; 0 asks each time)
    #[arg(long, value_name = "MINUTES", value_parser = clap::value_parser!(u16).range(0..=1440))]
    pub(crate) timestamp_timeout: Option<u16>,
    /// The options that say which users are not asked for a code.
    #[command(flatten)]
    pub(crate) exceptions: Exceptions,
    /// The options `--reason` and `--break-glass`.
    #[command(flatten)]
    pub(crate) grounds: Grounds,
}

/// Options that say who gets in without a code. Each writes a rule or a Match block, and an entry in accepted.toml.
#[derive(Args)]
pub(crate) struct Exceptions {
    /// Ask only the members of this group for a code
    #[arg(long, value_name = "GROUP")]
    pub(crate) group: Option<String>,
    /// Ask nobody for a code who connects from this network (ssh only; may be repeated)
    #[arg(long, value_name = "CIDR")]
    pub(crate) network: Vec<String>,
    /// Let this account in with its key alone, from NET if given (ssh only; may be repeated)
    #[arg(long, value_name = "USER[@NET]")]
    pub(crate) robot: Vec<String>,
    /// Do not ask whether these users may get in without a code
    #[arg(long)]
    pub(crate) yes: bool,
}

/// The subcommands of `twinlock setup`.
#[derive(Subcommand)]
pub(crate) enum SetupVerb {
    /// Keep the change: run it in a second login through the service
    Confirm {
        /// Word that `setup` has shown
        word: String,
    },
    /// Put back changes that were not confirmed in time (run by systemd units)
    #[command(hide = true)]
    Undo {
        /// sshd does not run yet: do not make it read its files
        #[arg(long)]
        at_boot: bool,
    },
}

/// Options with which `setup` changes nothing.
#[derive(Args)]
pub(crate) struct Preview {
    /// Show the changes as a unified diff, and change nothing
    #[arg(long, conflicts_with_all = ["print", "check"])]
    pub(crate) dry_run: bool,
    /// Print the new files, or write them below DIR, and change nothing
    #[arg(long, value_name = "DIR", num_args = 0..=1, conflicts_with = "check")]
    pub(crate) print: Option<Option<PathBuf>>,
    /// Exit with 0 if the files are as asked, with 1 if not, and change nothing
    #[arg(long)]
    pub(crate) check: bool,
}

impl Preview {
    /// Returns whether the user asks only for a preview, which changes nothing.
    pub(crate) fn is_asked(&self) -> bool {
        self.dry_run || self.check || self.print.is_some()
    }
}

/// Options that say when `setup` takes a change back, because it may lock out the administrator.
#[derive(Args)]
pub(crate) struct WayBack {
    /// Time for the confirmation, 1m to 24h
    #[arg(long, value_name = "TIME", default_value = "5m")]
    pub(crate) within: String,
    /// Keep the change without a confirmation, if it was proven
    #[arg(long, conflicts_with = "within")]
    pub(crate) unattended: bool,
    /// Keep the change without a confirmation where systemd does not run
    #[arg(long, conflicts_with_all = ["within", "unattended"])]
    pub(crate) no_way_back: bool,
    /// Write the files although they cannot be tried here first
    #[arg(long, conflicts_with = "unattended")]
    pub(crate) unproven: bool,
}

/// Arguments of `teardown`.
#[derive(Args)]
pub(crate) struct Teardown {
    /// Service, as for `setup`
    pub(crate) service: String,
    /// Show the changes as a unified diff, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not ask for confirmation
    #[arg(long)]
    pub(crate) yes: bool,
    /// The options `--reason` and `--break-glass`.
    #[command(flatten)]
    pub(crate) grounds: Grounds,
}
