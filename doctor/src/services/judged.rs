//! Judges one PAM service that is not sshd.
use std::rc::Rc;

use crate::finding::{Finding, Level};
use crate::judge;
use crate::judge::case::{Case, Processes, Reach};
use crate::judge::lines::ModuleFile;
use crate::pam::census::Census;
use crate::pam::code::PamCode;
use crate::pam::modules::file_name;
use crate::pam::stack::{Facility, Handler, Service, StackKind};
use crate::pam::table::{CaseTable, tabulate};
use crate::pam::twinlock::is_twinlock;
use crate::services::catalogue::{self, Caller, Gives};
use crate::services::effect::Effect;
use crate::services::locked_out;
use crate::settings::Settings;

/// Why a service counts in the exit status.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Counts {
    /// The stack of the service names twinlock's module, or the service is sshd.
    Wired,
    /// accepted.toml protects the service.
    Protected,
    /// The service does not count.
    No,
}

/// Whether a service asks for a code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Asks {
    /// Every login needs a code.
    Always,
    /// At least one login needs no code, and at least one needs a code.
    NotAlways,
    /// No login needs a code.
    Never,
    /// The answer depends on something that is not known.
    Unknown,
    /// No person is asked anything.
    Nobody,
}

/// The verdict on one service, and the facts that lead to it.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The name of the service.
    pub name: String,
    /// What a login through the service gives.
    pub gives: Gives,
    /// The PAM file of the service; `None` if libpam uses the file of the service `other`.
    pub file: Option<String>,
    /// Whether the service counts in the exit status.
    pub counts: Counts,
    /// Whether the service asks for a code.
    pub asks: Asks,
    /// What the service asks for besides a code.
    pub first: Vec<String>,
    /// The conditions under which a user needs no code, in a few words each.
    pub exceptions: Vec<String>,
    /// The users who cannot log in, in a few words each.
    pub locked_out: Vec<String>,
    /// The findings about the service.
    pub findings: Vec<Finding>,
}

/// What is known about the machine when a service is judged.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// Looks up the file of a module.
    pub module: &'a dyn Fn(&str) -> ModuleFile,
    /// Looks up the accounts that the conditions of a stack ask about.
    pub census: &'a dyn Fn(&[Handler]) -> Rc<Census>,
    /// Effects of twinlock's settings.
    pub settings: &'a Settings,
    /// Services that have to ask for a code.
    pub protected: &'a [String],
    /// Whether sudo asks for the password of root.
    pub target_is_root: bool,
}

