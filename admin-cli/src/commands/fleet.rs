//! `twinlock fleet`: creates a fleet, adds and removes hosts, shows the fleet's state and repairs it. Only the daemon
//! twinlock-fleet talks to etcd; these commands send requests to the daemon's socket.

mod entry;
mod etcd_config;
mod findings;
mod init;
mod join;
mod key_access;
mod leave;
mod recover;
mod rotate;
pub(crate) mod status;
mod throttle;
mod upload;

use twinlock_core::policy::FleetUids;
use twinlock_host::{
    entropy::KernelEntropy,
    fleet::{
        FleetSocket, FleetStore,
        key_file::FleetKey,
        membership::{FleetMembership, HostSide, SharedUsers, shared_users},
    },
    trusted_dir::Owner,
};

use crate::{
    cli::FleetVerb,
    context::Context,
    error::exit::CliError,
    terminal::keyboard::tell,
    text::{WIDTH, plain, wrap},
};

const OWNER: Owner = Owner(0);
/// Maximum time of one request in milliseconds. The election of a new etcd leader takes less.
const PATIENCE: u16 = 10_000;

/// Runs a subcommand of `fleet`.
pub(crate) fn run(context: &Context, wanted: &FleetVerb) -> Result<(), CliError> {
    context.need_root("manage a fleet")?;
    match wanted {
        FleetVerb::Init(wanted) => init::run(context, wanted),
        FleetVerb::Join(wanted) => join::run(context, wanted),
        FleetVerb::Status => status::run(context),
        FleetVerb::Leave(wanted) => match &wanted.stolen {
            Some(host) => leave::stolen(context, host, &wanted.privileged),
            None => leave::run(context, &wanted.privileged),
        },
        FleetVerb::Rotate(wanted) if wanted.finish => rotate::finish(context),
        FleetVerb::Rotate(_) => rotate::begin(context),
        FleetVerb::Recover(_) => recover::recover(context),
        FleetVerb::Rejoin(_) => recover::rejoin(context),
        FleetVerb::Throttle(wanted) => throttle::run(context, wanted),
        FleetVerb::Upgrade => recover::upgrade(context),
        FleetVerb::EtcdConfig(wanted) => etcd_config::run(context, wanted),
    }
}

/// Returns a connection to the daemon.
fn socket() -> FleetSocket {
    FleetSocket::for_command(OWNER, PATIENCE)
}

/// Returns the fleet with this key, reached through this connection to the daemon.
fn membership<'a>(key: &'a FleetKey, store: &'a dyn FleetStore) -> FleetMembership<'a> {
    FleetMembership { key, store, entropy: &KernelEntropy }
}

/// Returns the records and the ledger of this host.
fn side(context: &Context) -> HostSide<'_> {
    HostSide { records: &context.machine.records, ledger: &context.machine.ledger }
}

/// Returns the shared records of this host. Prints a warning for each record that cannot be read, except with `--json`.
fn shared(context: &Context, key: &FleetKey) -> Result<SharedUsers, CliError> {
    let found = shared_users(&context.machine.records, key, context.policy.fleet.lowest_uid)?;
    for user in found.unreadable.iter().filter(|_| !context.json) {
        let user = plain(user);
        let said = format!(
            "warning: the record of {user} cannot be read and is left out; twinlock status {user} says why"
        );
        tell(&format!("{}\n", wrap(&said, WIDTH, 2)));
    }
    Ok(found)
}

/// Returns whether the settings require an account to have the same user id on all hosts.
fn same_uids(context: &Context) -> bool {
    context.policy.fleet.uids == FleetUids::Same
}

/// Returns what the administrator has to do before logins use the fleet; empty if they already do.
fn next_step(context: &Context) -> &'static str {
    if context.policy.fleet.is_on {
        return "";
    }
    " Now add `enabled = true` to the section [fleet] of twinlock.toml, then run: twinlock settings apply"
}
