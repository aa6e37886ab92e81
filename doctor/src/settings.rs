//! What twinlock's settings and records mean for a login, as far as doctor needs it.
use crate::finding::{Finding, Level};
use crate::judge::not_root::Lockers;
use crate::machine::ExaminedMachine;
use crate::pam::stack::{Facility, Service, StackKind};
use crate::pam::twinlock::{is_twinlock, read};

/// What twinlock's settings and records mean for the judgment of stacks.
#[derive(Clone, Debug, Default)]
pub struct DoctorSettings {
    /// Findings about errors in the settings because of which the module refuses every login.
    pub refusing: Vec<Finding>,
    /// Names of PAM services that a rule exempts from the code for all users.
    pub exempt: Vec<String>,
    /// Whether programs that are not root may have a code verified through the agent.
    pub lockers: Lockers,
    /// Whether the settings exempt any user from the code.
    pub exemptions: Exemptions,
    /// Whether the PAM line or the settings decide about users who are not enrolled.
    pub not_enrolled: Decider,
    /// What the settings decide about users who are not enrolled.
    pub strangers: Strangers,
    /// The rules and settings by which users log in without a code.
    pub lenient: Vec<Leniency>,
    /// Whether root can pass the check of a code.
    pub root: RootCode,
    /// Names of the enrolled accounts; `None` if no account is enrolled, or if the names are not known.
    pub enrolled: Option<Vec<String>>,
    /// Warnings about the host that do not belong to a service.
    pub machine: Vec<Finding>,
    /// Function that reads another settings file of the machine, one that a twinlock line names with `config=`. If it
    /// is `None`, such a file cannot be read, and `self` is used in its place.
    pub named: Option<fn(&ExaminedMachine, &str) -> DoctorSettings>,
}

/// A rule or setting by which users log in without a code.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Leniency {
    /// Name of the PAM service to which the rule or setting is limited; `None` if it applies to every service.
    pub service: Option<String>,
    /// The users who log in without a code, in a few words such as `not enrolled`.
    pub who: String,
    /// The finding that reports the rule or setting.
    pub finding: Finding,
}

/// What the settings decide about strangers, which are users who are not enrolled.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Strangers {
    /// Users who are not enrolled are refused, unless they can set up an authenticator app at the login.
    #[default]
    Refused,
    /// The decision is not known, because the settings could not be read.
    Unknown,
    /// Users who are not enrolled are let in without a code.
    LetIn,
}

/// Whether root can pass the check of a code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum RootCode {
    /// Root can pass: root is enrolled, or a rule exempts root.
    Has,
    /// It is not known whether root can pass, because the records were not read.
    #[default]
    Unknown,
    /// Root has no code, because root is not enrolled. The settings for users who are not enrolled apply to root.
    HasNone,
}

impl DoctorSettings {
    /// Returns the settings as they apply to one service. Each twinlock line of `service` can name a settings file with
    /// `config=`; a line that names none uses `self`. If the lines use several files, the result combines them.
    #[must_use]
    pub fn on(&self, service: &Service, machine: &ExaminedMachine) -> Self {
        let mut files: Vec<Option<String>> = Vec::new();
        for line in service.lines(Facility::Auth) {
            let StackKind::Module { path, args } = &line.kind else { continue };
            let Some(line) = read(args).line.filter(|_| is_twinlock(path)) else { continue };
            if !files.contains(&line.config) {
                files.push(line.config);
            }
        }
        let of = |file: &Option<String>| match (file, self.named) {
            (Some(path), Some(named)) => named(machine, path),
            (_, _) => self.clone(),
        };
        let each = files.iter().map(of).reduce(Self::and);
        each.unwrap_or_else(|| self.clone())
    }

    /// Combines the settings of two files. If two values differ, the one that lets in more users is kept.
    fn and(mut self, other: Self) -> Self {
        self.refusing.extend(other.refusing);
        self.lenient.extend(other.lenient);
        self.exempt.retain(|service| other.exempt.contains(service));
        self.lockers = self.lockers.min(other.lockers);
        self.exemptions = self.exemptions.max(other.exemptions);
        self.not_enrolled = self.not_enrolled.min(other.not_enrolled);
        self.strangers = self.strangers.max(other.strangers);
        self.root = self.root.max(other.root);
        self
    }

    /// Returns the rules and settings by which users of the service log in without a code.
    pub fn lenient_to<'a>(&'a self, service: &'a str) -> impl Iterator<Item = &'a Leniency> {
        let concerns =
            move |one: &&Leniency| one.service.as_ref().is_none_or(|other| other == service);
        self.lenient.iter().filter(concerns)
    }

    /// Returns the findings about the settings that concern the service, whose stack must call twinlock's module.
    pub fn findings<'a>(&'a self, service: &'a str) -> impl Iterator<Item = Finding> {
        let lenient = self.lenient_to(service).map(|one| &one.finding);
        self.refusing.iter().chain(lenient).cloned()
    }

    /// Adjusts findings about a stack to the settings. Removes the findings about `nullok` if the settings decide about
    /// users who are not enrolled. Turns a lock-out into a warning if it concerns no user: if no user is exempt, or if
    /// users get in without PAM (`passed_by`).
    pub fn settle(&self, findings: &mut Vec<Finding>, passed_by: bool) {
        if self.not_enrolled == Decider::Settings {
            findings.retain(|finding| finding.id != "nullok");
        }
        let nobody = |id: &str| match id {
            "exempt-shut-out" => self.exemptions == Exemptions::None,
            "nobody-gets-in" => passed_by,
            _ => false,
        };
        for finding in findings.iter_mut().filter(|one| nobody(one.id)) {
            finding.level = Level::Warning;
        }
    }
}

/// Whether the settings exempt any user from the code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Exemptions {
    /// No user is exempt.
    #[default]
    None,
    /// At least one user is exempt.
    Some,
}

/// Whether the PAM line or the settings decide about users who are not enrolled.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Decider {
    /// The PAM line decides: with the argument `nullok`, users who are not enrolled are let in.
    #[default]
    Line,
    /// The settings decide. The argument `nullok` has no effect.
    Settings,
}
