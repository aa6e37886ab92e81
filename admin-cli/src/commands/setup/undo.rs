//! `setup undo`: restores the old files of changes that nobody has confirmed. systemd runs it by a timer, and at boot
//! before sshd.

use std::{io, path::Path};

use serde_json::json;
use twinlock_core::{
    base::request::Source,
    event::log_line,
    notify::notification::{Notification, NotificationKind},
    ports::{Clock, Outbox},
};
use twinlock_host::{clock::KernelClock, journal::Severity};
use twinlock_setup::saved::{FOLDER, Phase, PutBack, Saved, SavedFolder};

use crate::{
    cli::Command,
    commands::setup::{
        reload, units,
        waiting::{any_waits, boot_id, boot_seconds},
    },
    context::Context,
    error::exit::{CliError, Exit},
    terminal::keyboard::tell,
    text::{WIDTH, plain, wrap},
};

/// Restores the old files of each change whose time is over or that was made before the last boot. Other changes stay,
/// because only `twinlock teardown`, which asks for a code, may restore their files. If `at_boot` is set, sshd does not
/// run yet.
pub(crate) fn run(command: &Command, at_boot: bool) -> Result<(), CliError> {
    let context = Context::open_to_mend(command)?;
    context.need_root("put back changes")?;
    let all = Path::new(FOLDER);
    let services = SavedFolder::services(all).map_err(|error| failed("*", &error))?;
    let (mut first, mut done) = (None, Vec::new());
    for service in services {
        let folder = SavedFolder::of(all, &service);
        folder.sweep();
        let due = match folder.load(Phase::Pending) {
            Ok(Some(saved)) => is_over(&saved),
            Ok(None) => true,
            Err(error) => {
                first = first.or(Some(failed(&service, &error)));
                continue;
            }
        };
        if due {
            match put_back_then(&context, &service, at_boot) {
                Ok(true) => done.push(service),
                Ok(false) => {}
                Err(failure) => first = first.or(Some(failure)),
            }
        }
    }
    units::stop_timer_unless(any_waits());
    if context.json && first.is_none() {
        context.say("", json!({ "put_back": done }));
    }
    first.map_or(Ok(()), Err)
}

/// Returns whether the change has waited long enough, or whether the host was booted after the change.
fn is_over(saved: &Saved) -> bool {
    let waiting = &saved.waiting;
    let over = KernelClock.now().map_or(true, |now| boot_seconds(now) >= waiting.until);
    over || waiting.boot != boot_id()
}

/// Restores the old files of the service's pending change, logs this and mails root. If no change is pending, does
/// nothing.
///
/// # Errors
/// [`CliError`] if a file cannot be written. The next run continues.
pub(super) fn put_back(context: &Context, service: &str) -> Result<(), CliError> {
    put_back_then(context, service, false).map(drop)
}

/// Restores the old files of the service's pending change, logs this and mails root. Returns whether there was such a
/// change. With `at_boot`, sshd does not run yet, and is not told to read the restored files.
fn put_back_then(context: &Context, service: &str, at_boot: bool) -> Result<bool, CliError> {
    let folder = SavedFolder::of(Path::new(FOLDER), service);
    let Some(saved) = folder.begin_undo().map_err(|error| failed(service, &error))? else {
        return Ok(false);
    };
    let done = folder.put_back(&saved).map_err(|error| failed(service, &error))?;
    let reloads = service == "ssh" && !at_boot;
    let reloaded = if reloads { reload::sshd() } else { Ok(()) };
    report(context, service, &done);
    folder.end_undo().map_err(|error| failed(service, &error))?;
    reloaded.map_err(|error| {
        let what = format!("the old files of {service} are in place, but {}", plain(&error));
        CliError::new(Exit::StoreUnreachable, what, "Run: systemctl reload ssh")
    })?;
    Ok(true)
}

fn report(context: &Context, service: &str, done: &[PutBack]) {
    let kept: Vec<String> = done
        .iter()
        .filter_map(|one| Some(format!("{}: {}", one.path, one.kept.as_ref()?.display())))
        .collect();
    let count = kept.len().to_string();
    let line =
        log_line::of_administration("service_put_back", &[("service", service), ("kept", &count)]);
    context.machine.journal.send(Severity::Critical, &line);
    for one in &kept {
        let line = log_line::of_administration("file_kept", &[("file", one)]);
        context.machine.journal.send(Severity::Critical, &line);
    }
    let at = KernelClock.now().map(|now| now.unix).unwrap_or_default();
    context.machine.outbox.put(&Notification {
        user: "root".to_owned(),
        kind: NotificationKind::HostChanged,
        at,
        service: format!("twinlock setup {service}: put back"),
        source: Source::Unknown.label(),
        by: None,
        left: None,
        life: None,
        to: Some("root".to_owned()),
    });
    let mut said = format!("The old files of {service} are in force again.");
    if !kept.is_empty() {
        said.push_str(&format!(
            " Others have changed files meanwhile; their versions are kept: {}.",
            plain(&kept.join(", "))
        ));
    }
    tell(&format!("{}\n", wrap(&said, WIDTH, 0)));
}

fn failed(service: &str, error: &io::Error) -> CliError {
    let what = format!(
        "the change of {} cannot be put back: {}",
        plain(service),
        plain(&error.to_string())
    );
    let remedy =
        format!("Check the disk, and run `twinlock setup undo`. The old files are below {FOLDER}.");
    CliError::new(Exit::StoreUnreachable, what, remedy)
}
