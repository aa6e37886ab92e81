//! `twinlock fleet init`: creates a fleet with this host as its first member.

use serde_json::json;
use twinlock_core::base::error::FleetError;
use twinlock_host::{
    entropy::KernelEntropy,
    fleet::{
        key_file::{FleetKey, NamingRule},
        membership::{
            CompareView, DaemonReport, FleetMembership, SharedUsers, UploadScope, new_fleet_key,
        },
    },
};

use crate::{
    authorize::authorizer::Authorizer,
    cli::fleet::{FleetInit, NameRuleArg},
    commands::fleet::{
        entry::JoinedEntry, findings, key_access, membership, next_step, shared, socket, upload,
    },
    context::Context,
    error::exit::{CliError, Exit},
    terminal::keyboard::Keyboard,
    text::{count, plain},
};

/// Creates a fleet.
pub(super) fn run(context: &Context, wanted: &FleetInit) -> Result<(), CliError> {
    let authorizer = Authorizer::of(context)?;
    if key_access::exists(context) {
        return Err(key_access::taken(context));
    }
    let socket = socket();
    let report = DaemonReport::ask(&socket)?;
    name_must_fit(wanted, &report)?;
    let rule = match wanted.names {
        NameRuleArg::Exact => NamingRule::Exact,
        NameRuleArg::LowercaseWithoutDomain => NamingRule::LowercaseWithoutDomain,
    };
    let key = new_fleet_key(&report.fleet, rule, &KernelEntropy)?;
    let found = shared(context, &key)?;
    if let Some(problem) = findings::problems(context, &report, &found).first() {
        return Err(problem.error());
    }
    if wanted.dry_run {
        say(context, &report, &found, true);
        return Ok(());
    }
    let by = authorizer.prove(context, &mut Keyboard::open()?)?;
    by.is_still_first(context)?;
    let fleet = membership(&key, &socket);
    begin(context, &fleet, &report)?;
    by.log(context, "fleet_begun", &[("fleet", &report.fleet), ("host", &report.host)]);
    by.tell_root_of_change(context);
    fleet.send_dummies().map_err(|fault| unfinished(fault.into()))?;
    let compared = fleet.compare(&found.users, CompareView::Joins);
    let compared = compared.map_err(|fault| unfinished(fault.into()))?;
    upload::send(context, &fleet, &found.users, &compared, UploadScope::NewRecords)
        .map_err(unfinished)?;
    say(context, &report, &found, false);
    Ok(())
}

fn name_must_fit(wanted: &FleetInit, report: &DaemonReport) -> Result<(), CliError> {
    match &wanted.name {
        Some(name) if *name != report.fleet => Err(CliError::new(
            Exit::NotInState,
            format!("fleet.toml names the fleet {}, not {}", plain(&report.fleet), plain(name)),
            "Change `fleet` in /etc/twinlock/fleet.toml and restart twinlock-fleet, or leave out --name.",
        )),
        Some(_) | None => Ok(()),
    }
}

/// Writes the key file, and then the description of the fleet to the store. If the store already has a description,
/// removes the key file and this host's entry again.
fn begin(
    context: &Context,
    fleet: &FleetMembership<'_>,
    report: &DaemonReport,
) -> Result<(), CliError> {
    // The key is on disk before anything is sealed with it.
    key_access::create(context, fleet.key)?;
    let entry = JoinedEntry::ensure(fleet, report).inspect_err(|_| {
        let _ = key_access::remove(context);
    })?;
    match fleet.put_meta(&fleet.first_meta(), None) {
        Ok(true) => Ok(()),
        Ok(false) => {
            entry.take_back(fleet);
            key_access::remove(context)?;
            Err(begun_already(fleet.key))
        }
        // Whether the description was written is not known, so the key stays.
        Err(fault @ FleetError::Unreachable) => Err(unfinished(fault.into())),
        Err(fault) => {
            entry.take_back(fleet);
            key_access::remove(context)?;
            Err(CliError::from(fault).unchanged())
        }
    }
}

fn begun_already(key: &FleetKey) -> CliError {
    CliError::new(
        Exit::NotInState,
        format!("etcd has a fleet named {} already", plain(&key.fleet)),
        "Copy /etc/twinlock/fleet.key from one of its hosts (owner root, mode 0600), then run: twinlock fleet join",
    )
}

fn unfinished(failure: CliError) -> CliError {
    let remedy = format!("{} Then run: twinlock fleet join", failure.remedy);
    let what = format!("{}; the fleet has begun, and its key file stays", failure.what);
    CliError::new(failure.exit, what, remedy)
}

fn say(context: &Context, report: &DaemonReport, found: &SharedUsers, is_preview: bool) {
    let (fleet, host) = (plain(&report.fleet), plain(&report.host));
    let records = count(found.users.len(), "record");
    let path = key_access::path(context);
    let said = if is_preview {
        format!(
            "The fleet {fleet} would begin with the host {host}: {} would be written, and {records} sent up.",
            plain(&path)
        )
    } else {
        format!(
            "The fleet {fleet} has begun with the host {host}, and {records} are shared. Its key is {}: copy it to each further host (owner root, mode 0600), for example: scp -p {} HOST:/etc/twinlock/, and run there: twinlock fleet join.{}",
            plain(&path),
            plain(&path),
            next_step(context)
        )
    };
    let object = json!({
        "fleet": report.fleet, "host": report.host, "key": path, "records": found.users.len(),
        "dry_run": is_preview,
    });
    context.say(&said, object);
}
