//! Judges every PAM service of the host, sshd included.
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use crate::acceptance::Acceptance;
use crate::examine;
use crate::finding::{Finding, Level};
use crate::judge::lines::ModuleFile;
use crate::machine::{ExaminedMachine, ProbeError};
use crate::pam::load::{Files, load};
use crate::pam::stack::{Handler, Service};
use crate::pam::table::CaseTable;
use crate::report::{DoctorVerdict, Rows};
use crate::services::catalogue::{self, Gives};
use crate::services::effect::Effect;
use crate::services::judged::{Asks, Counts, Judged, Surroundings};
use crate::services::list::{self, ServiceNames};
use crate::services::locked_out;
use crate::services::polkit;
use crate::services::read_once::ReadOnce;
use crate::services::root_doors::{self, SudoRules};
use crate::settings::DoctorSettings;

/// The judgment of every PAM service of the host.
#[derive(Debug)]
pub struct HostReport {
    /// The judged services, sshd first, then the others by name.
    pub services: Vec<Judged>,
    /// Names of PAM files that are only parts of services: another service includes them, and no known program calls
    /// them.
    pub parts: Vec<String>,
    /// Names of old copies of PAM files, such as `sudo.dpkg-old`.
    pub copies: Vec<String>,
    /// Names of known services whose programs are not installed.
    pub not_installed: Vec<String>,
    /// Findings about the host that do not belong to a single service.
    pub findings: Vec<Finding>,
}

/// Judges every PAM service of the machine.
#[must_use]
pub fn examine(machine: &ExaminedMachine, settings: &DoctorSettings) -> HostReport {
    let acceptance = Acceptance::of(machine);
    let sudo = SudoRules::of(machine);
    let modules: RefCell<BTreeMap<String, ModuleFile>> = RefCell::default();
    let module = |path: &str| {
        let mut known = modules.borrow_mut();
        known.entry(path.to_owned()).or_insert_with(|| machine.module(path)).clone()
    };
    let census = |stack: &[Handler]| machine.census(stack, settings.enrolled.as_deref());
    let around = Surroundings {
        module: &module,
        census: &census,
        libpam: machine.libpam(),
        settings,
        protected: acceptance.protected(),
        target_is_root: sudo.rules.of_target,
    };
    let listed = list::names(machine);
    let unlisted = listed.as_ref().err().map(|error| unreadable("*", &error.to_string()));
    let mut names = listed.unwrap_or_default();
    add_called(machine, &sudo, &mut names, acceptance.protected());
    let mut report = HostReport::empty(names.copies);
    report.findings.extend(unlisted);
    report.services.extend(ssh(machine, &around, &mut report.findings));
    report.judge_all(machine, &around, names.services);
    report.add_sudo(&sudo, machine);
    report.warn_of_doors();
    let asks = report.counted().next().is_some();
    report.findings.extend(if asks { settings.machine.clone() } else { vec![nothing_asks()] });
    for one in &mut report.services {
        acceptance.mark(&one.name, &mut one.findings);
        one.findings.sort_by(Finding::in_report);
    }
    // accepted.toml has an error, so it is not known whether it protects services that do not count now.
    let unusable = acceptance.unusable.clone();
    report.findings.extend(unusable.map(|found| Finding { level: Level::Unknown, ..found }));
    report
}

/// Judges only the service `name`, with the rules of sudoers, doas or polkit that apply to it. Returns the judgment and
/// the truth table. A service that gives access to a person must ask for a code here, even if its findings do not count
/// in the verdict on the whole host.
#[must_use]
pub fn one(
    machine: &ExaminedMachine,
    settings: &DoctorSettings,
    name: &str,
    service: &Service,
) -> (Judged, CaseTable) {
    let acceptance = Acceptance::of(machine);
    let sudo = SudoRules::of(machine);
    let is_way_in = catalogue::find(name).is_none_or(|door| door.gives.is_way_in());
    let protected: Vec<String> = is_way_in.then(|| name.to_owned()).into_iter().collect();
    let settings = settings.on(service, machine);
    let census = |stack: &[Handler]| machine.census(stack, settings.enrolled.as_deref());
    let around = Surroundings {
        module: &|path| machine.module(path),
        census: &census,
        libpam: machine.libpam(),
        settings: &settings,
        protected: &protected,
        target_is_root: sudo.rules.of_target,
    };
    let mut report = HostReport::empty(Vec::new());
    report.services.push(around.judge(name, service));
    report.add_sudo(&sudo, machine);
    let mut judged = report.services.remove(0);
    judged.findings.extend(machine.unloadable(service));
    acceptance.apply(name, &mut judged.findings);
    judged.findings.sort_by(Finding::in_report);
    (judged, around.table(name, service))
}

