//! Finds ways to get the rights of root without a code, although sudo, su or login asks for one: by rules of sudo and
//! doas, or through other services.
use std::io;

use crate::finding::{Finding, Level};
use crate::machine::ExaminedMachine;
use crate::machine::sudo::SudoersOutput;
use crate::pam::load::Files;
use crate::services::catalogue::Gives;
use crate::services::judged::{Asks, Judged};
use crate::services::sudoers::{self, Sudoers};
use crate::services::{doas, sudoers_text};

/// Minutes after an answer during which sudo does not ask again, if sudoers sets no time. Debian uses this value.
const USUAL_TIMEOUT: f64 = 15.0;

/// The rules of sudo, and the findings about them.
pub struct SudoRules {
    /// The rules of all sudoers files.
    pub rules: Sudoers,
    /// Findings about the rules, which belong to the service sudo.
    pub findings: Vec<Finding>,
}

impl SudoRules {
    /// Reads the sudoers files. If `cvtsudoers` is not installed, only searches their text for words.
    #[must_use]
    pub fn of(machine: &ExaminedMachine) -> Self {
        let mut whole = Self { rules: Sudoers::default(), findings: Vec::new() };
        let has = |file: &str| !matches!(machine.text(file), Err(error) if error.kind() == io::ErrorKind::NotFound);
        let own = has(sudoers_text::FILE_RS).then_some(sudoers_text::FILE_RS);
        let usual = Some(sudoers_text::FILE).filter(|file| own.is_none() || has(file));
        for file in usual.into_iter().chain(own) {
            whole.add(machine, file);
        }
        whole.findings.extend(elsewhere(machine));
        whole
    }

    /// Adds the rules of the sudoers file `file` and of the files that it includes, with the findings about them.
    fn add(&mut self, machine: &ExaminedMachine, file: &'static str) {
        match machine.sudoers(file) {
            SudoersOutput::Json(json) => match sudoers::read(&json) {
                Ok(rules) => {
                    self.findings.extend(findings(&rules, file));
                    self.rules.merge(rules);
                }
                Err(what) => self
                    .findings
                    .push(unread(file, &format!("cvtsudoers prints what is not known: {what}"))),
            },
            SudoersOutput::Refused(said) => {
                let first = said.lines().next().unwrap_or("no reason given");
                self.findings.push(unread(file, first));
            }
            SudoersOutput::NoProgram => self.findings.extend(plainly(machine, file)),
        }
    }

    /// Returns a text for the table that says for how long sudo does not ask again; `None` if sudo asks each time.
    #[must_use]
    pub fn unasked_for(&self) -> Option<String> {
        match self.rules.timeout().unwrap_or(USUAL_TIMEOUT) {
            minutes if minutes < 0.0 => Some("once until reboot".to_owned()),
            minutes if minutes > 0.0 => Some(format!("{minutes} min after a code")),
            _ => None,
        }
    }
}

fn findings(rules: &Sudoers, file: &str) -> Vec<Finding> {
    let in_sudoers = |level, id, what, remedy: &str| in_file(file, level, id, what, remedy);
    let mut found: Vec<Finding> = Vec::new();
    for one in &rules.unasked {
        let id = if one.by == "NOPASSWD" { "sudo-nopasswd" } else { "sudo-not-asked" };
        found.push(in_sudoers(
            Level::WayIn,
            id,
            format!(
                "sudo asks {} neither for a password nor for a code ({}): commands {} as {}.",
                one.users, one.by, one.commands, one.targets
            ),
            "Remove that from sudoers (`visudo`), or accept it in /etc/twinlock/accepted.toml.",
        ));
    }
    let long = rules.timeout().filter(|minutes| *minutes < 0.0 || *minutes > USUAL_TIMEOUT);
    if let Some(minutes) = long {
        let how = if minutes < 0.0 {
            "until a reboot".to_owned()
        } else {
            format!("for {minutes} minutes")
        };
        found.push(in_sudoers(
            Level::Warning,
            "sudo-timestamp",
            format!("After one code, sudo does not ask again {how} (timestamp_timeout)."),
            "Write `Defaults timestamp_timeout=15` or less; with 0, sudo asks each time.",
        ));
    }
    if rules.shared {
        found.push(in_sudoers(
            Level::Warning,
            "sudo-shared",
            "After one code, sudo does not ask in any other session of that user either (timestamp_type=global)."
                .to_owned(),
            "Remove that setting from sudoers (`visudo`).",
        ));
    }
    found
}

fn in_file(file: &str, level: Level, id: &'static str, what: String, remedy: &str) -> Finding {
    Finding { level, id, place: file.to_owned(), what, remedy: remedy.to_owned() }
}

fn unread(file: &str, why: &str) -> Finding {
    in_file(
        file,
        Level::Unknown,
        "sudoers-unread",
        format!("It is not known whom sudo asks: {why}."),
        "Run `twinlock doctor` as root; check the file with `visudo -c`.",
    )
}

