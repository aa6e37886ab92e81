//! `twinlock fleet join`: adds this host to a fleet, or with `--check` reports whether this host could join.

mod conflicts;

use std::path::Path;

use serde_json::{Value, json};
use twinlock_core::{base::error::FleetError, record::enrollment::ChangeStamp};
use twinlock_host::{
    caller_file,
    fleet::{
        FleetStore,
        key_file::{FleetKey, KEY_FILE_MAX},
        membership::{
            CompareView, Comparison, ConflictChoice, ConflictSettler, DaemonReport,
            FleetMembership, PreviewStore, SharedUsers, UploadScope,
        },
        read_key,
    },
};

use crate::{
    authorize::authorizer::Authorizer,
    cli::fleet::{FleetJoin, TakeArg},
    commands::fleet::{
        OWNER,
        entry::{self, JoinedEntry},
        findings::{self, JoinProblem},
        key_access, membership, next_step, same_uids, shared, side, socket, upload,
    },
    context::Context,
    error::{
        caller_files::unreadable,
        exit::{CliError, Exit},
    },
    import::import_text,
    terminal::{keyboard::Keyboard, piped::Piped},
    text::{WIDTH, count, plain, wrap},
};

/// The key of the fleet, and standard input if the key was read from it.
struct JoinKey {
    key: FleetKey,
    /// Whether the key file of this host has yet to be written.
    is_new: bool,
    piped: Option<Piped>,
}

/// Values that the steps of `join` share.
struct JoinRun<'a> {
    context: &'a Context,
    fleet: &'a FleetMembership<'a>,
    report: &'a DaemonReport,
    shared: &'a SharedUsers,
}

/// Result of `join` or `join --check`: problems, conflicts and numbers of records.
#[derive(Default)]
struct JoinResult {
    problems: Vec<JoinProblem>,
    conflicts: Vec<Value>,
    sent: usize,
    same: usize,
    only_there: usize,
    settled: usize,
}

/// Adds this host to a fleet.
pub(super) fn run(context: &Context, wanted: &FleetJoin) -> Result<(), CliError> {
    let authorizer = Authorizer::of(context)?;
    let JoinKey { key, is_new, piped } = read(context, wanted.key.as_deref())?;
    let socket = socket();
    let report = DaemonReport::ask(&socket)?;
    let found = shared(context, &key)?;
    let preview = PreviewStore(&socket);
    // A check reads without the entry of this host, so that it writes nothing.
    let only_reads = wanted.check && report.stopped.is_some();
    let store: &dyn FleetStore = if only_reads { &preview } else { &socket };
    let fleet = membership(&key, store);
    let run = JoinRun { context, fleet: &fleet, report: &report, shared: &found };
    let mut problems = findings::problems(context, &report, &found);
    problems.extend(other_fleet(&key, &report));
    if wanted.check {
        return run.check(problems);
    }
    if let Some(problem) = problems.first() {
        return Err(problem.error());
    }
    let mut keyboard = match &piped {
        Some(piped) => piped.keyboard()?,
        None => Keyboard::open()?,
    };
    let by = authorizer.prove(context, &mut keyboard)?;
    by.is_still_first(context)?;
    let entry = JoinedEntry::ensure(&fleet, &report)?;
    let compared = run.compared().and_then(|compared| {
        conflicts::must_be_settled(context, &found.users, &compared, wanted.take)?;
        if is_new { key_access::create(context, &key).map(|()| compared) } else { Ok(compared) }
    });
    // Nothing of the fleet or of this host was changed, so the entry is taken back.
    let compared = compared.inspect_err(|_| entry.take_back(&fleet))?;
    by.log(context, "fleet_joined", &[("fleet", &report.fleet), ("host", &report.host)]);
    by.tell_root_of_change(context);
    let result = run.take_part(compared, wanted.take)?;
    run.say(&result, false);
    Ok(())
}

/// Reads the key of the fleet from the file `path` or from standard input (`-`); with `None`, from this host's key
/// file.
fn read(context: &Context, path: Option<&str>) -> Result<JoinKey, CliError> {
    let is_there = key_access::exists(context);
    let Some(path) = path else {
        return Ok(JoinKey { key: key_access::read(context)?, is_new: false, piped: None });
    };
    let (key, piped) = if path == "-" {
        let most = u64::try_from(KEY_FILE_MAX).unwrap_or(u64::MAX);
        let piped = Piped::read(most).map_err(|error| import_text::unreadable(error, "-"))?;
        (key_access::parsed(&piped.data)?, Some(piped))
    } else {
        let bytes = caller_file::read(Path::new(path), KEY_FILE_MAX);
        let remedy = "Name a copy of another host's fleet.key.";
        let bytes = bytes.map_err(|error| unreadable(path, &error, remedy))?;
        (key_access::parsed(std::str::from_utf8(&bytes).unwrap_or_default())?, None)
    };
    let own = is_there.then(|| read_key(&context.config, OWNER));
    match own {
        None => Ok(JoinKey { key, is_new: true, piped }),
        Some(Ok(own)) if *own.write() == *key.write() => Ok(JoinKey { key, is_new: false, piped }),
        Some(Ok(_) | Err(_)) => Err(key_access::taken(context)),
    }
}

fn other_fleet(key: &FleetKey, report: &DaemonReport) -> Option<JoinProblem> {
    let what = || {
        format!(
            "the key is that of the fleet {}, and fleet.toml names {}",
            plain(&key.fleet),
            plain(&report.fleet)
        )
    };
    let remedy = "Change `fleet` in /etc/twinlock/fleet.toml and restart twinlock-fleet, or give the key of that fleet.";
    (key.fleet != report.fleet).then(|| JoinProblem { what: what(), remedy })
}

