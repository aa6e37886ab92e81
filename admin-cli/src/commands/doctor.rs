//! `twinlock doctor`: reads the settings, records and ledger, and passes them to the crate `twinlock_doctor`, which
//! judges the PAM stacks and sshd.

mod candidate;
mod effects;
pub(crate) mod lenient;
pub(crate) mod machine;

use std::{
    io::{self, Write, stdout},
    process::ExitCode,
};

use rustix::{io::Errno, process::geteuid};
use twinlock_core::{
    base::error::{FileError, StoreError},
    policy::{Action, NotEnrolled, Places, Policy, Rule},
    ports::{Accounts, Clock},
    record::{State, extras::Ticket},
};
use twinlock_doctor::{
    Doctor, Format, NOT_JUDGED,
    finding::{Finding, Level},
    machine::Candidate,
    settings::{DoctorSettings, RootCode},
};
use twinlock_host::{
    machine::Machine,
    settings::{self, Loaded, RULES, SettingsReadError},
    store::{
        enrolled_users::{self, EnrolledUser},
        records::{UIDS, USERS},
        store_id,
    },
    trusted_dir::Owner,
};

use crate::{
    cli::Command,
    commands::doctor::lenient::Written,
    context::{self, ChosenSettings},
    enrollment::ahead,
    error::{exit::CliError, refusal_messages, settings_errors},
    mail,
    terminal::keyboard::tell,
    text::{Notation, harmless},
};

/// doctor warns if at least this percentage of the ledger's space or of its names is in use.
const FILLING: u64 = 50;
/// User who must own the settings files.
const OWNER: Owner = Owner(0);

/// Runs `twinlock doctor`: checks what the arguments name, prints the report and returns its exit status.
pub(crate) fn run(arguments: &Doctor, command: &Command) -> ExitCode {
    let opened = ChosenSettings::of(command).and_then(|chosen| {
        let request = DoctorRequest { arguments, format: format_of(command), chosen: &chosen };
        match arguments.is_candidate() {
            true => candidate::examine(&request),
            false => Ok(request.examine(&of_host(&chosen), Vec::new())),
        }
    });
    let Report { out, complaints, status } = match opened {
        Ok(report) => report,
        Err(failure) => return failure.print(command.json),
    };
    if arguments.quiet && matches!(status, Ok(0)) {
        return ExitCode::SUCCESS;
    }
    let notation = if command.json { Notation::Json } else { Notation::Text };
    let written = stdout().write_all(harmless(&String::from_utf8_lossy(&out), notation).as_bytes());
    tell(&String::from_utf8_lossy(&complaints));
    // A report that cannot be written gives no verdict.
    ExitCode::from(written.and(status).unwrap_or(NOT_JUDGED))
}

fn format_of(command: &Command) -> Format {
    if command.json { Format::Json } else { Format::Text }
}

/// Arguments, output format and settings file of one run of doctor.
struct DoctorRequest<'a> {
    arguments: &'a Doctor,
    format: Format,
    chosen: &'a ChosenSettings,
}

/// Result of one run of doctor: the bytes for standard output and for standard error, and the exit status.
struct Report {
    out: Vec<u8>,
    complaints: Vec<u8>,
    status: io::Result<u8>,
}

impl DoctorRequest<'_> {
    fn examine(&self, settings: &DoctorSettings, candidates: Vec<Candidate>) -> Report {
        let (mut out, mut complaints) = (Vec::new(), Vec::new());
        let streams: [&mut dyn Write; 2] = [&mut out, &mut complaints];
        let status =
            twinlock_doctor::run(self.arguments, self.format, settings, candidates, streams);
        Report { out, complaints, status }
    }
}

/// Returns what doctor must know about the default settings file of this host and about the records that it names.
/// `rules` are used in place of the rules of rules.toml.
pub(crate) fn of_this_host_with(rules: Vec<Rule>) -> DoctorSettings {
    of_loaded(&ChosenSettings { path: settings::PATH.into(), is_named: false }, Some(rules))
}