/// Searches the sudoers file `file` for words by which sudo may not ask. The findings cannot say to which users the
/// words apply.
fn plainly(machine: &ExaminedMachine, file: &str) -> Vec<Finding> {
    let suspects = match sudoers_text::scan(machine, file) {
        Ok(suspects) => suspects,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => return vec![unread(file, &error.to_string())],
    };
    let finding = |one: sudoers_text::Suspect| Finding {
        level: Level::Unknown,
        id: "sudoers-not-parsed",
        place: one.place.to_string(),
        what: format!(
            "The line contains `{}`; whom sudo does not ask is not known without cvtsudoers.",
            one.word
        ),
        remedy: "Install the package that contains cvtsudoers (Debian: sudo).".to_owned(),
    };
    suspects.into_iter().map(finding).collect()
}

/// Returns a finding that sudo also reads rules from a source other than files, such as LDAP; `None` if it does not.
fn elsewhere(machine: &ExaminedMachine) -> Option<Finding> {
    let path = "/etc/nsswitch.conf";
    let text = machine.text(path).ok()?;
    let line = |(number, line): (usize, &str)| {
        let sources = line.trim_start().strip_prefix("sudoers:")?;
        let sources = sources.split('#').next().unwrap_or_default().to_owned();
        Some((number, sources))
    };
    let (number, sources) = (1..).zip(text.lines()).find_map(line)?;
    let other = sources.split_whitespace().find(|one| *one != "files" && !one.starts_with('['))?;
    Some(Finding {
        level: Level::Unknown,
        id: "sudoers-elsewhere",
        place: format!("{path}:{number}"),
        what: format!(
            "sudo also takes rules from `{other}`, which were not read: NOPASSWD there is not known."
        ),
        remedy: "Check with `sudo -l -U USER` for each group of users.".to_owned(),
    })
}

/// Returns a finding for each rule by which doas does not ask for a password.
#[must_use]
pub fn of_doas(machine: &ExaminedMachine) -> Vec<Finding> {
    let text = match machine.text(doas::FILE) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            return vec![Finding {
                level: Level::Unknown,
                id: "doas-unread",
                place: doas::FILE.to_owned(),
                what: format!("It is not known whom doas asks: {error}."),
                remedy: "Run `twinlock doctor` as root.".to_owned(),
            }];
        }
    };
    let finding = |one: doas::NoPass| Finding {
        level: Level::WayIn,
        id: "doas-nopass",
        place: format!("{}:{}", doas::FILE, one.line),
        what: format!("doas asks neither for a password nor for a code: `{}`.", one.rule),
        remedy: "Remove `nopass`, or accept it in /etc/twinlock/accepted.toml.".to_owned(),
    };
    doas::rules(&text).into_iter().map(finding).collect()
}

/// Returns a finding for each service that sudoers sets in place of the service sudo or sudo-i and that does not always
/// ask for a code, although sudo or sudo-i does. `all` are the judged services.
#[must_use]
pub fn other_service(rules: &Sudoers, all: &[Judged]) -> Vec<Finding> {
    let asks = |name: &str| all.iter().find(|one| one.name == name).map(|one| one.asks);
    let wired =
        |name: &str| asks(name).is_some_and(|asks| matches!(asks, Asks::Always | Asks::NotAlways));
    let kinds = [
        ("sudo", "pam_service", &rules.services),
        ("sudo-i", "pam_login_service", &rules.login_services),
    ];
    let mut found = Vec::new();
    for (own, setting, names) in kinds {
        let open = names.iter().filter(|name| wired(own) && asks(name) != Some(Asks::Always));
        found.extend(open.map(|name| {
            in_file(
                sudoers_text::FILE,
                Level::WayIn,
                "sudo-other-service",
                format!("sudo calls the PAM service {name} in place of {own} ({setting}), and {name} does not always ask for a code."),
                "Remove that setting from sudoers (`visudo`), or let that service ask for a code.",
            )
        }));
    }
    found
}

/// Returns the warning that the service can give the rights of root and asks for no code.
#[must_use]
pub fn not_asked(service: &Judged) -> Finding {
    let first = service.first.join(" or ");
    let with = match first.as_str() {
        "" => "under a condition".to_owned(),
        "nothing" => "without any factor".to_owned(),
        factor => format!("with {factor} alone"),
    };
    let what = match service.gives == Gives::Root {
        true => "the rights of root",
        false => "a session, of root too,",
    };
    let file = service.file.clone().unwrap_or_else(|| format!("/etc/pam.d/{}", service.name));
    Finding {
        level: Level::Warning,
        id: "root-not-asked",
        place: file,
        what: format!("{} gives {what} {with}: no code is asked for.", service.name),
        remedy: format!(
            "Let it ask for a code: see pam_twinlock(8). To make this fail, write `protect = [\"{}\"]` in /etc/twinlock/accepted.toml.",
            service.name
        ),
    }
}
