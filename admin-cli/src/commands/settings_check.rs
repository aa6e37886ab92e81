//! `twinlock settings check [FILE]`: every mistake with its place, and the nearest name that is known.

use std::io::Read;

use rustix::process::geteuid;
use serde_json::json;
use twinlock_core::{
    account::Account,
    fault::LookupFault,
    format::settings::{self as form, SETTINGS_MAX},
    policy::{Action, Policy, Rule},
    ports::{Accounts, Membership},
};
use twinlock_host::{
    accounts::Nss,
    good,
    place::{Owner, READABLE, read_file},
    settings::{GOOD, beside},
};

use crate::{
    exit::{Exit, Failure},
    keyboard::tell,
    mistake,
    verbs::Command,
    wording::{WIDTH, plain, wrap},
};

/// Something that is no mistake, and hardly meant.
#[derive(Debug, PartialEq, Eq)]
struct Warning {
    line: Option<usize>,
    what: String,
}

/// Checks a file, and keeps it where root asks and it has no mistake.
pub fn run(command: &Command, file: Option<&str>) -> Result<(), Failure> {
    let path = file.unwrap_or(&command.config);
    let bytes = bytes(path)?;
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let what = format!("{}:{line}: not UTF-8", plain(path));
        Failure::new(Exit::Usage, what, "Save the file as UTF-8.")
    })?;
    let policy = form::read(text).map_err(|found| {
        let (what, remedy) = mistake::explain(path, &found);
        Failure::new(Exit::Usage, what, remedy)
    })?;
    if path == command.config {
        trusted(path)?;
    }
    let warnings = warnings(&policy, text, &Nss);
    for warning in &warnings {
        let line = warning.line.map_or(String::new(), |line| format!("{line}:"));
        let said = format!("{}:{line} warning: {}", plain(path), warning.what);
        tell(&format!("{}\n", wrap(&said, WIDTH, 2)));
    }
    let kept = keep(command, &bytes)?;
    report(command, path, (&warnings, kept));
    Ok(())
}

