//! `setup --dry-run`, `--print` and `--check`: show what would be changed. Files are read and written with the rights
//! of the invoking user.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

use serde_json::json;
use twinlock_core::base::time::UnixTime;
use twinlock_host::invoking_user::{InvokingUser, run_as};
use twinlock_setup::{
    plan::{self, FileChange, PlanError},
    wishes::Wishes,
};

use crate::{
    cli::setup::Preview,
    commands::setup::{future, host, no_plan, sudo_time},
    context::Context,
    error::exit::{CliError, Exit},
    text::plain,
};

/// Shows what would be changed: as a diff, as the new files, or as the result of a check, depending on the arguments.
pub(super) fn run(context: &Context, wishes: &Wishes, preview: &Preview) -> Result<(), CliError> {
    let user = InvokingUser::find().map_err(|error| unknown(&error.to_string()))?;
    let now = context.now()?.unix;
    let planned = run_as(user.as_ref(), || planned(wishes, now));
    let planned = planned.map_err(|errno| unknown(&errno.to_string()))?;
    // The folder of sudo's files may be closed for the invoking user. Setup's file there holds no secret.
    let planned = planned.and_then(|mut changes| {
        changes.extend(sudo_time::planned(wishes)?);
        Ok(changes)
    });
    let changes = match planned {
        Ok(changes) => changes,
        // If the new files cannot be computed, the service is not set up as the arguments ask.
        Err(error) if preview.check => {
            let failure = no_plan(&error);
            return Err(CliError::new(Exit::Refused, failure.what, failure.remedy));
        }
        Err(error) => return Err(no_plan(&error)),
    };
    match (&preview.print, preview.check) {
        (Some(Some(folder)), _) => {
            let done = run_as(user.as_ref(), || print_below(folder, &changes));
            let done = done.map_err(io::Error::from).and_then(|done| done);
            done.map_err(|error| unwritten(folder, &error))?;
            let files = paths(&changes, |change| change.after.is_some());
            let said = format!(
                "Written below {}: {}.",
                plain(&folder.display().to_string()),
                files.join(", ")
            );
            context.say(&said, json!({ "folder": folder.display().to_string(), "files": files }));
            Ok(())
        }
        (Some(None), _) => print(context, &changes),
        (None, true) => check(context, wishes, &changes),
        (None, false) => diff(context, &changes),
    }
}

fn planned(wishes: &Wishes, now: UnixTime) -> Result<Vec<FileChange>, PlanError> {
    let changes = plan::plan(&host(), wishes, now)?;
    if wishes.service.is_ssh() {
        plan::check_sshd(&future(&changes), wishes.with)?;
    }
    Ok(changes)
}

fn paths(changes: &[FileChange], which: impl Fn(&FileChange) -> bool) -> Vec<String> {
    changes.iter().filter(|one| which(one)).map(|one| one.path.clone()).collect()
}

/// Prints the changes as a unified diff.
pub(super) fn diff(context: &Context, changes: &[FileChange]) -> Result<(), CliError> {
    if context.json {
        let one = |change: &FileChange| json!({ "path": change.path, "diff": change.diff() });
        let changed = changes.iter().filter(|change| change.changes());
        context.say("", json!({ "changes": changed.map(one).collect::<Vec<_>>() }));
        return Ok(());
    }
    context.print(&changes.iter().map(FileChange::diff).collect::<String>())
}

fn print(context: &Context, changes: &[FileChange]) -> Result<(), CliError> {
    if context.json {
        let one = |change: &FileChange| json!({ "path": change.path, "text": change.after });
        context.say("", json!({ "files": changes.iter().map(one).collect::<Vec<_>>() }));
        return Ok(());
    }
    for change in changes {
        let text = change.after.as_deref().unwrap_or_default();
        context.print(&format!("==> {} <==\n{text}\n", change.path))?;
    }
    Ok(())
}

fn check(context: &Context, wishes: &Wishes, changes: &[FileChange]) -> Result<(), CliError> {
    let differ = paths(changes, FileChange::changes);
    let service = wishes.service.as_str();
    if context.json {
        context.say(
            "",
            json!({ "service": service, "as_asked": differ.is_empty(), "differ": differ }),
        );
    }
    match differ.is_empty() {
        true if context.json => Ok(()),
        true => context.print(&format!("{service} is as asked.\n")),
        false if context.json => Err(CliError::told(Exit::Refused)),
        false => {
            let what = format!("{service} is not as asked: {} differs", differ.join(", "));
            Err(CliError::new(Exit::Refused, what, "Run the same command without --check."))
        }
    }
}

/// Writes the new files below a folder, with their absolute paths. If a file exists already, this is an error, and the
/// file is not overwritten.
fn print_below(folder: &Path, changes: &[FileChange]) -> io::Result<()> {
    for change in changes {
        let Some(text) = &change.after else { continue };
        let path = folder.join(change.path.trim_start_matches('/'));
        fs::create_dir_all(path.parent().unwrap_or(folder))?;
        File::create_new(&path).and_then(|mut file| file.write_all(text.as_bytes())).map_err(
            |error| io::Error::new(error.kind(), format!("{}: {error}", path.display())),
        )?;
    }
    Ok(())
}

fn unwritten(folder: &Path, error: &io::Error) -> CliError {
    let what = format!(
        "the files cannot be written below {} ({})",
        plain(&folder.display().to_string()),
        plain(&error.to_string())
    );
    CliError::new(
        Exit::Usage,
        what,
        "Name a new folder in your home folder. Files are made as the user who called sudo.",
    )
}

fn unknown(error: &str) -> CliError {
    CliError::new(
        Exit::NotAllowed,
        format!("the user who called this is unknown ({})", plain(error)),
        "Run twinlock directly with sudo, doas or pkexec, which set their variables.",
    )
}
