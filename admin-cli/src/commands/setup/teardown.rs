//! `teardown SERVICE`: removes what setup has written into the files of a service.

use std::{io, path::Path};

use serde_json::json;
use twinlock_setup::{
    plan::{self, FileChange},
    replace::{self, Attributes, FileContent},
    saved::{FOLDER, SavedFile, SavedFolder},
    wishes::ServiceName,
};

use crate::{
    authorize::authorizer::Authorizer,
    cli::Teardown,
    commands::setup::{
        future, host, no_plan, preview, reload, service, undo, units,
        waiting::{any_waits, overlapping},
        way_in,
    },
    context::Context,
    error::exit::{CliError, Exit},
    terminal::keyboard::{InputLine, Keyboard, tell},
    text::{WIDTH, plain, wrap},
};

/// Removes what setup has written. If a change waits for its confirmation, first restores the old files.
pub(crate) fn run(context: &Context, wanted: &Teardown) -> Result<(), CliError> {
    context.need_root("tear down services")?;
    let service = service(&wanted.service)?;
    let name = service.as_str();
    let authorizer = Authorizer::of(context)?;
    let waiting = waiting(&service)?;
    let changes = planned(&service)?;
    if wanted.dry_run {
        return preview::diff(context, &changes);
    }
    if changes.is_empty() && waiting.is_empty() {
        // An earlier run may have been killed after the last file was written.
        folder(name).tidy();
        let said = format!("{name} has nothing that setup has written; nothing was changed.");
        context.say(&said, json!({ "service": name, "changed": [] }));
        return Ok(());
    }
    if service.is_ssh() {
        must_start(&changes)?;
    }
    let mut keyboard = Keyboard::open()?;
    let by = authorizer.prove(context, &mut keyboard)?;
    if !wanted.yes {
        agree(&mut keyboard, &service, &changes)?;
    }
    for name in &waiting {
        undo::put_back(context, name)?;
    }
    // The restored files may contain the lines of an earlier setup.
    let changes = planned(&service)?;
    write(&changes)?;
    let reloaded = if service.is_ssh() { reload::sshd() } else { Ok(()) };
    forget(&service);
    units::stop_timer_unless(any_waits());
    by.log(context, "service_torn_down", &[("service", name)]);
    by.tell_root_of_change(context);
    reloaded.map_err(|error| {
        let what = format!("the files of {name} are changed, but {}", plain(&error));
        CliError::new(Exit::StoreUnreachable, what, "Run: systemctl reload ssh")
    })?;
    report(context, name, &changes);
    Ok(())
}

fn folder(name: &str) -> SavedFolder {
    SavedFolder::of(Path::new(FOLDER), name)
}

/// Returns the names of the changes that wait for their confirmation and must be put back first: that of the service,
/// and with `root` those of its parts.
///
/// # Errors
/// [`CliError`] if the service is only a part of a change that waits.
fn waiting(service: &ServiceName) -> Result<Vec<String>, CliError> {
    let names = overlapping(service);
    match names.iter().find(|name| *name != service.as_str() && !service.is_root()) {
        None => Ok(names),
        Some(whole) => Err(CliError::new(
            Exit::NotInState,
            format!(
                "a change of {whole}, of which {} is a part, waits for its confirmation; nothing was changed",
                service.as_str()
            ),
            format!("Confirm it from a second login, or put it back: twinlock teardown {whole}"),
        )),
    }
}

/// Returns the changes of a teardown, with the present files of the host.
fn planned(service: &ServiceName) -> Result<Vec<FileChange>, CliError> {
    let mut changes = plan::teardown(&host(), service).map_err(|error| no_plan(&error))?;
    let of_sudo = plan::plan_sudoers(&host(), service, None).map_err(|error| no_plan(&error))?;
    changes.extend(of_sudo);
    Ok(changes)
}

/// Removes the copies of confirmed changes, with `root` also those of its parts.
fn forget(service: &ServiceName) {
    folder(service.as_str()).forget();
    for part in service.parts() {
        folder(part.as_str()).forget();
    }
}

fn report(context: &Context, name: &str, changes: &[FileChange]) {
    let files: Vec<&str> = changes.iter().map(|change| change.path.as_str()).collect();
    let said = format!("{name} asks for no code of twinlock's any more: {}.", files.join(", "));
    context.say(&said, json!({ "service": name, "changed": files }));
}

/// Checks that sshd accepts its files after the teardown.
fn must_start(changes: &[FileChange]) -> Result<(), CliError> {
    let Ok(Some(said)) = future(changes).complaint() else { return Ok(()) };
    let said = plain(said.trim());
    Err(CliError::new(
        Exit::NotInState,
        format!("sshd would not start with the old files: {said}; nothing was changed"),
        "Correct what sshd reports, and run it again.",
    ))
}

fn agree(
    keyboard: &mut Keyboard,
    service: &ServiceName,
    changes: &[FileChange],
) -> Result<(), CliError> {
    let ways = way_in::services(service, changes.iter().map(|one| one.path.as_str()));
    let through = way_in::listed(service, &ways);
    let said = format!("Logins through {through} will need no code any more.");
    tell(&format!("{}\n", wrap(&said, WIDTH, 0)));
    match keyboard.ask("Type the name of the service to continue: ")? {
        InputLine::Typed(line) if line.trim() == service.as_str() => Ok(()),
        InputLine::Typed(_) | InputLine::End | InputLine::Interrupted => Err(CliError::new(
            Exit::Interrupted,
            "stopped; nothing was changed",
            "If there is no terminal, give --yes.",
        )),
    }
}

/// Writes the files as they are without setup's lines, and removes the files that setup created. Fails if a file has
/// changed since it was read. If a file cannot be written, those before it are restored, so that no service is torn down
/// without the others.
fn write(changes: &[FileChange]) -> Result<(), CliError> {
    let mut written: Vec<SavedFile> = Vec::new();
    for change in changes {
        match write_one(change) {
            Ok(file) => written.push(file),
            Err(error) => {
                let failed =
                    format!("{} cannot be written ({})", change.path, plain(&error.to_string()));
                let remedy = "Check the disk, and run it again.";
                let what = match restored(written).as_slice() {
                    [] => format!("{failed}; nothing was changed"),
                    left => format!("{failed}; without a code by now: {}", left.join(", ")),
                };
                return Err(CliError::new(Exit::StoreUnreachable, what, remedy));
            }
        }
    }
    Ok(())
}

/// Writes the files of `written` as they were before. Returns the paths of those that cannot be restored.
fn restored(written: Vec<SavedFile>) -> Vec<String> {
    let back = |file: SavedFile| {
        let path = file.path.clone();
        let back = SavedFile { before: file.after, after: file.before, path: file.path };
        back.put().is_err().then_some(path)
    };
    written.into_iter().rev().filter_map(back).collect()
}

/// Writes one file, and returns its old and new content.
fn write_one(change: &FileChange) -> io::Result<SavedFile> {
    replace::sweep(&change.path);
    let now = replace::read(&change.path)?;
    if now.as_ref().map(|now| now.bytes.as_slice()) != change.before.as_deref().map(str::as_bytes) {
        return Err(io::Error::other("it is being changed"));
    }
    let attributes = now.as_ref().map_or(Attributes::NEW, |now| now.attributes);
    let after = change.after.as_ref();
    let after = after.map(|text| FileContent { bytes: text.clone().into_bytes(), attributes });
    let file = SavedFile { path: change.path.clone(), before: now, after };
    file.put()?;
    Ok(file)
}
