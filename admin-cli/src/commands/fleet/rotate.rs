//! `twinlock fleet rotate`: replaces the sealing key in steps. Between the steps, an administrator copies the key file
//! to every host, and logins still work.

use serde_json::json;
use twinlock_host::{
    entropy::KernelEntropy,
    fleet::{
        key_file::FleetKey,
        membership::{
            DaemonReport, FleetHostReport, FleetMembership, Resealed, with_next_key,
            without_old_keys,
        },
    },
};

use crate::{
    authorize::authorizer::Authorizer,
    commands::fleet::{key_access, membership, socket, upload::in_part},
    context::Context,
    error::exit::{CliError, Exit},
    terminal::keyboard::Keyboard,
    text::{count, plain},
};

/// Adds a sealing key. Until [`finish`] runs, values are still sealed with the previous key.
pub(super) fn begin(context: &Context) -> Result<(), CliError> {
    let authorizer = Authorizer::of(context)?;
    let key = key_access::read(context)?;
    if key.sealing.last().is_some_and(|last| last.id != key.seals_with) {
        return Err(CliError::new(
            Exit::NotInState,
            "a new sealing key was added already",
            next_step(&key),
        ));
    }
    let more = with_next_key(&key, &KernelEntropy)?;
    let by = authorizer.prove(context, &mut Keyboard::open()?)?;
    key_access::replace(context, &more)?;
    let id = newest(&more);
    by.log(context, "fleet_key_added", &[("fleet", &key.fleet), ("key", &id.to_string())]);
    by.tell_root_of_change(context);
    let said = format!(
        "Sealing key {id} was added to {}. {}",
        key_access::path(context),
        next_step(&more)
    );
    context.say(&said, json!({ "key": id, "state": "added", "entries": 0, "left": 0 }));
    Ok(())
}

/// Returns what the administrator has to do after a key was added.
pub(super) fn next_step(key: &FleetKey) -> String {
    let ids: Vec<String> = key.sealing.iter().map(|one| one.id.to_string()).collect();
    format!(
        "Copy fleet.key to every host, set `key_ids = [{}]` in each /etc/twinlock/fleet.toml, restart twinlock-fleet there, wait a minute, and run: twinlock fleet rotate --finish",
        ids.join(", ")
    )
}

fn newest(key: &FleetKey) -> u8 {
    key.sealing.last().map_or(0, |last| last.id)
}

/// Seals all entries with the newest key once every host has that key, and removes older keys from the key file once no
/// entry needs them.
pub(super) fn finish(context: &Context) -> Result<(), CliError> {
    let authorizer = Authorizer::of(context)?;
    let old = key_access::read(context)?;
    let socket = socket();
    DaemonReport::ask(&socket)?;
    if old.sealing.len() == 1 {
        let what = format!("there is only sealing key {}", newest(&old));
        return Err(CliError::new(Exit::NotInState, what, "To add one: twinlock fleet rotate"));
    }
    let id = newest(&old);
    every_host_must_have(&membership(&old, &socket), id)?;
    let by = authorizer.prove(context, &mut Keyboard::open()?)?;
    let mut key = FleetKey::read(&old.write())?;
    let is_first = key.seals_with != id;
    key.seals_with = id;
    let word = id.to_string();
    let pairs = [("fleet", key.fleet.as_str()), ("key", word.as_str())];
    if is_first {
        key_access::replace(context, &key)?;
        by.log(context, "fleet_key_in_force", &pairs);
        by.tell_root_of_change(context);
    }
    let fleet = membership(&key, &socket);
    name_key(&fleet, id)?;
    let done = fleet.reseal().map_err(|fault| in_part(fault.into()))?;
    // Other hosts seal with the old key until they have this key file.
    let is_dropped = !is_first && done.entries == 0 && done.left == 0;
    if is_dropped {
        key_access::replace(context, &without_old_keys(&key)?)?;
        by.log(context, "fleet_key_dropped", &pairs);
        by.tell_root_of_change(context);
    }
    let state = if is_dropped { "dropped" } else { "in_force" };
    let object = json!({ "key": id, "state": state, "entries": done.entries, "left": done.left });
    context.say(&said(id, is_dropped, done), object);
    Ok(())
}

fn said(id: u8, is_dropped: bool, done: Resealed) -> String {
    if is_dropped {
        return format!(
            "Nothing in etcd needs an older sealing key than {id}. They were deleted from fleet.key: copy it to every host, set `key_ids = [{id}]` in each /etc/twinlock/fleet.toml, and restart twinlock-fleet there."
        );
    }
    let Resealed { entries, left } = done;
    let entries =
        if entries == 1 { "1 entry was".into() } else { format!("{entries} entries were") };
    format!(
        "{entries} sealed with key {id}; {left} still need an older key. Copy fleet.key to every host now, so that each seals with key {id}. Attempts expire within 72 hours: after that, run twinlock fleet rotate --finish again, which drops the older keys."
    )
}

/// Adds the number of the current sealing key to the description of the fleet, unless the description contains it.
fn name_key(fleet: &FleetMembership<'_>, id: u8) -> Result<(), CliError> {
    let Some(found) = fleet.meta()? else { return Ok(()) };
    if found.meta.key_ids.contains(&id) {
        return Ok(());
    }
    let mut meta = found.meta;
    meta.key_ids.push(id);
    // Another host that has just done the same is as good.
    fleet.put_meta(&meta, Some(found.revision))?;
    Ok(())
}

fn every_host_must_have(fleet: &FleetMembership<'_>, id: u8) -> Result<(), CliError> {
    let hosts = fleet.hosts()?;
    let lacks = |host: &&FleetHostReport| !host.key_ids.contains(&id.into());
    let lacking: Vec<String> = hosts.iter().filter(lacks).map(|host| plain(&host.name)).collect();
    if lacking.is_empty() {
        return Ok(());
    }
    let what = format!(
        "{} without sealing key {id}: {}; nothing was changed",
        count(lacking.len(), "host"),
        lacking.join(", ")
    );
    let remedy = "Copy fleet.key there, add the number to `key_ids` in /etc/twinlock/fleet.toml, restart twinlock-fleet, and wait a minute. A host that is gone: twinlock fleet leave --stolen HOST";
    Err(CliError::new(Exit::NotInState, what, remedy))
}