impl JoinRun<'_> {
    /// Compares the records of this host with those of the store. Fails if the store has no description of the fleet,
    /// or if the key does not fit the description.
    fn compared(&self) -> Result<Comparison, CliError> {
        let meta = self.fleet.meta()?.ok_or_else(|| meta_is_missing(self.fleet.key))?;
        if meta.meta.rule != self.fleet.key.rule {
            return Err(FleetError::Key.into());
        }
        let view = match self.context.policy.fleet.is_on {
            true => CompareView::IsMember,
            false => CompareView::Joins,
        };
        Ok(self.fleet.compare(&self.shared.users, view)?)
    }

    /// Uploads the records that the store lacks or has in an older version, and resolves conflicts as `take` says.
    fn take_part(&self, found: Comparison, take: Option<TakeArg>) -> Result<JoinResult, CliError> {
        let (context, users) = (self.context, &self.shared.users);
        upload::send(context, self.fleet, users, &found, UploadScope::NewRecords)?;
        let mut result = JoinResult {
            sent: found.only_here.len() + found.newer_here.len(),
            same: found.same.len(),
            only_there: found.only_there,
            ..JoinResult::default()
        };
        let Some(take) = take else { return Ok(result) };
        let settler = settler(context, take, context.stamp()?);
        for conflict in &found.conflicts {
            let Some(local) = users.get(conflict.user) else { continue };
            let settled = settler.settle(local, conflict);
            let settled = settled.map_err(|fault| conflicts::unsettled(&local.user, fault))?;
            let written = self.fleet.write_settled(side(context), local, &settled);
            written.map_err(|fault| upload::in_part(fault.into()))?;
            result.settled += 1;
        }
        let of: Vec<usize> = found.conflicts.iter().map(|conflict| conflict.user).collect();
        let sent = self.fleet.send_steps(side(context), users, &of);
        sent.map_err(|fault| upload::in_part(fault.into()))?;
        Ok(result)
    }

    /// Reports whether this host could join. Writes nothing.
    fn check(&self, problems: Vec<JoinProblem>) -> Result<(), CliError> {
        let mut result = JoinResult { problems, ..JoinResult::default() };
        if result.problems.is_empty() {
            if self.report.stopped.is_some() && self.fleet.has_entry()? {
                return Err(entry::taken(&self.report.host));
            }
            let found = self.compared()?;
            result.sent = found.only_here.len() + found.newer_here.len();
            (result.same, result.only_there) = (found.same.len(), found.only_there);
            let conflicts = found.conflicts.iter();
            result.conflicts = conflicts
                .filter_map(|one| Some(conflicts::object(self.shared.users.get(one.user)?, one)))
                .collect();
            if !self.context.json {
                conflicts::print(&self.shared.users, &found);
            }
        }
        self.say(&result, true);
        let fits = result.problems.is_empty() && result.conflicts.is_empty();
        if fits { Ok(()) } else { Err(CliError::told(Exit::Refused)) }
    }

    fn say(&self, result: &JoinResult, is_check: bool) {
        let (fleet, host) = (plain(&self.report.fleet), plain(&self.report.host));
        let (sent, same) = (count(result.sent, "record"), result.same);
        let there = count(result.only_there, "record");
        let said = if !is_check {
            let settled = count(result.settled, "conflict");
            format!(
                "{host} has joined the fleet {fleet}: {sent} sent up, {same} the same, {settled} settled, {there} of users without a record here.{}",
                next_step(self.context)
            )
        } else if !result.problems.is_empty() {
            let problem = |one: &JoinProblem| {
                format!(
                    "{}\n{}",
                    wrap(&format!("- {}", one.what), WIDTH, 2),
                    wrap(one.remedy, WIDTH, 2)
                )
            };
            let list: Vec<String> = result.problems.iter().map(problem).collect();
            format!("{host} cannot join the fleet {fleet}:\n{}", list.join("\n"))
        } else if !result.conflicts.is_empty() {
            let conflicts = count(result.conflicts.len(), "user");
            format!(
                "{host} cannot join the fleet {fleet} as it is: {conflicts} with two different records. Choose which one is kept: twinlock fleet join --take store|local|merge"
            )
        } else {
            format!(
                "{host} can join the fleet {fleet}: {sent} would be sent up, {same} are the same, {there} of users without a record here."
            )
        };
        let problems: Vec<&str> = result.problems.iter().map(|one| one.what.as_str()).collect();
        let object = json!({
            "fleet": self.report.fleet, "host": self.report.host, "joined": !is_check,
            "sent": result.sent, "same": result.same, "only_there": result.only_there,
            "settled": result.settled, "problems": problems, "conflicts": result.conflicts,
        });
        if self.context.json || result.problems.is_empty() {
            self.context.say(&said, object);
        } else {
            // The list is wrapped already.
            let _ = self.context.print(&format!("{said}\n"));
        }
    }
}

fn settler(context: &Context, take: TakeArg, stamp: ChangeStamp) -> ConflictSettler {
    let choice = match take {
        TakeArg::Store => ConflictChoice::Store,
        TakeArg::Local => ConflictChoice::Local,
        TakeArg::Merge => ConflictChoice::Merge,
    };
    ConflictSettler { choice, same_uids: same_uids(context), stamp }
}

fn meta_is_missing(key: &FleetKey) -> CliError {
    CliError::new(
        Exit::NotInState,
        format!("etcd has no fleet named {}", plain(&key.fleet)),
        "If etcd was restored from a backup: twinlock fleet recover. To begin the fleet anew: delete /etc/twinlock/fleet.key, then run twinlock fleet init.",
    )
}
