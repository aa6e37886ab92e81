//! `setup SERVICE`: lets doctor judge the new files, tries logins with them, writes them, and starts the timer that
//! restores the old files if nobody confirms the change.

use std::{io, path::Path};

use serde_json::json;
use twinlock_core::{base::time::UnixTime, policy::settings::values::seconds_of};
use twinlock_setup::{
    plan::{self, FileChange, PlanError},
    replace::{self, Attributes, FileContent},
    saved::{self, FOLDER, InForce, Saved, SavedFile, SavedFolder, WaitingChange},
    sudoers,
    wishes::{ServiceName, Wishes},
};

use crate::{
    authorize::authorizer::{Authorized, Authorizer},
    cli::Setup,
    commands::setup::{
        agree, future,
        future_rules::future_rules,
        host, judge, no_plan,
        parts::{self, ServicePart},
        reload, robots, sudo_time, undo, units,
        waiting::{any_waits, audit_session, boot_id, boot_seconds, overlapping},
        way_in,
    },
    context::Context,
    error::exit::{CliError, Exit},
    terminal::keyboard::{Keyboard, tell},
    text::{WIDTH, plain, time_of_day, wrap},
};

/// Minimum and maximum time for a confirmation, in seconds.
const WITHIN: std::ops::RangeInclusive<u64> = 60..=86_400;

/// How long a change waits for its confirmation.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wait {
    /// The change waits for this number of seconds.
    Seconds(u64),
    /// The change does not wait: it is final at once.
    Not,
}

/// Sets up the service with the factors that `wishes` names.
pub(super) fn run(context: &Context, wishes: &Wishes, wanted: &Setup) -> Result<(), CliError> {
    let wait = wait(wanted)?;
    let authorizer = Authorizer::of(context)?;
    let service = &wishes.service;
    must_not_wait(service)?;
    let now = context.now()?.unix;
    let changes = planned(wishes, now).map_err(|error| no_plan(&error))?;
    if !changes.iter().any(FileChange::changes) {
        let name = service.as_str();
        let said = format!("{name} is as asked; nothing was changed.");
        context.say(&said, json!({ "service": name, "changed": [], "word": null }));
        return Ok(());
    }
    let parts = examined(context, wishes, &changes, wanted)?;
    let mut keyboard = Keyboard::open()?;
    agree::ask(&mut keyboard, &parts::open_ways(&parts), wanted.exceptions.yes)?;
    let by = authorizer.prove(context, &mut keyboard)?;
    drop(keyboard);
    let tried = match wanted.way_back.unproven {
        true => 0,
        false => parts::prove(context, &parts, &changes)?,
    };
    say(context, &said_of_trials(service, tried));
    let change = NewChange { context, service, changes: &changes };
    change.write(wait)?;
    if let Some(said) = sudo_time::said(wishes) {
        say(context, &said);
    }
    change.report(&by, wait)
}

/// Returns the new files, and checks those of sudo.
fn planned(wishes: &Wishes, now: UnixTime) -> Result<Vec<FileChange>, PlanError> {
    let mut changes = plan::plan(&host(), wishes, now)?;
    changes.extend(sudo_time::planned(wishes)?);
    sudo_time::check(wishes)?;
    Ok(changes)
}

/// Checks the new files and the users of each service before anything is asked or written.
fn examined(
    context: &Context,
    wishes: &Wishes,
    changes: &[FileChange],
    wanted: &Setup,
) -> Result<Vec<ServicePart>, CliError> {
    let rules = future_rules(context, changes)?;
    judge::must_be_closed(&future(changes), wishes, &rules)?;
    let parts = parts::read(context, wishes, &rules)?;
    for part in &parts {
        robots::check(wishes, &future(changes), &part.people)?;
        part.people.must_not_be_locked_out(context, wanted.not_enrolled.as_deref())?;
    }
    Ok(parts)
}

/// Returns the sentence about the number of test logins.
fn said_of_trials(service: &ServiceName, tried: usize) -> String {
    if tried == 0 {
        return "The new files were not tried.".to_owned();
    }
    let own = ["ssh", "sudo", "su"];
    let parts = service.parts();
    let others = parts.iter().map(ServiceName::as_str).filter(|name| !own.contains(name));
    let others = others.collect::<Vec<_>>().join(", ");
    let by = match others.as_str() {
        "" => String::new(),
        _ if service.is_root() => format!(", those of {others} by sudo with their PAM services"),
        other => format!(", by sudo with the PAM service {other}"),
    };
    format!("{tried} logins were tried with the new files{by}: each ended as it must.")
}

