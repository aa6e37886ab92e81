//! `twinlock fleet recover`, `rejoin` and `upgrade`: repair a fleet after the store or a host was restored to an
//! earlier state, and raise the format of the store's entries.

use serde_json::json;
use twinlock_host::fleet::membership::{
    CompareView, Comparison, DaemonReport, LocalUser, UploadScope,
};

use crate::{
    authorize::authorizer::Authorizer,
    commands::fleet::{key_access, membership, shared, socket, upload},
    context::Context,
    error::exit::{CliError, Exit},
    terminal::keyboard::{Keyboard, tell},
    text::{count, plain},
};

/// Uploads what this host knows and a restored store has lost.
pub(super) fn recover(context: &Context) -> Result<(), CliError> {
    let authorizer = Authorizer::of(context)?;
    let key = key_access::read(context)?;
    let socket = socket();
    let report = DaemonReport::ask(&socket)?;
    let found = shared(context, &key)?;
    let by = authorizer.prove(context, &mut Keyboard::open()?)?;
    let fleet = membership(&key, &socket);
    fleet.rejoin()?;
    let meta = fleet.raise_epoch()?;
    by.log(context, "fleet_recovered", &[("fleet", &report.fleet), ("host", &report.host)]);
    by.tell_root_of_change(context);
    fleet.send_dummies().map_err(|fault| upload::in_part(fault.into()))?;
    let compared = fleet.compare(&found.users, CompareView::IsMember)?;
    upload::send(context, &fleet, &found.users, &compared, UploadScope::AllRecords)?;
    let sent = compared.only_here.len() + compared.newer_here.len();
    let conflicts = names(&found.users, &compared);
    let said = format!(
        "Epoch {} of the fleet {} has begun. {} sent up, {} the same, {} older here. Run twinlock fleet recover on every other host as well: each sends up what it alone knows.",
        meta.epoch,
        plain(&report.fleet),
        count(sent, "record"),
        compared.same.len(),
        compared.older_here.len()
    );
    let object = json!({
        "epoch": meta.epoch, "sent": sent, "same": compared.same.len(),
        "older_here": compared.older_here.len(), "conflicts": conflicts,
    });
    context.say(&said, object);
    none_may_conflict(context, &conflicts)
}

/// Makes the daemon accept the entry of this host as it is in the store, after the daemon had stopped.
pub(super) fn rejoin(context: &Context) -> Result<(), CliError> {
    let authorizer = Authorizer::of(context)?;
    let key = key_access::read(context)?;
    let socket = socket();
    let report = DaemonReport::ask(&socket)?;
    let found = shared(context, &key)?;
    let by = authorizer.prove(context, &mut Keyboard::open()?)?;
    let fleet = membership(&key, &socket);
    // Without this, the daemon of a host that has stopped reads nothing from the store.
    fleet.rejoin()?;
    by.log(context, "fleet_rejoined", &[("fleet", &report.fleet), ("host", &report.host)]);
    by.tell_root_of_change(context);
    let compared = fleet.compare(&found.users, CompareView::IsMember)?;
    let newer = compared.only_here.len() + compared.newer_here.len();
    let conflicts = names(&found.users, &compared);
    let said = if newer > 0 {
        format!(
            "{} is in the fleet {} again, but {} newer here than there, so etcd was restored, not this host. Logins of these users are refused until you run, on every host: twinlock fleet recover",
            plain(&report.host),
            plain(&report.fleet),
            if newer == 1 { "1 record is".into() } else { format!("{newer} records are") }
        )
    } else {
        format!("{} is in the fleet {} again.", plain(&report.host), plain(&report.fleet))
    };
    let object = json!({
        "host": report.host, "newer_here": newer, "same": compared.same.len(),
        "older_here": compared.older_here.len(), "conflicts": conflicts,
    });
    context.say(&said, object);
    if newer > 0 {
        return Err(CliError::told(Exit::Refused));
    }
    none_may_conflict(context, &conflicts)
}

fn names(users: &[LocalUser], found: &Comparison) -> Vec<String> {
    let users = found.conflicts.iter().filter_map(|one| users.get(one.user));
    users.map(|user| user.user.clone()).collect()
}

fn none_may_conflict(context: &Context, conflicts: &[String]) -> Result<(), CliError> {
    if conflicts.is_empty() {
        return Ok(());
    }
    if !context.json {
        let names: Vec<String> = conflicts.iter().map(|name| plain(name)).collect();
        tell(&format!(
            "Users with two different records of the same number: {}. Their logins are refused until you choose: twinlock fleet join --take store|local|merge\n",
            names.join(", ")
        ));
    }
    Err(CliError::told(Exit::Refused))
}

/// Prints the format of the store's entries. Only one format exists. A version with a second format will raise the
/// format here once the entry of each host lists it.
pub(super) fn upgrade(context: &Context) -> Result<(), CliError> {
    let key = key_access::read(context)?;
    let socket = socket();
    let lost = || {
        let what = "etcd does not describe the fleet any more";
        CliError::new(Exit::NotInState, what, "Run: twinlock fleet recover")
    };
    let format = membership(&key, &socket).meta()?.ok_or_else(lost)?.meta.format;
    let said = format!(
        "The fleet {} has format {format}, and this version of twinlock knows no newer one.",
        plain(&key.fleet)
    );
    context.say(&said, json!({ "format": format }));
    Ok(())
}
