//! Judges one PAM service other than sshd.
use std::rc::Rc;

use crate::finding::{Finding, Level};
use crate::judge;
use crate::judge::case::{Case, Processes, Reach};
use crate::judge::lines::ModuleFile;
use crate::pam::census::Census;
use crate::pam::code::PamCode;
use crate::pam::libpam::Libpam;
use crate::pam::modules::file_name;
use crate::pam::stack::{Facility, Handler, Service, StackKind};
use crate::pam::table::{CaseTable, tabulate};
use crate::pam::twinlock::is_twinlock;
use crate::services::catalogue::{self, DoorCaller, Gives};
use crate::services::effect::Effect;
use crate::services::locked_out;
use crate::settings::DoctorSettings;

/// Whether the findings of a service decide the exit status, and why.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Counts {
    /// The findings decide the exit status, because a line of the service names twinlock's module, or the service is
    /// sshd.
    Wired,
    /// The findings decide the exit status, because accepted.toml says that the service must ask for a code.
    Protected,
    /// The findings do not decide the exit status: the service is only listed.
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
    /// Whether a login needs a code depends on something that is not known.
    Unknown,
    /// No person logs in through the service, so no user is asked.
    Nobody,
}

/// The judgment of one service.
#[derive(Clone, Debug)]
pub struct Judged {
    /// Name of the service.
    pub name: String,
    /// What a user gains by a login through the service.
    pub gives: Gives,
    /// Path of the service's PAM file. `None` if it has none; libpam then uses the file of the service `other`.
    pub file: Option<String>,
    /// Whether the findings of the service decide the exit status.
    pub counts: Counts,
    /// Whether the service asks for a code.
    pub asks: Asks,
    /// The first factors, such as `password`. Any one of them is enough together with a code.
    pub first: Vec<String>,
    /// When, or to which users, the service grants access without a code; each entry in a few words.
    pub exceptions: Vec<String>,
    /// Which users cannot log in, each group in a few words.
    pub locked_out: Vec<String>,
    /// The findings about the service, in the order of the report.
    pub findings: Vec<Finding>,
}

/// Facts about the machine that are needed to judge a service.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// Looks up the file of a PAM module.
    pub module: &'a dyn Fn(&str) -> ModuleFile,
    /// Takes the lines of a stack. Returns the accounts of the machine, and the texts of the files by which these lines
    /// test an account.
    pub census: &'a dyn Fn(&[Handler]) -> Rc<Census>,
    /// Which libpam the machine has.
    pub libpam: Libpam,
    /// What twinlock's settings mean for the service.
    pub settings: &'a DoctorSettings,
    /// Names of services that must ask for a code.
    pub protected: &'a [String],
    /// Whether sudo asks for the password of root or of the target user. It then asks for the code of that user as
    /// well.
    pub target_is_root: bool,
}

impl Surroundings<'_> {
    /// Returns the truth table of a service (the result for each combination of factors), without the rows of users
    /// with a key, because only sshd verifies keys. If pam_rootok tests the id of the calling user, the rows in which
    /// it succeeds are also left out, because such a caller is root already.
    #[must_use]
    pub fn table(&self, name: &str, service: &Service) -> CaseTable {
        let present = |path: &str| (self.module)(path) != ModuleFile::Missing;
        let auth = service.lines(Facility::Auth);
        let table = tabulate(auth, &present).with_libpam(self.libpam);
        let mut table = table.seen_by(Some((self.census)(auth)));
        if catalogue::find(name).is_some_and(|door| door.caller == DoorCaller::User) {
            without_root(&mut table);
        }
        // Only sshd verifies keys.
        table.rows.retain(|row| !row.world.key);
        table
    }

    /// Judges the service `name`. `service` contains its loaded files.
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
        let rootok =
            door.is_some_and(|door| door.caller == DoorCaller::User) && names_rootok(service);
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
            let called: &[Facility] = match catalogue::opens_session(name) {
                true => &[Facility::Account, Facility::Session],
                false => &[Facility::Account],
            };
            found.extend(judge::other_stacks::judge(service, self.module, self.census, called));
            found.extend(self.settings.refusing.iter().cloned());
            found.extend(self.settings.lenient_to(name).map(|one| one.finding.clone()));
        }
        if !self.settings.exempt.iter().any(|other| other == name)
            && judge::not_root::SERVICES.contains(&name)
        {
            found.extend(judge::not_root::judge(name, service, self.settings.lockers));
        }
        if catalogue::find(name).is_some_and(|door| door.gives == Gives::OwnCheck) {
            found.push(own_check(name, &file));
        }
        judge::remedies::copy_first(&mut found);
        self.settings.settle(&mut found, false);
        found
    }
}

/// Returns the finding that the program of the service `name` checks passwords itself and runs no auth line. `file` is
/// the service's PAM file.
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

/// Reports whether an auth or account line of the service names twinlock's module.
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

/// Removes the rows (combinations of factors, with the result) in which pam_rootok succeeds.
fn without_root(table: &mut CaseTable) {
    let lines = table.cast.iter().enumerate();
    let of_root: Vec<usize> =
        lines.filter(|(_, line)| is_rootok(&line.handler)).map(|(number, _)| number).collect();
    table.rows.retain(|row| {
        let root = |line: &usize| of_root.contains(line);
        !row.steps.iter().any(|step| root(&step.line) && step.returned == PamCode::SUCCESS)
    });
}
