//! What twinlock's settings and records mean for a login.
use crate::finding::{Finding, Level};
use crate::machine::Machine;
use crate::pam::stack::{Facility, Service, StackKind};
use crate::pam::twinlock::{is_twinlock, read};

/// Effects of twinlock's settings on every stack.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Findings about settings with which the module refuses every login.
    pub refusing: Vec<Finding>,
    /// Services that a rule exempts for all users.
    pub exempt: Vec<String>,
    /// Whether the settings exempt any user.
    pub exemptions: Exemptions,
    /// What decides how to treat users who are not enrolled.
    pub not_enrolled: Decider,
    /// How the settings treat a user who is not enrolled.
    pub strangers: Strangers,
    /// The settings and rules by which users log in without a code.
    pub lenient: Vec<Leniency>,
    /// Whether root has a code.
    pub root: RootCode,
    /// The accounts with a code; `None` if they are not known, or there are none.
    pub enrolled: Option<Vec<String>>,
    /// Warnings about the machine that belong to no service.
    pub machine: Vec<Finding>,
    /// Reads another settings file, which the argument `config=` of a line names; `None` if that is not possible.
    pub named: Option<fn(&Machine, &str) -> Settings>,
}

/// A rule or setting by which users log in without a code.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Leniency {
    /// The only service to which the rule or setting applies; `None` if it applies to all.
    pub service: Option<String>,
    /// Which users log in without a code, in a few words.
    pub who: String,
    /// The finding about the rule or setting.
    pub finding: Finding,
}

/// How the settings treat a user who is not enrolled.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Strangers {
    /// The user is refused, at least until the user sets up an app at the login.
    #[default]
    Refused,
    /// It is not known, because the settings could not be read.
    Unknown,
    /// The user is let in.
    LetIn,
}

/// Whether root has a code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum RootCode {
    /// Root is enrolled, or a rule exempts root.
    Has,
    /// It is not known, because the records were not read.
    #[default]
    Unknown,
    /// Root is not enrolled. The settings treat root like other users who are not enrolled.
    HasNone,
}

impl Settings {
    /// Returns the effects of the settings on one service: the effects of each settings file that a line of the service
    /// names, and `self` if a line names no file.
    #[must_use]
    pub fn on(&self, service: &Service, machine: &Machine) -> Self {
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

    /// Combines the effects of two settings files. Of two values, the more dangerous one counts.
    fn and(mut self, other: Self) -> Self {
        self.refusing.extend(other.refusing);
        self.lenient.extend(other.lenient);
        self.exempt.retain(|service| other.exempt.contains(service));
        self.exemptions = self.exemptions.max(other.exemptions);
        self.not_enrolled = self.not_enrolled.min(other.not_enrolled);
        self.strangers = self.strangers.max(other.strangers);
        self.root = self.root.max(other.root);
        self
    }

    /// Returns the rules and settings by which users of this service log in without a code.
    pub fn lenient_to<'a>(&'a self, service: &'a str) -> impl Iterator<Item = &'a Leniency> {
        let concerns =
            move |one: &&Leniency| one.service.as_ref().is_none_or(|other| other == service);
        self.lenient.iter().filter(concerns)
    }

    /// Returns the findings that concern a service whose stack calls the module.
    pub fn findings<'a>(&'a self, service: &'a str) -> impl Iterator<Item = Finding> {
        let lenient = self.lenient_to(service).map(|one| &one.finding);
        self.refusing.iter().chain(lenient).cloned()
    }

    /// Adjusts findings about a stack to the settings. A lock-out becomes a warning if it locks out nobody: no user is
    /// exempt, or users get in without PAM (`passed_by`).
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

/// Whether the settings exempt any user.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Exemptions {
    /// No user is exempt.
    #[default]
    None,
    /// At least one user is exempt.
    Some,
}

/// What decides how to treat users who are not enrolled.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Decider {
    /// The PAM line, by its argument `nullok`.
    #[default]
    Line,
    /// The settings, whatever the PAM line says.
    Settings,
}