/// Reads at most one byte more than can be used.
fn bytes(path: &str) -> Result<Vec<u8>, Failure> {
    let unreadable = |error: std::io::Error| {
        Failure::new(
            Exit::Usage,
            format!("{} cannot be read ({error})", plain(path)),
            "Name a settings file: twinlock settings check FILE",
        )
    };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    let most = u64::try_from(SETTINGS_MAX).unwrap_or(u64::MAX);
    file.take(most + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() > SETTINGS_MAX {
        return Err(Failure::new(
            Exit::Usage,
            format!("{} is over 64 KiB, more than is read at a login", plain(path)),
            "Take comments out, and rules that a group could say in one.",
        ));
    }
    Ok(bytes)
}

/// The file in use must be one that a login trusts.
fn trusted(path: &str) -> Result<(), Failure> {
    if !geteuid().is_root() {
        return Ok(());
    }
    let found = read_file(path, (Owner(0), READABLE), SETTINGS_MAX);
    found.map(drop).map_err(|fault| {
        let what = mistake::of_file(path, fault);
        Failure::new(Exit::Usage, format!("{what}; logins do not trust it"), mistake::FILE_REMEDY)
    })
}

fn warnings(policy: &Policy, text: &str, accounts: &dyn Accounts) -> Vec<Warning> {
    let mut headers =
        (1..).zip(text.lines()).filter(|(_, line)| line.trim().starts_with("[[rule]]"));
    let mut warnings = Vec::new();
    for (number, rule) in (1..).zip(&policy.rules) {
        let line = headers.next().map(|(line, _)| line);
        let of_rule = doubts(rule, accounts).into_iter();
        warnings
            .extend(of_rule.map(|what| Warning { line, what: format!("rule {number}: {what}") }));
    }
    warnings
}

/// What is odd about one rule.
fn doubts(rule: &Rule, accounts: &dyn Accounts) -> Vec<String> {
    let mut doubts = Vec::new();
    if let Some(user) = &rule.user {
        match accounts.by_name(user) {
            Ok(Some(account)) if account.name == *user => {}
            Ok(Some(account)) => {
                doubts.push(format!(
                    "the name of {} is written {}",
                    plain(user),
                    plain(&account.name)
                ));
            }
            Ok(None) => doubts.push(format!("there is no user {}", plain(user))),
            Err(LookupFault) => doubts.push(format!("user {} cannot be looked up", plain(user))),
        }
    }
    if let Some(group) = &rule.group {
        let anybody =
            Account { name: String::new(), uid: u32::MAX, gid: u32::MAX, full_name: String::new() };
        match accounts.membership(&anybody, group) {
            Ok(Membership::Member | Membership::Outside) => {}
            Ok(Membership::NoSuchGroup) => {
                doubts.push(format!("there is no group {}", plain(group)))
            }
            Err(LookupFault) => doubts.push(format!("group {} cannot be looked up", plain(group))),
        }
    }
    let everybody = rule.user.is_none()
        && rule.group.is_none()
        && rule.service.is_none()
        && rule.network.is_none();
    if everybody && rule.action == Action::Exempt {
        doubts.push("it exempts everybody, root too".into());
    }
    doubts
}

/// Keeps the file for the day when the one in use has a mistake; where, if it was kept.
fn keep(command: &Command, bytes: &[u8]) -> Result<Option<String>, Failure> {
    if !geteuid().is_root() {
        return Ok(None);
    }
    let path = beside(&command.config, GOOD);
    good::keep(&command.config, bytes, Owner(0)).map_err(|fault| {
        // A disk that fails at the very end leaves the new one standing.
        let kept = std::fs::read(&path).is_ok_and(|kept| kept == bytes);
        let remedy = if kept {
            "This one stands in all the same; look at the folder and its disk, and check again."
        } else {
            "Look at the folder and its disk; the file kept before still stands in."
        };
        let reason = fault.reason();
        let what =
            format!("no mistake was found, but {} cannot be written ({reason})", plain(&path));
        Failure::new(Exit::StoreUnreachable, what, remedy)
    })?;
    Ok(Some(path))
}

fn report(command: &Command, path: &str, (warnings, kept): (&[Warning], Option<String>)) {
    if command.json {
        let warnings: Vec<_> = warnings
            .iter()
            .map(|warning| json!({ "line": warning.line, "what": warning.what }))
            .collect();
        tell_result(&json!({ "file": path, "warnings": warnings, "kept": kept }).to_string());
        return;
    }
    let said = match kept {
        Some(kept) => format!("{}: no mistake; kept as {}.", plain(path), plain(&kept)),
        None => format!("{}: no mistake. Only root keeps it as {GOOD}.", plain(path)),
    };
    tell_result(&wrap(&said, WIDTH, 0));
}

fn tell_result(text: &str) {
    // What was to be done is done.
    let _ = std::io::Write::write_all(&mut std::io::stdout(), format!("{text}\n").as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Two;

    impl Accounts for Two {
        fn host_name(&self) -> String {
            "web01".into()
        }

        fn by_name(&self, name: &str) -> Result<Option<Account>, LookupFault> {
            let canonical = name.to_lowercase();
            Ok((canonical == "ada").then(|| Account {
                name: canonical,
                uid: 1,
                gid: 1,
                full_name: String::new(),
            }))
        }

        fn membership(&self, _: &Account, group: &str) -> Result<Membership, LookupFault> {
            match group {
                "staff" => Ok(Membership::Outside),
                "broken" => Err(LookupFault),
                _ => Ok(Membership::NoSuchGroup),
            }
        }
    }

    fn warned(text: &str) -> Vec<(Option<usize>, String)> {
        let policy = form::read(text).unwrap();
        let warnings = warnings(&policy, text, &Two).into_iter();
        warnings.map(|warning| (warning.line, warning.what)).collect()
    }

    #[test]
    fn rules_about_nobody_are_doubted() {
        let rule = |line: &str| format!("window = 1\n[[rule]]\n{line}\naction = \"require\"\n");
        let one = |what: &str| vec![(Some(2), format!("rule 1: {what}"))];
        for (line, what) in [
            ("user = \"bob\"", "there is no user bob"),
            ("user = \"Ada\"", "the name of Ada is written ada"),
            ("group = \"stuff\"", "there is no group stuff"),
            ("group = \"broken\"", "group broken cannot be looked up"),
        ] {
            assert_eq!(warned(&rule(line)), one(what));
        }
        assert!(warned(&rule("user = \"ada\"\ngroup = \"staff\"")).is_empty());
        assert!(warned(&rule("")).is_empty());
        assert_eq!(
            warned("[[rule]]\naction = \"exempt\"\nuntil = 2027-01-31"),
            [(Some(1), "rule 1: it exempts everybody, root too".into())]
        );
    }
}