fn wait(wanted: &Setup) -> Result<Wait, CliError> {
    let way_back = &wanted.way_back;
    if way_back.unattended {
        return Ok(Wait::Not);
    }
    if way_back.no_way_back {
        return match units::is_running() {
            false => Ok(Wait::Not),
            true => Err(CliError::new(
                Exit::Usage,
                "--no-way-back is for hosts without systemd",
                "Leave it out; for automation: --unattended",
            )),
        };
    }
    if !units::is_running() {
        return Err(CliError::new(
            Exit::NotInState,
            "systemd does not run here, so nothing would put the change back; nothing was changed",
            "Keep a root shell open, and give --no-way-back.",
        ));
    }
    let seconds = seconds_of(&way_back.within).filter(|seconds| WITHIN.contains(seconds));
    seconds.map(Wait::Seconds).ok_or_else(|| {
        CliError::new(
            Exit::Usage,
            "--within must be a time between 1m and 24h",
            "Give a time such as 5m or 1h.",
        )
    })
}

/// Checks that no earlier change of the service, or of a part of it, waits for its confirmation.
fn must_not_wait(service: &ServiceName) -> Result<(), CliError> {
    let Some(name) = overlapping(service).into_iter().next() else { return Ok(()) };
    Err(CliError::new(
        Exit::NotInState,
        format!("an earlier change of {name} waits for its confirmation; nothing was changed"),
        format!("Confirm it from a second login, or put it back at once: twinlock teardown {name}"),
    ))
}

/// A change of a service's files, while it is being made.
struct NewChange<'a> {
    context: &'a Context,
    service: &'a ServiceName,
    changes: &'a [FileChange],
}