/// Adds services to `names` that may have no PAM file: those of installed programs, those that sudo calls, and those of
/// `protected` (accepted.toml).
fn add_called(
    machine: &ExaminedMachine,
    sudo: &SudoRules,
    names: &mut ServiceNames,
    protected: &[String],
) {
    let called = catalogue::called_without_file().filter(|name| {
        let programs = catalogue::find(name).map_or([].as_slice(), |door| door.programs);
        programs.iter().any(|program| machine.has_program(program))
    });
    let of_sudo = sudo.rules.services.iter().chain(&sudo.rules.login_services).cloned();
    let mut all: Vec<String> = called.map(str::to_owned).collect();
    all.extend(of_sudo.map(|name| name.to_ascii_lowercase()).chain(protected.iter().cloned()));
    for name in all.into_iter().filter(|name| !name.contains('/')) {
        if !names.services.contains(&name) {
            names.services.push(name);
        }
    }
    names.services.sort();
}

/// Reports whether a program that calls the service `name` is installed. Returns `true` if its programs are not known,
/// or if the tree of the machine contains no programs at all.
fn is_installed(machine: &ExaminedMachine, name: &str) -> bool {
    let programs = catalogue::find(name).map_or([].as_slice(), |door| door.programs);
    programs.is_empty()
        || !machine.has_programs()
        || programs.iter().any(|one| machine.has_program(one))
}

fn unreadable(name: &str, error: &str) -> Finding {
    Finding {
        level: Level::Unknown,
        id: "service-unread",
        place: format!("/etc/pam.d/{name}"),
        what: format!("The service cannot be judged: {}.", error.replace('\n', "; ")),
        remedy: "Run `twinlock doctor` as root.".to_owned(),
    }
}

/// Returns the finding that no service asks for a code. Without this finding, the verdict on the host would be
/// `closed`.
fn nothing_asks() -> Finding {
    Finding {
        level: Level::WayIn,
        id: "nothing-asks",
        place: "/etc/pam.d".to_owned(),
        what: "No service names pam_twinlock.so, and accepted.toml protects none.".to_owned(),
        remedy:
            "Let a service ask for a code: see pam_twinlock(8). Then run `twinlock doctor` again."
                .to_owned(),
    }
}

/// Judges sshd; `None` if sshd is not installed. If sshd cannot be judged, adds the reason to `findings`.
fn ssh(
    machine: &ExaminedMachine,
    around: &Surroundings<'_>,
    findings: &mut Vec<Finding>,
) -> Option<Judged> {
    if matches!(machine.complaint(), Err(ProbeError::NoProgram)) {
        return None;
    }
    let mut judged = Judged {
        name: "sshd".to_owned(),
        gives: Gives::Session,
        file: Some("/etc/pam.d/sshd".to_owned()),
        counts: Counts::Wired,
        asks: Asks::Unknown,
        first: Vec::new(),
        exceptions: Vec::new(),
        locked_out: Vec::new(),
        findings: Vec::new(),
    };
    match examine::examine_all(machine, Rows::Wrong, around.settings) {
        Ok(report) => {
            judged.asks = match report.verdict() {
                DoctorVerdict::Unknown => Asks::Unknown,
                DoctorVerdict::Open | DoctorVerdict::OpenAndLockedOut => Asks::NotAlways,
                DoctorVerdict::LockedOut | DoctorVerdict::Closed => Asks::Always,
            };
            let lenient = around.settings.lenient_to("sshd").map(|one| one.who.clone());
            judged.exceptions.extend(lenient);
            if let Some(table) = &report.table {
                judged.first = Effect::with_key(table);
                judged.locked_out =
                    locked_out::of(around.settings, false, "sshd", table, &report.findings);
            }
            judged.findings = report.findings;
            Some(judged)
        }
        Err(hindrance) => {
            findings.push(unreadable("sshd", hindrance.what.trim_end_matches('.')));
            Some(judged)
        }
    }
}

