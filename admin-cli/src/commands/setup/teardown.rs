//! `teardown SERVICE`: removes what setup has written into the files of a service.

use std::path::Path;

use serde_json::json;
use twinlock_setup::{
    plan::{self, FileChange},
    replace::{self, Attributes, FileContent},
    saved::{FOLDER, SavedFile, SavedFolder},
};

use crate::{
    authorize::authorizer::Authorizer,
    cli::Teardown,
    commands::setup::{
        future, host, no_plan, preview, reload, service, undo, units, waiting::any_waits,
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
    let folder = SavedFolder::of(Path::new(FOLDER), name);
    let waits = folder.waits().unwrap_or(true);
    let changes = plan::teardown(&host(), &service).map_err(|error| no_plan(&error))?;
    if wanted.dry_run {
        return preview::diff(context, &changes);
    }
    if changes.is_empty() && !waits {
        // An earlier run may have been killed after the last file was written.
        folder.tidy();
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
        agree(&mut keyboard, name)?;
    }
    if waits {
        undo::put_back(context, name)?;
    }
    // The restored files may contain the lines of an earlier setup.
    let changes = plan::teardown(&host(), &service).map_err(|error| no_plan(&error))?;
    write(&changes)?;
    let reloaded = if service.is_ssh() { reload::sshd() } else { Ok(()) };
    folder.forget();
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

fn agree(keyboard: &mut Keyboard, name: &str) -> Result<(), CliError> {
    let said = format!("Logins through {name} will need no code any more.");
    tell(&format!("{}\n", wrap(&said, WIDTH, 0)));
    match keyboard.ask("Type the name of the service to continue: ")? {
        InputLine::Typed(line) if line.trim() == name => Ok(()),
        InputLine::Typed(_) | InputLine::End | InputLine::Interrupted => Err(CliError::new(
            Exit::Interrupted,
            "stopped; nothing was changed",
            "If there is no terminal, give --yes.",
        )),
    }
}

/// Writes the files as they are without setup's lines, and removes the files that setup created. Fails if a file has
/// changed since it was read.
fn write(changes: &[FileChange]) -> Result<(), CliError> {
    for change in changes {
        replace::sweep(&change.path);
        let failed = |error: std::io::Error| {
            let what = format!("{} cannot be written ({})", change.path, plain(&error.to_string()));
            CliError::new(Exit::StoreUnreachable, what, "Check the disk, and run it again.")
        };
        let now = replace::read(&change.path).map_err(failed)?;
        if now.as_ref().map(|now| now.bytes.as_slice())
            != change.before.as_deref().map(str::as_bytes)
        {
            return Err(failed(std::io::Error::other("it is being changed")));
        }
        let attributes = now.as_ref().map_or(Attributes::NEW, |now| now.attributes);
        let after = change.after.as_ref();
        let after = after.map(|text| FileContent { bytes: text.clone().into_bytes(), attributes });
        SavedFile { path: change.path.clone(), before: now, after }.put().map_err(failed)?;
    }
    Ok(())
}