/// Returns what doctor must know about a settings file of this host and about the records that it names.
fn of_host(chosen: &ChosenSettings) -> DoctorSettings {
    of_loaded(chosen, None)
}

/// Returns what doctor must know about a settings file of this host and about the records that it names. `rules`, if
/// given, are used in place of the rules of rules.toml.
fn of_loaded(chosen: &ChosenSettings, rules: Option<Vec<Rule>>) -> DoctorSettings {
    match chosen.load() {
        Ok(mut loaded) => {
            let mut from_command = number_of_rules();
            if let Some(rules) = rules {
                let of_file = loaded.policy.rules.len().saturating_sub(from_command);
                loaded.policy.rules.truncate(of_file);
                from_command = rules.len();
                loaded.policy.rules.extend(rules);
            }
            let machine = Machine::new(&loaded.policy, &chosen.path, OWNER);
            let lenient = lenient::examine(
                &written(&chosen.path, &loaded.policy, from_command),
                &machine.clock,
            );
            let root = root_code(&machine, &loaded.policy);
            let enrolled = enrolled(&machine);
            let records = loaded.policy.places.records.to_string();
            let warnings = machine::examine(&machine, &records, root);
            let effects = effects::of(&loaded.policy);
            DoctorSettings {
                refusing: behind(chosen, loaded),
                lenient,
                root,
                enrolled,
                machine: warnings,
                ..effects
            }
        }
        Err(fault) => {
            let finding = match is_hidden(&fault) {
                true => hidden_settings(&chosen.path),
                false => refusing_settings(&chosen.path, &fault),
            };
            DoctorSettings { refusing: vec![finding], ..effects::unread() }
        }
    }
}

/// Returns whether the settings cannot be read only because the caller is not root. A login can still read them.
fn is_hidden(fault: &SettingsReadError) -> bool {
    let denied = Errno::ACCESS.raw_os_error();
    let file = match fault {
        SettingsReadError::File(fault) | SettingsReadError::RulesFile(fault) => fault,
        SettingsReadError::Folder(folder) => &folder.fault,
        SettingsReadError::Mistake(_) | SettingsReadError::RulesMistake(_) => return false,
    };
    !geteuid().is_root() && *file == FileError::Io { errno: denied }
}

fn hidden_settings(config: &str) -> Finding {
    Finding {
        level: Level::Unknown,
        id: "settings-unseen",
        place: config.to_owned(),
        what: "The settings were not checked: the caller may not read the file.".to_owned(),
        remedy: "Run this command as root, without sudo if files are named.".to_owned(),
    }
}

/// Returns the names of the accounts that have a code or a valid ticket; `None` if there are none, or if the caller may
/// not read the records.
fn enrolled(machine: &Machine) -> Option<Vec<String>> {
    let users = enrolled_users::everybody(&machine.records).ok()?;
    let names: Vec<String> =
        users.filter(|entry| counts(machine, entry)).map(|entry| entry.user).collect();
    (!names.is_empty()).then_some(names)
}

/// Returns whether root can pass a check for a code: root is enrolled, or exempt in every login.
fn root_code(machine: &Machine, policy: &Policy) -> RootCode {
    let of_root = |rule: &&Rule| {
        let named = rule.user.as_ref().is_none_or(|user| user == "root");
        named && rule.group.is_none() && rule.network.is_none() && rule.service.is_none()
    };
    if policy.rules.iter().find(of_root).is_some_and(|rule| rule.action == Action::Exempt) {
        return RootCode::Has;
    }
    match enrolled_users::everybody(&machine.records) {
        Ok(mut users) => match users.any(|entry| entry.user == "root" && counts(machine, &entry)) {
            true => RootCode::Has,
            false => RootCode::HasNone,
        },
        Err(_) => RootCode::Unknown,
    }
}