impl HostReport {
    fn empty(copies: Vec<String>) -> Self {
        Self {
            services: Vec::new(),
            parts: Vec::new(),
            copies,
            not_installed: Vec::new(),
            findings: Vec::new(),
        }
    }

    /// Judges the services `names` other than sshd. Files that are only parts of other services, and services without
    /// an installed program, are only listed by name.
    fn judge_all(
        &mut self,
        machine: &ExaminedMachine,
        around: &Surroundings<'_>,
        names: Vec<String>,
    ) {
        let files = ReadOnce::new(machine);
        let mut loaded: Vec<(String, Service)> = Vec::new();
        let mut included: BTreeSet<String> = BTreeSet::new();
        for name in names.into_iter().filter(|name| name != "sshd") {
            match load(&files, &name) {
                Ok(service) => {
                    included.extend(list::included(&service).map(str::to_owned));
                    loaded.push((name, service));
                }
                Err(error) => self.findings.push(unreadable(&name, &error.to_string())),
            }
        }
        for (name, service) in &loaded {
            let protected = around.protected.contains(name);
            if !protected && list::is_part(name, &included) {
                self.parts.push(name.clone());
            } else if !protected && !is_installed(machine, name) {
                self.not_installed.push(name.clone());
            } else {
                let settings = around.settings.on(service, machine);
                let around = Surroundings { settings: &settings, ..*around };
                self.services.push(around.judge(name, service));
            }
        }
    }

    fn service(&mut self, name: &str) -> Option<&mut Judged> {
        self.services.iter_mut().find(|one| one.name == name)
    }

    /// Adds the findings about rules of sudo, doas and polkit to the services of these programs, if the findings of the
    /// service count in the exit status.
    fn add_sudo(&mut self, sudo: &SudoRules, machine: &ExaminedMachine) {
        let mut of_sudo = sudo.findings.clone();
        of_sudo.extend(root_doors::other_service(&sudo.rules, &self.services));
        let doas = root_doors::of_doas(machine);
        for (name, found) in
            [("sudo", of_sudo), ("doas", doas), ("polkit-1", polkit::judge(machine))]
        {
            let Some(one) = self.service(name).filter(|one| one.counts != Counts::No) else {
                continue;
            };
            if one.asks == Asks::Always && found.iter().any(|finding| finding.level == Level::WayIn)
            {
                one.asks = Asks::NotAlways;
            }
            one.exceptions.extend(
                found
                    .iter()
                    .any(|finding| finding.level == Level::WayIn)
                    .then(|| format!("rules of {name}")),
            );
            one.findings.extend(found);
        }
        for name in ["sudo", "sudo-i"] {
            if let Some(one) = self.service(name).filter(|one| one.counts != Counts::No) {
                one.exceptions.extend(sudo.unasked_for());
            }
        }
    }

    /// Adds a warning for each service that can give the rights of root without a code, if sudo, su or login names
    /// twinlock's module.
    fn warn_of_doors(&mut self) {
        let others = ["sudo", "sudo-i", "su", "su-l", "login"];
        let wired = self
            .services
            .iter()
            .any(|one| others.contains(&one.name.as_str()) && one.counts == Counts::Wired);
        if !wired {
            return;
        }
        let open = |one: &&mut Judged| {
            one.counts == Counts::No
                && one.gives.gives_root()
                && (!one.first.is_empty() || !one.exceptions.is_empty())
        };
        for one in self.services.iter_mut().filter(open) {
            one.findings = vec![root_doors::not_asked(one)];
        }
        let unknown: Vec<&str> = self
            .services
            .iter()
            .filter(|one| {
                one.counts == Counts::No
                    && one.gives == Gives::Unknown
                    && one.name != "other"
                    && !one.first.is_empty()
            })
            .map(|one| one.name.as_str())
            .collect();
        if !unknown.is_empty() {
            self.findings.push(Finding {
                level: Level::Warning,
                id: "service-not-known",
                place: "/etc/pam.d".to_owned(),
                what: format!("It is not known what these services give, and they ask for no code: {}.", unknown.join(", ")),
                remedy: "Remove the files of programs that are not installed. Name the services that matter in `protect` in /etc/twinlock/accepted.toml.".to_owned(),
            });
        }
    }
}
