//! Findings about single lines and files, for which the truth table is not needed.
use crate::finding::{Finding, Level};
use crate::judge::hidden;
use crate::judge::misspelt;
use crate::judge::one_field;
use crate::judge::remedies::KEY_LINE;
use crate::pam::code::PamCode;
use crate::pam::control::ControlAction;
use crate::pam::modules::file_name;
use crate::pam::stack::{Facility, Handler, Service, StackKind};
use crate::pam::twinlock::{ArgumentError, MODULE, is_twinlock, read};

/// Result of the search for the file of a PAM module.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ModuleFile {
    /// The file exists.
    At {
        /// The path of the file.
        path: String,
        /// The user id of the file's owner.
        uid: u32,
        /// Permission bits of the file, then those of its folder.
        modes: [u32; 2],
    },
    /// None of libpam's module folders contains the file.
    Missing,
    /// libpam's module folder was not found, so nothing is known about the file.
    Unknown,
}

/// Returns the findings about the lines of `service`. `module` looks up the file of a module. `recipe` is a remedy that
/// replaces the whole stack. `keys` tells whether some users reach PAM after sshd has verified a key.
pub fn judge(
    service: &Service,
    module: &dyn Fn(&str) -> ModuleFile,
    recipe: &str,
    keys: bool,
) -> Vec<Finding> {
    let file = service.file.as_deref().unwrap_or("/etc/pam.d/sshd");
    if let Some(fault) = &service.unusable {
        return vec![Finding {
            level: Level::LockOut,
            id: "pam-unusable",
            place: fault.place.to_string(),
            what: format!("No login is possible, not even with a key alone: {}.", fault.what),
            remedy: "Create the missing file, or remove that line.".to_owned(),
        }];
    }
    let auth = service.lines(Facility::Auth);
    let mut found: Vec<Finding> = (service.faults.iter())
        .map(|fault| Finding {
            level: Level::Warning,
            id: "broken-line",
            place: fault.place.to_string(),
            what: format!("libpam treats this line as a refusal: {}.", fault.what),
            remedy: "Correct the line, or remove it.".to_owned(),
        })
        .collect();
    let ours: Vec<&Handler> = auth.iter().filter(|line| is_ours(line)).collect();
    let meant = misspelt::judge(auth, module);
    if ours.is_empty() && meant.is_empty() {
        found.push(not_wired(file, recipe));
    }
    found.extend(meant);
    found.extend(service.faults.iter().filter_map(hidden::fault));
    found.extend(auth.iter().filter_map(hidden::judge));
    let plain = ours.iter().filter(|line| hidden::of_line(line).is_none());
    found.extend(plain.filter_map(|line| arguments(line, keys)));
    found.extend(one_field::judge(auth));
    found.extend(service.lines(Facility::Account).iter().filter(|line| is_ours(line)).map(account));
    found.extend(files(&ours, module));
    found.extend(service.lines(Facility::Account).iter().filter_map(|line| gone(line, module)));
    found
}

/// Returns a finding if the module of an account line is missing and the line therefore refuses every login, even one
/// with a key; `None` if the module is present or the line does not refuse.
fn gone(line: &Handler, module: &dyn Fn(&str) -> ModuleFile) -> Option<Finding> {
    let StackKind::Module { path, .. } = &line.kind else { return None };
    let counts =
        matches!(line.actions.on(PamCode::MODULE_UNKNOWN), ControlAction::Bad | ControlAction::Die);
    if !counts || is_ours(line) || module(path) != ModuleFile::Missing {
        return None;
    }
    Some(Finding {
        level: Level::LockOut,
        id: "account-module-missing",
        place: line.place.to_string(),
        what: format!("No login is possible: the file of {} is missing.", file_name(path)),
        remedy: "Install the package that contains it, or remove the line.".to_owned(),
    })
}

fn is_ours(line: &Handler) -> bool {
    matches!(&line.kind, StackKind::Module { path, .. } if is_twinlock(path))
}

fn not_wired(file: &str, recipe: &str) -> Finding {
    Finding {
        level: Level::WayIn,
        id: "not-wired",
        place: file.to_owned(),
        what: format!("No auth line names {MODULE}: no user is asked for a code."),
        remedy: recipe.to_owned(),
    }
}

fn account(line: &Handler) -> Finding {
    Finding {
        level: Level::WayIn,
        id: "account-line",
        place: line.place.to_string(),
        what: format!(
            "An account line names {MODULE}: it always succeeds, and with `sufficient` that ends the account checks."
        ),
        remedy: "Remove the line: twinlock has only auth lines.".to_owned(),
    }
}

fn arguments(line: &Handler, keys: bool) -> Option<Finding> {
    let StackKind::Module { args, .. } = &line.kind else { return None };
    let mistake = read(args).mistake?;
    let what = mistake.to_string();
    let (id, remedy) = match mistake {
        ArgumentError::NoFirstFactor => {
            let stack =
                "`first_factor=stack` if the line is reached only after a correct password.";
            let remedy = match keys {
                true => format!("Write `{KEY_LINE}` if sshd asks for a key before, or {stack}"),
                false => format!("Write {stack}"),
            };
            ("missing-first-factor", remedy)
        }
        ArgumentError::Other(_) => {
            ("wrong-arguments", "Correct the arguments: see pam_twinlock(8).".to_owned())
        }
        ArgumentError::Unknown(word, nearest) => (
            "unknown-argument",
            nearest.map_or_else(
                || format!("Remove `{word}`."),
                |near| format!("Write `{near}` if that was meant, or remove it."),
            ),
        ),
    };
    Some(Finding { level: Level::LockOut, id, place: line.place.to_string(), what, remedy })
}

/// Returns the findings about the files of twinlock's module, as the lines `ours` refer to them. If several lines refer
/// to one file, that file is examined once.
fn files(ours: &[&Handler], module: &dyn Fn(&str) -> ModuleFile) -> Vec<Finding> {
    let mut seen = Vec::new();
    let mut found = Vec::new();
    for line in ours {
        let StackKind::Module { path, .. } = &line.kind else {
            continue;
        };
        if !seen.contains(path) {
            seen.push(path.clone());
            found.extend(file(line, path, &module(path)));
        }
    }
    found
}

fn file(line: &Handler, name: &str, module: &ModuleFile) -> Vec<Finding> {
    match module {
        ModuleFile::Unknown => Vec::new(),
        ModuleFile::Missing => vec![Finding {
            level: Level::LockOut,
            id: "module-missing",
            place: line.place.to_string(),
            what: format!(
                "The file of {} is not in the module folders of libpam.",
                file_name(name)
            ),
            remedy: "Install the package twinlock again, or remove the lines that name it."
                .to_owned(),
        }],
        ModuleFile::At { path, uid, modes } => {
            let mut found = Vec::new();
            if *uid != 0 {
                found.push(Finding {
                    level: Level::WayIn,
                    id: "module-owner",
                    place: path.clone(),
                    what: format!("The module belongs to uid {uid}, who can replace it."),
                    remedy: format!("chown root:root {path}"),
                });
            }
            if modes.iter().any(|mode| mode & 0o022 != 0) {
                found.push(Finding {
                    level: Level::WayIn,
                    id: "module-writable",
                    place: path.clone(),
                    what: "Users other than root can write to the module or its folder.".to_owned(),
                    remedy: format!("chmod go-w {path} $(dirname {path})"),
                });
            }
            found
        }
    }
}