impl NewChange<'_> {
    fn folder(&self) -> SavedFolder {
        SavedFolder::of(Path::new(FOLDER), self.service.as_str())
    }

    /// Saves the old files, writes the new ones, and makes sshd read them. If a step fails, the old files are restored.
    fn write(&self, wait: Wait) -> Result<(), CliError> {
        let folder = self.folder();
        let saved = self.saved(wait).map_err(|error| unsaved(&error))?;
        folder.save(&saved).map_err(|error| {
            let waits = error.kind() == io::ErrorKind::AlreadyExists;
            if waits { busy(self.service) } else { unsaved(&error) }
        })?;
        // Another setup, of which this service is a part or which is a part of this one, may have begun meanwhile. It
        // sees this change too, so of two at once at least one ends here.
        if overlapping(self.service).iter().any(|name| name != self.service.as_str()) {
            folder.withdraw().map_err(|error| unsaved(&error))?;
            return Err(busy(self.service));
        }
        let done = self.apply(&saved, wait);
        let Err(why) = done else { return Ok(()) };
        let back = undo::put_back(self.context, self.service.as_str());
        units::stop_timer_unless(any_waits());
        let stands = match back {
            Ok(()) => "the old files are in force",
            Err(_) => "some files may be new: run `twinlock setup undo`",
        };
        Err(CliError::new(
            Exit::StoreUnreachable,
            format!("{}; {stands}", plain(&why)),
            "Check the disk and the service, and run it again.",
        ))
    }

    fn apply(&self, saved: &Saved, wait: Wait) -> Result<(), String> {
        if wait != Wait::Not {
            units::start_timer()?;
        }
        for file in &saved.files {
            file.put().map_err(|error| format!("{} cannot be written ({error})", file.path))?;
        }
        if self.service.is_ssh() {
            reload::sshd()?;
        }
        let said = |error: &dyn core::fmt::Display| error.to_string();
        let now = now(self.context).map_err(|error| said(&error))?;
        self.folder().set_in_force(now).map_err(|error| said(&error))?;
        if wait == Wait::Not {
            self.folder().confirm().map_err(|error| said(&error))?;
        }
        Ok(())
    }

    fn saved(&self, wait: Wait) -> io::Result<Saved> {
        let now = self.context.now().map_err(|error| io::Error::other(error.what))?;
        let mut files = Vec::new();
        for change in self.changes.iter().filter(|change| change.changes()) {
            let before = replace::read(&change.path).map_err(|error| {
                io::Error::new(error.kind(), format!("{}: {error}", change.path))
            })?;
            let bytes = before.as_ref().map(|before| before.bytes.as_slice());
            if bytes != change.before.as_deref().map(str::as_bytes) {
                return Err(io::Error::other(format!("{} is being changed", change.path)));
            }
            let attributes = before.as_ref().map_or(of_new(&change.path), |one| one.attributes);
            let after = change.after.as_ref();
            let after =
                after.map(|text| FileContent { bytes: text.clone().into_bytes(), attributes });
            files.push(SavedFile { path: change.path.clone(), before, after });
        }
        let seconds = match wait {
            Wait::Seconds(seconds) => seconds,
            Wait::Not => 0,
        };
        let waiting = WaitingChange {
            word: saved::new_word()?,
            session: audit_session(),
            begun: now.unix.0,
            boot: boot_id(),
            until: boot_seconds(now).saturating_add(seconds),
        };
        Ok(Saved { waiting, in_force: None, files })
    }

    /// Logs and mails the change, and tells the administrator how to confirm it.
    fn report(&self, by: &Authorized, wait: Wait) -> Result<(), CliError> {
        let (context, service) = (self.context, self.service.as_str());
        let now = context.now()?;
        by.log(context, "service_set_up", &[("service", service)]);
        by.tell_root_of_change(context);
        let changed: Vec<&str> =
            self.changes.iter().filter(|one| one.changes()).map(|one| one.path.as_str()).collect();
        let Wait::Seconds(seconds) = wait else {
            let said = format!("{service} is set up: {}.", changed.join(", "));
            context.say(&said, json!({ "service": service, "changed": changed, "word": null }));
            return Ok(());
        };
        let word = self.folder().load(saved::Phase::Pending).ok().flatten();
        let word = word.map(|saved| saved.waiting.word).unwrap_or_default();
        let mut end = now.unix;
        end.0 = end.0.saturating_add(seconds);
        let ways = way_in::services(self.service, self.changes.iter().map(|one| one.path.as_str()));
        let through = way_in::listed(self.service, &ways);
        let said = format!(
            "{service} is set up: {}. Until {} you must log in from another window through {through}, and run there: sudo twinlock setup confirm {word}. Otherwise the old files are put back. Keep this window open.",
            changed.join(", "),
            time_of_day(end),
        );
        context.say(
            &said,
            json!({ "service": service, "changed": changed, "word": word, "until": end.0 }),
        );
        Ok(())
    }
}

fn say(context: &Context, sentence: &str) {
    if !context.json {
        tell(&format!("{}\n", wrap(sentence, WIDTH, 0)));
    }
}

fn unsaved(error: &io::Error) -> CliError {
    let what = format!("{FOLDER}: {}; nothing was changed", plain(&error.to_string()));
    CliError::new(Exit::StoreUnreachable, what, "Check the disk and the files, and run it again.")
}

/// Returns the attributes of a new file with this path.
fn of_new(path: &str) -> Attributes {
    if path == sudoers::PATH { Attributes::OF_SUDO } else { Attributes::NEW }
}

fn busy(service: &ServiceName) -> CliError {
    let service = service.as_str();
    CliError::new(
        Exit::NotInState,
        format!(
            "another setup of {service} or of a part of it runs, or waits for its confirmation; nothing was changed"
        ),
        "Confirm that one first.",
    )
}

fn now(context: &Context) -> Result<InForce, CliError> {
    use nix::time::{ClockId, clock_gettime};
    let monotonic = clock_gettime(ClockId::CLOCK_MONOTONIC);
    let monotonic = monotonic.map_err(|errno| CliError::bare(errno.to_string(), ""))?;
    let micros = |seconds: i64, nanos: i64| u64::try_from(seconds * 1_000_000 + nanos / 1000);
    let monotonic = micros(monotonic.tv_sec(), monotonic.tv_nsec()).unwrap_or(0);
    Ok(InForce { monotonic, boot: context.now()?.boot.0 / 1000 })
}