/// Returns findings about settings, records, ledger and mail. They apply to every stack that calls the module.
fn behind(chosen: &ChosenSettings, loaded: Loaded) -> Vec<Finding> {
    let config = &chosen.path;
    let mut found: Vec<Finding> =
        loaded.stands_in_for.iter().map(|fault| stand_in(config, fault)).collect();
    let places = &loaded.policy.places;
    if !geteuid().is_root() {
        found.push(unseen(&places.records));
        return found;
    }
    let machine = Machine::new(&loaded.policy, config, OWNER);
    found.extend(match proven(&machine, config) {
        Ok(()) => nobody(&machine, &loaded.policy),
        Err(finding) => Some(Finding { place: places.records.to_string(), ..finding }),
    });
    found.extend(ledger(&machine, places));
    found.extend(ahead::examine(&machine, &places.records));
    // The mail settings are always those of the default settings file, even if the arguments name another one.
    let own = if chosen.is_named { settings::load(settings::PATH, OWNER) } else { Ok(loaded) };
    found.extend(own.iter().flat_map(|own| mail::examine(&own.policy, &machine)));
    found
}

/// Returns the number of rules in rules.toml; 0 if the file cannot be read.
pub(crate) fn number_of_rules() -> usize {
    settings::read_rules(RULES, OWNER).map_or(0, |rules| rules.len())
}

fn written<'a>(config: &'a str, policy: &Policy, from_command: usize) -> Written<'a> {
    Written {
        config,
        text: std::fs::read_to_string(config).unwrap_or_default(),
        policy: policy.clone(),
        from_command,
    }
}

fn refusing_settings(config: &str, fault: &SettingsReadError) -> Finding {
    let failure = context::settings_failure(config, fault);
    Finding {
        level: Level::LockOut,
        id: "settings-refuse",
        place: settings_errors::place_of(config, fault),
        what: format!("Every login that reaches the module is refused: {}.", failure.what),
        remedy: failure.remedy,
    }
}

fn stand_in(config: &str, fault: &SettingsReadError) -> Finding {
    let (what, remedy) = settings_errors::of_settings(config, fault);
    Finding {
        level: Level::Warning,
        id: "settings-fallback",
        place: settings_errors::place_of(config, fault),
        what: format!("{what}; settings.good is in force instead."),
        remedy: format!("{remedy} Then run `twinlock settings apply`."),
    }
}

fn unseen(records: &str) -> Finding {
    Finding {
        level: Level::Note,
        id: "records-unseen",
        place: records.to_owned(),
        what: "Records, ledger and enrollments were not checked: only root can read them."
            .to_owned(),
        remedy: "Run this command as root.".to_owned(),
    }
}

/// Checks that the records folder can prove that a user has no record. Logins of users without a record need this
/// proof. The place of the finding is empty, and the caller must set it.
fn proven(machine: &Machine, config: &str) -> Result<(), Finding> {
    let refusing = |who: &str, fault: StoreError| {
        let failure = CliError::from(fault);
        Finding {
            level: Level::LockOut,
            id: "records-refuse",
            place: String::new(),
            what: format!("{who} is refused: {}.", fault),
            remedy: failure.remedy,
        }
    };
    let root = machine.records.root().map_err(|fault| refusing("Every user", fault))?;
    let copy = settings::sibling(config, store_id::NAME);
    // A user who has a record can log in without this proof.
    store_id::prove(&root, &copy, OWNER)
        .and_then(|()| {
            [USERS, UIDS].iter().try_for_each(|name| root.below(name, OWNER).map(drop))?;
            Ok(())
        })
        .map_err(|fault| refusing("Every user without a record in this folder", fault))
}

