//! `twinlock fleet leave`: removes this host from its fleet, or with `--stolen` another host that an attacker may have
//! taken.

use serde_json::json;
use twinlock_core::base::error::FleetError;
use twinlock_host::{
    entropy::KernelEntropy,
    fleet::membership::{DaemonReport, FleetMembership, with_next_key},
};

use crate::{
    authorize::authorizer::Authorizer,
    cli::PrivilegedArgs,
    commands::fleet::{key_access, membership, rotate, socket, upload::in_part},
    context::Context,
    error::exit::{CliError, Exit},
    terminal::keyboard::{InputLine, Keyboard, tell},
    text::{WIDTH, count, plain, wrap},
};

/// Removes this host from its fleet.
pub(super) fn run(context: &Context, privileged: &PrivilegedArgs) -> Result<(), CliError> {
    let authorizer = Authorizer::of(context)?;
    let key = key_access::read(context)?;
    let socket = socket();
    let report = DaemonReport::ask(&socket)?;
    let (name, host) = (plain(&report.fleet), plain(&report.host));
    let mut keyboard = Keyboard::open()?;
    let said = format!(
        "{host} leaves the fleet {name}. Its records stay here and in the fleet; they go separate ways from now on."
    );
    confirm(&mut keyboard, privileged, &said)?;
    let by = authorizer.prove(context, &mut keyboard)?;
    let is_deleted = membership(&key, &socket).leave()?;
    let removed = key_access::remove(context);
    by.log(context, "fleet_left", &[("fleet", &report.fleet), ("host", &report.host)]);
    by.tell_root_of_change(context);
    removed.map_err(|failure| failure.but("the entry of this host in etcd is deleted"))?;
    let other = if is_deleted {
        ""
    } else {
        " Its entry in etcd was written by another machine of this name, and stays."
    };
    let off = if context.policy.fleet.is_on {
        " Logins of shared users are refused until you set `enabled = false` in the section [fleet] of twinlock.toml and run: twinlock settings apply"
    } else {
        ""
    };
    context.say(
        &format!("{host} has left the fleet {name}.{other}{off}"),
        json!({ "fleet": report.fleet, "host": report.host, "disclosed": null, "key": null }),
    );
    tell_credentials(context, &report.host);
    Ok(())
}

/// Removes another host from the fleet, adds a sealing key, and marks the keys of all users as disclosed, because an
/// attacker may have read them.
pub(super) fn stolen(
    context: &Context,
    host: &str,
    privileged: &PrivilegedArgs,
) -> Result<(), CliError> {
    let authorizer = Authorizer::of(context)?;
    let key = key_access::read(context)?;
    let socket = socket();
    let report = DaemonReport::ask(&socket)?;
    let fleet = membership(&key, &socket);
    must_be_another(&fleet, &report, host)?;
    let more = with_next_key(&key, &KernelEntropy)?;
    let mut keyboard = Keyboard::open()?;
    let said = format!(
        "{} is taken out of the fleet {}, a new sealing key is added, and every user of the fleet is asked to replace the key of the app at the next logins.",
        plain(host),
        plain(&report.fleet)
    );
    confirm(&mut keyboard, privileged, &said)?;
    tell_credentials(context, host);
    let by = authorizer.prove(context, &mut keyboard)?;
    fleet.drop_host(host)?;
    key_access::replace(context, &more).map_err(in_part)?;
    by.log(context, "fleet_host_stolen", &[("fleet", &report.fleet), ("host", host)]);
    by.tell_root_of_change(context);
    let audit = by.audit(context.now()?.unix);
    let marked = fleet.mark_disclosed(&audit).map_err(|fault| in_part(fault.into()))?;
    let id = more.sealing.last().map_or(0, |last| last.id);
    context.say(
        &format!(
            "{} is out of the fleet {}, and the keys of {} count as disclosed. {}",
            plain(host),
            plain(&report.fleet),
            count(marked, "user"),
            rotate::next_step(&more)
        ),
        json!({ "fleet": report.fleet, "host": host, "disclosed": marked, "key": id }),
    );
    Ok(())
}

fn must_be_another(
    fleet: &FleetMembership<'_>,
    report: &DaemonReport,
    host: &str,
) -> Result<(), CliError> {
    if host == report.host {
        let what = format!("{} is this host", plain(host));
        let remedy =
            "Run it on another host of the fleet; to leave with this one: twinlock fleet leave";
        return Err(CliError::new(Exit::Usage, what, remedy));
    }
    let hosts = fleet.hosts().map_err(|fault: FleetError| CliError::from(fault))?;
    if hosts.iter().any(|one| one.name == host) {
        return Ok(());
    }
    let names: Vec<String> = hosts.iter().map(|one| plain(&one.name)).collect();
    let what = format!("the fleet has no host {}", plain(host));
    let remedy = format!("Its hosts: {}.", names.join(", "));
    Err(CliError::new(Exit::NotInState, what, remedy))
}

/// Prints the commands with which an administrator of etcd ends the access of a removed host to etcd.
fn tell_credentials(context: &Context, host: &str) {
    if context.json {
        return;
    }
    let host = plain(host);
    let said = "On a server of etcd, delete the user of that host, which acts at once, and revoke its certificate:";
    tell(&format!(
        "{}\n  etcdctl user delete {host}\n  openssl ca -config ca.cnf -revoke {host}.pem\n  openssl ca -config ca.cnf -gencrl -out ca.crl\n",
        wrap(said, WIDTH, 0)
    ));
}

/// Prints what the command will do, and asks the user to type yes.
fn confirm(
    keyboard: &mut Keyboard,
    privileged: &PrivilegedArgs,
    said: &str,
) -> Result<(), CliError> {
    if privileged.yes {
        return Ok(());
    }
    tell(&format!("{}\n", wrap(said, WIDTH, 0)));
    match keyboard.ask("Type yes to continue: ")? {
        InputLine::Typed(line) if line.trim() == "yes" => Ok(()),
        InputLine::Typed(_) | InputLine::End | InputLine::Interrupted => Err(CliError::new(
            Exit::Interrupted,
            "stopped; nothing was changed",
            "If there is no terminal, give --yes.",
        )),
    }
}
