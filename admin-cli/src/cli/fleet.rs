//! Arguments of the subcommands about the fleet: hosts that share records and used codes through etcd.

use clap::{Args, Subcommand, ValueEnum};

use crate::cli::{Grounds, PrivilegedArgs};

/// The subcommands of `twinlock fleet`.
#[derive(Subcommand)]
pub(crate) enum FleetVerb {
    /// Begin a fleet with this host as its first one
    ///
    /// Writes /etc/twinlock/fleet.key, describes the fleet in etcd, and sends up the records of this host. The daemon twinlock-fleet must run with /etc/twinlock/fleet.toml.
    Init(FleetInit),
    /// Join the fleet with this host
    ///
    /// Compares the records of this host with those of the fleet, and sends up those that the fleet lacks. A user who has two different records is listed, and nothing is written, unless --take says which one is kept.
    Join(FleetJoin),
    /// Show the servers of etcd, the hosts, and how many records differ
    Status,
    /// Leave the fleet with this host, or take out a stolen host
    ///
    /// Deletes the entry of this host in etcd and its key file. With --stolen, deletes the entry of that host, adds a new sealing key, and marks the keys of all users as disclosed.
    Leave(FleetLeave),
    /// Replace the key with which records in etcd are sealed
    ///
    /// Adds a key to /etc/twinlock/fleet.key, which is then copied to every host. With --finish, seals everything with the new key once every host has it.
    Rotate(FleetRotate),
    /// Repair the fleet after etcd was restored from a backup
    ///
    /// Sends up every record that is newer on this host, its used steps and spent backup codes. Run it on every host.
    Recover(FleetGrounds),
    /// Repair the fleet after this host was restored from a backup
    Rejoin(FleetGrounds),
    /// Set the limits on wrong codes that hold on every host
    ///
    /// Copies the section [throttle] of this host's settings to the fleet. On every host, the stricter one of each limit and that of its own settings holds. With --clear, only the settings of each host hold again.
    Throttle(FleetThrottle),
    /// Raise the format in etcd once every host reads the newer one
    Upgrade,
    /// Print how to set up etcd for a fleet
    ///
    /// Prints the options of three servers, the commands that make certificates, users and roles, and the host's fleet.toml. Changes nothing.
    EtcdConfig(FleetEtcdConfig),
}

/// Arguments of `fleet init`.
#[derive(Args)]
pub(crate) struct FleetInit {
    /// Name of the fleet [default: the one in fleet.toml]
    #[arg(long, value_name = "FLEET")]
    pub(crate) name: Option<String>,
    /// How user names become names in the fleet: as they are, or without domain and in lower case
    #[arg(long, value_name = "RULE", value_enum, default_value_t = NameRuleArg::Exact)]
    pub(crate) names: NameRuleArg,
    /// Show what would be done, and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// The options `--reason` and `--break-glass`.
    #[command(flatten)]
    pub(crate) grounds: Grounds,
}

/// How user names become names in the fleet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum NameRuleArg {
    /// As NSS has them.
    Exact,
    /// Without domain, with `A` to `Z` in lower case.
    LowercaseWithoutDomain,
}

/// Arguments of `fleet join`.
#[derive(Args)]
pub(crate) struct FleetJoin {
    /// Key file of the fleet (- for standard input) [default: /etc/twinlock/fleet.key]
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<String>,
    /// Only check whether this host could join; exit status 0 if it could, 1 if not
    #[arg(long, conflicts_with = "take")]
    pub(crate) check: bool,
    /// Record to keep for a user who has two: the fleet's, this host's, or the fleet's with the authenticators of both
    #[arg(long, value_name = "WHICH", value_enum)]
    pub(crate) take: Option<TakeArg>,
    /// The options `--reason` and `--break-glass`.
    #[command(flatten)]
    pub(crate) grounds: Grounds,
}

/// Which of two records of one user is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TakeArg {
    /// The fleet's.
    Store,
    /// This host's.
    Local,
    /// The fleet's, with the authenticators of both.
    Merge,
}

/// Arguments of `fleet leave`.
#[derive(Args)]
pub(crate) struct FleetLeave {
    /// Take out this host, which was stolen or broken into
    #[arg(long, value_name = "HOST")]
    pub(crate) stolen: Option<String>,
    /// The options `--yes`, `--reason` and `--break-glass`.
    #[command(flatten)]
    pub(crate) privileged: PrivilegedArgs,
}

/// Arguments of `fleet rotate`.
#[derive(Args)]
pub(crate) struct FleetRotate {
    /// Seal everything with the newest key, and drop older keys that nothing needs any more
    #[arg(long)]
    pub(crate) finish: bool,
    /// The options `--reason` and `--break-glass`.
    #[command(flatten)]
    pub(crate) grounds: Grounds,
}

/// Arguments of `fleet recover` and `fleet rejoin`.
#[derive(Args)]
pub(crate) struct FleetGrounds {
    /// The options `--reason` and `--break-glass`.
    #[command(flatten)]
    pub(crate) grounds: Grounds,
}

/// Arguments of `fleet throttle`.
#[derive(Args)]
pub(crate) struct FleetThrottle {
    /// Remove the fleet's limits
    #[arg(long)]
    pub(crate) clear: bool,
    /// The options `--reason` and `--break-glass`.
    #[command(flatten)]
    pub(crate) grounds: Grounds,
}

/// Arguments of `fleet etcd-config`.
#[derive(Args)]
pub(crate) struct FleetEtcdConfig {
    /// Name of the fleet
    #[arg(long, value_name = "FLEET", default_value = "prod")]
    pub(crate) name: String,
    /// Name of a host of the fleet (repeatable) [default: this host]
    #[arg(long = "host", value_name = "NAME")]
    pub(crate) hosts: Vec<String>,
    /// URL of a server of etcd (repeatable) [default: three examples]
    #[arg(long = "endpoint", value_name = "URL")]
    pub(crate) endpoints: Vec<String>,
}