/// Returns the finding that no account is enrolled although logins require a code; `None` if one is enrolled or no
/// login requires a code.
fn nobody(machine: &Machine, policy: &Policy) -> Option<Finding> {
    let mut broken = None;
    for entry in enrolled_users::everybody(&machine.records).into_iter().flatten() {
        if counts(machine, &entry) {
            return None;
        }
        let fault = entry.found.err();
        broken = broken.or(fault.map(|fault| (entry.user, fault)));
    }
    if policy.not_enrolled == NotEnrolled::Allow || exempts_everybody(machine, policy) {
        return None;
    }
    let remedy = match broken {
        None => "To begin: twinlock enroll USER".to_owned(),
        Some((user, fault)) => {
            let explained = refusal_messages::explain(fault.reason(), &user);
            format!("{user}: {}. {}", explained.meaning, explained.remedy)
        }
    };
    let but = if policy.rules.is_empty() { "" } else { ", except those whom a rule exempts" };
    Some(Finding {
        level: Level::LockOut,
        id: "nobody-enrolled",
        place: policy.places.records.to_string(),
        what: format!("No account is enrolled, so no code is correct: all users are refused{but}."),
        remedy,
    })
}

/// Returns whether the entry is of a user who can log in: the user is enrolled or has a valid ticket, and the account
/// exists or cannot be looked up.
fn counts(machine: &Machine, entry: &EnrolledUser) -> bool {
    let now = machine.clock.now().ok().map(|now| now.unix);
    let works = |ticket: &Ticket| now.is_some_and(|now| now < ticket.voucher.until);
    let can = matches!(&entry.found, Ok(Some(found)) if match found.record.state {
        State::Active => true,
        // With a valid ticket, the user can set up an app at the next login.
        State::Pending => found.record.extras.tickets.iter().any(works),
        State::Removed => false,
    });
    can && !matches!(machine.accounts.by_name(&entry.user), Ok(None))
}

/// Returns whether the first rule that applies to every user and address at sshd is an exemption that has not ended.
fn exempts_everybody(machine: &Machine, policy: &Policy) -> bool {
    let everybody = |rule: &&Rule| {
        let everywhere = rule.service.as_ref().is_none_or(|service| service == "sshd");
        everywhere && rule.user.is_none() && rule.group.is_none() && rule.network.is_none()
    };
    let now = machine.clock.now().map(|now| now.unix);
    policy.rules.iter().find(everybody).is_some_and(|rule| {
        let over = rule.until.is_some_and(|until| now.is_ok_and(|now| now >= until));
        rule.action == Action::Exempt && !over
    })
}

/// Returns a finding if logins cannot use the ledger, or if it is filling up. A missing ledger is no fault if the
/// settings do not require a mount, since the first login creates it.
fn ledger(machine: &Machine, places: &Places) -> Option<Finding> {
    let path = &*places.ledger;
    if !places.ledger_mounted {
        std::fs::symlink_metadata(path).ok()?;
    }
    let used = machine.ledger.epoch().and_then(|_| machine.ledger.try_writing());
    let Err(fault) = used else { return filling(machine, path) };
    let meaning = refusal_messages::explain(fault.reason(), "").meaning;
    Some(Finding {
        level: Level::LockOut,
        id: "ledger-refuses",
        place: path.to_owned(),
        what: format!("Every code is refused: {meaning}."),
        remedy: CliError::from(fault).remedy,
    })
}

/// Returns a warning if at least [`FILLING`] percent of the ledger are in use. A full ledger refuses every code.
fn filling(machine: &Machine, path: &str) -> Option<Finding> {
    let fill = machine.ledger.fill().ok()?;
    let (what, percent) = match fill.names >= fill.space {
        true => ("names", fill.names),
        false => ("space", fill.space),
    };
    (percent >= FILLING).then(|| Finding {
        level: Level::Warning,
        id: "ledger-filling",
        place: path.to_owned(),
        what: format!("{percent} % of the ledger's {what} are in use; when none is left, every code is refused."),
        remedy: "Run `twinlock epoch sweep`. If that is not enough, give the mount more: nr_inodes= and size= in a drop-in of run-twinlock.mount.".to_owned(),
    })
}