impl Surroundings<'_> {
    /// Returns the truth table of a service. Leaves out the rows of callers who are root if pam_rootok sees the caller,
    /// because root has all rights already.
    #[must_use]
    pub fn table(&self, name: &str, service: &Service) -> CaseTable {
        let present = |path: &str| (self.module)(path) != ModuleFile::Missing;
        let auth = service.lines(Facility::Auth);
        let mut table = tabulate(auth, &present).seen_by(Some((self.census)(auth)));
        if catalogue::find(name).is_some_and(|door| door.caller == Caller::User) {
            without_root(&mut table);
        }
        // Only sshd verifies keys.
        table.rows.retain(|row| !row.world.key);
        table
    }

    /// Judges a loaded service.
    #[must_use]
    pub fn judge(&self, name: &str, service: &Service) -> Judged {
        let door = catalogue::find(name);
        let gives = door.map_or(Gives::Unknown, |door| door.gives);
        let table = self.table(name, service);
        let counts = self.counts(name, service);
        let findings = match counts {
            Counts::No => Vec::new(),
            Counts::Wired | Counts::Protected => self.findings(name, service, &table),
        };
        let effect = Effect::of(&table);
        let rootok = door.is_some_and(|door| door.caller == Caller::User) && names_rootok(service);
        let mut exceptions = effect.exceptions.clone();
        exceptions.extend(rootok.then(|| "root".to_owned()));
        let asks = asks(gives, counts, &findings);
        if counts == Counts::Wired {
            exceptions.extend(self.settings.lenient_to(name).map(|one| one.who.clone()));
        }
        let asked = counts == Counts::Wired && asks != Asks::Never;
        let locked_out = if asked {
            locked_out::of(self.settings, self.target_is_root, name, &table, &findings)
        } else {
            Vec::new()
        };
        Judged {
            name: name.to_owned(),
            gives,
            file: service.file.clone(),
            counts,
            asks,
            first: effect.first,
            exceptions,
            locked_out,
            findings,
        }
    }

    fn counts(&self, name: &str, service: &Service) -> Counts {
        match (names_module(service), self.protected.iter().any(|one| one == name)) {
            (true, _) => Counts::Wired,
            (false, true) => Counts::Protected,
            (false, false) => Counts::No,
        }
    }

    fn findings(&self, name: &str, service: &Service, table: &CaseTable) -> Vec<Finding> {
        let file = service.file.clone().unwrap_or_else(|| format!("/etc/pam.d/{name}"));
        let reach = Reach { without_key: true, with_key: false };
        let usable = &judge::usable::covered(reach);
        let credentials = Processes { apart: false, same: true };
        let case =
            Case { table, file: &file, service: name, reach, wanted: reach, credentials, usable };
        let recipe = if Effect::of(table).gets_in { case.recipe() } else { String::new() };
        let mut named = service.clone();
        named.file = Some(file.clone());
        let mut found = judge::lines::judge(&named, self.module, &recipe, false);
        let wired =
            service.unusable.is_none() && !found.iter().any(|finding| finding.id == "not-wired");
        if wired {
            found.extend(judge::stack(&case));
            found.extend(judge::twice::judge(&case));
            found.extend(self.settings.refusing.iter().cloned());
            found.extend(self.settings.lenient_to(name).map(|one| one.finding.clone()));
        }
        if !self.settings.exempt.iter().any(|other| other == name)
            && judge::not_root::SERVICES.contains(&name)
        {
            found.extend(judge::not_root::judge(name, service));
        }
        if catalogue::find(name).is_some_and(|door| door.gives == Gives::OwnCheck) {
            found.push(own_check(name, &file));
        }
        self.settings.settle(&mut found, false);
        found
    }
}

/// Returns a finding about a program that calls no auth line.
fn own_check(name: &str, file: &str) -> Finding {
    Finding {
        level: Level::WayIn,
        id: "auth-not-called",
        place: file.to_owned(),
        what: format!(
            "The program checks the passwords of {name} itself and calls no auth line: a {name} password alone opens files."
        ),
        remedy:
            "No line in this file changes that. Restrict the service to a network, or accept it in \
                 /etc/twinlock/accepted.toml."
                .to_owned(),
    }
}

fn asks(gives: Gives, counts: Counts, findings: &[Finding]) -> Asks {
    let any = |level: Level| findings.iter().any(|one| one.level == level);
    match counts {
        Counts::No if !gives.is_way_in() => Asks::Nobody,
        Counts::No => Asks::Never,
        Counts::Wired | Counts::Protected => {
            let never = ["not-wired", "auth-not-called"];
            if findings.iter().any(|one| never.contains(&one.id)) {
                Asks::Never
            } else if any(Level::WayIn) || any(Level::Exception) {
                Asks::NotAlways
            } else if any(Level::Unknown) {
                Asks::Unknown
            } else {
                Asks::Always
            }
        }
    }
}

/// Reports whether an auth line of the service names twinlock's module.
#[must_use]
pub fn names_module(service: &Service) -> bool {
    [Facility::Auth, Facility::Account].into_iter().any(|facility| {
        let ours = |line: &Handler| matches!(&line.kind, StackKind::Module { path, .. } if is_twinlock(path));
        service.lines(facility).iter().any(ours)
    })
}

fn names_rootok(service: &Service) -> bool {
    service.lines(Facility::Auth).iter().any(is_rootok)
}

fn is_rootok(line: &Handler) -> bool {
    matches!(&line.kind, StackKind::Module { path, .. } if file_name(path) == "pam_rootok.so")
}

/// Removes the rows in which pam_rootok succeeds, unless none is left.
fn without_root(table: &mut CaseTable) {
    let lines = table.cast.iter().enumerate();
    let of_root: Vec<usize> =
        lines.filter(|(_, line)| is_rootok(&line.handler)).map(|(number, _)| number).collect();
    table.rows.retain(|row| {
        let root = |line: &usize| of_root.contains(line);
        !row.steps.iter().any(|step| root(&step.line) && step.returned == PamCode::SUCCESS)
    });
}
