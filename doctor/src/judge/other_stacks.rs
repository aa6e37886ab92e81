//! Finds account and session lines that refuse every user. A login then fails although every factor is correct.
use crate::finding::{Finding, Level};
use crate::judge::lines::ModuleFile;
use crate::pam::census::{Census, CensusAccount};
use crate::pam::code::{PamCode, all};
use crate::pam::control::ControlAction;
use crate::pam::dispatch::{StackOutcome, dispatch};
use crate::pam::modules::file_name;
use crate::pam::stack::{Facility, Handler, Service, StackKind};

/// Maximum number of runs of a stack for one account. If more would be needed, the stack is taken to accept.
const RUNS_MAX: usize = 4096;
/// Maximum number of accounts for which a stack is run.
const PEOPLE_MAX: usize = 1000;
/// Answers of a module that tests the account, for an account that does not pass the test.
const REFUSALS: [PamCode; 2] = [PamCode::AUTH_ERR, PamCode::PERM_DENIED];

/// Returns a finding for the account lines and one for the session lines, if they refuse every account that `census`
/// knows. `module` looks up the file of a module. `called` are those of the two kinds of lines that the program of the
/// service runs.
pub fn judge(
    service: &Service,
    module: &dyn Fn(&str) -> ModuleFile,
    census: &dyn Fn(&[Handler]) -> std::rc::Rc<Census>,
    called: &[Facility],
) -> Vec<Finding> {
    let of = |facility: Facility| {
        let lines = service.lines(facility);
        if lines.is_empty() {
            // A tree of settings may lack the file of `other`, from which libpam takes the lines. See `absent`.
            return None;
        }
        let census = census(lines);
        let stack = OtherStack { lines, facility, module, census: &census };
        stack.refusal().map(|outcome| stack.finding(&outcome, service))
    };
    called.iter().copied().filter_map(of).collect()
}

/// Returns a finding for the account lines and one for the session lines, if neither the service nor the service
/// `other` has such lines: libpam then refuses every user. The file of `other` must be known.
pub fn absent(service: &Service) -> Vec<Finding> {
    let kinds = [
        (Facility::Account, "account-refuses", "account"),
        (Facility::Session, "session-refuses", "session"),
    ];
    let missing = kinds.into_iter().filter(|(facility, _, _)| service.lines(*facility).is_empty());
    let finding = |(_, id, word)| Finding {
        level: Level::LockOut,
        id,
        place: service.file.clone().unwrap_or_else(|| OTHER.to_owned()),
        what: format!(
            "No login is possible: there are no {word} lines, neither here nor in {OTHER}."
        ),
        remedy: format!("Add the {word} lines that the distribution's file has."),
    };
    missing.map(finding).collect()
}

/// Path of the file from which libpam takes lines of a type of which the service has none.
const OTHER: &str = "/etc/pam.d/other";

/// Files whose existence makes pam_nologin refuse all users but root, unless the argument `file=` names another.
const NOLOGIN: [&str; 2] = ["/var/run/nologin", "/etc/nologin"];

/// Returns a finding if pam_nologin refuses all users but root now, because its file exists. `exists` reports whether a
/// file exists.
pub fn nologin(service: &Service, exists: &dyn Fn(&str) -> bool) -> Option<Finding> {
    let lines = [Facility::Auth, Facility::Account].into_iter();
    let mut lines = lines.flat_map(|facility| service.lines(facility));
    lines.find_map(|line| {
        let StackKind::Module { path, args } = &line.kind else { return None };
        let refuses = line.actions.on(PamCode::AUTH_ERR);
        let refuses = matches!(refuses, ControlAction::Bad | ControlAction::Die);
        let named = args.iter().rev().find_map(|arg| arg.strip_prefix("file="));
        let files = named.map_or(NOLOGIN.to_vec(), |file| vec![file]);
        let is_called = file_name(path) == "pam_nologin.so" && refuses;
        let file = files.into_iter().find(|file| is_called && exists(file))?;
        Some(Finding {
            level: Level::LockOut,
            id: "nologin",
            place: line.place.to_string(),
            what: format!("{file} exists, so pam_nologin refuses all users but root now."),
            remedy: format!("Remove {file}, once it has served its purpose."),
        })
    })
}

/// The lines of one type of a service, and what their modules answer.
struct OtherStack<'a> {
    lines: &'a [Handler],
    facility: Facility,
    module: &'a dyn Fn(&str) -> ModuleFile,
    census: &'a Census,
}

impl OtherStack<'_> {
    /// Returns a run of the stack that refuses; `None` if the stack may accept some account.
    fn refusal(&self) -> Option<StackOutcome> {
        let known = self.census.people.as_deref().map_or([].as_slice(), Vec::as_slice);
        if known.is_empty() {
            return self.refused(None);
        }
        // If root alone passes, all others are locked out.
        let others = known.iter().filter(|one| one.uid != 0);
        let mut people: Vec<&CensusAccount> = others.collect();
        if people.is_empty() {
            people = known.iter().collect();
        }
        if people.len() > PEOPLE_MAX {
            return None;
        }
        let mut last = None;
        for person in people {
            last = Some(self.refused(Some(person))?);
        }
        last
    }

    /// Runs the stack with every answer that the modules may give for the account. Returns the first run if each of
    /// them refuses; `None` if one accepts, or if there are too many.
    fn refused(&self, person: Option<&CensusAccount>) -> Option<StackOutcome> {
        let answers: Vec<Vec<PamCode>> =
            self.lines.iter().map(|line| self.answers(line, person)).collect();
        let mut first = None;
        let mut chosen: Vec<(usize, usize)> = Vec::new();
        for _ in 0..RUNS_MAX {
            let outcome = self.run(&answers, &mut chosen);
            if self.accepts(outcome.code) {
                return None;
            }
            first.get_or_insert(outcome);
            loop {
                let Some((line, choice)) = chosen.pop() else { return first };
                if answers.get(line).is_some_and(|all| choice + 1 < all.len()) {
                    chosen.push((line, choice + 1));
                    break;
                }
            }
        }
        None
    }

    fn run(&self, answers: &[Vec<PamCode>], chosen: &mut Vec<(usize, usize)>) -> StackOutcome {
        dispatch(self.lines, &mut |handler| {
            let number = self.lines.iter().position(|line| std::ptr::eq(line, handler));
            let number = number.unwrap_or_default();
            let choice = chosen.iter().find(|(line, _)| *line == number).map(|(_, choice)| *choice);
            if choice.is_none() {
                chosen.push((number, 0));
            }
            let all = answers.get(number).map_or([].as_slice(), Vec::as_slice);
            all.get(choice.unwrap_or(0)).copied().unwrap_or(PamCode::PERM_DENIED)
        })
    }

    fn accepts(&self, code: PamCode) -> bool {
        // sshd and login let a user in whose password must be changed, after the change.
        let changes = self.facility == Facility::Account && code == PamCode::NEW_AUTHTOK_REQD;
        code == PamCode::SUCCESS || changes
    }

    /// Returns the codes that the module of a line may return for an account. If it is known whether the account passes
    /// the test of the module, only codes that say so.
    fn answers(&self, line: &Handler, person: Option<&CensusAccount>) -> Vec<PamCode> {
        let StackKind::Module { path, args } = &line.kind else {
            return vec![PamCode::PERM_DENIED];
        };
        if (self.module)(path) == ModuleFile::Missing {
            return vec![PamCode::MODULE_UNKNOWN];
        }
        let holds = person.and_then(|person| self.census.holds(path, args, person));
        match (file_name(path), holds) {
            ("pam_permit.so", _) | (_, Some(true)) => vec![PamCode::SUCCESS],
            ("pam_deny.so", _) => vec![PamCode::AUTH_ERR],
            (_, Some(false)) => distinct(line, REFUSALS.into_iter()),
            (_, None) => distinct(line, all().filter(|code| *code != PamCode::INCOMPLETE)),
        }
    }

    fn finding(&self, outcome: &StackOutcome, service: &Service) -> Finding {
        let (id, word) = match self.facility {
            Facility::Account => ("account-refuses", "account"),
            Facility::Session | Facility::Auth | Facility::Password => {
                ("session-refuses", "session")
            }
        };
        let refuses = |line: &&Handler, code: PamCode| {
            matches!(line.actions.on(code), ControlAction::Bad | ControlAction::Die)
        };
        let mut steps = outcome.steps.iter();
        let blamed = steps
            .find_map(|step| self.lines.get(step.line).filter(|line| refuses(line, step.returned)));
        let file = || service.file.clone().unwrap_or_else(|| OTHER.to_owned());
        Finding {
            level: Level::LockOut,
            id,
            place: blamed.map_or_else(file, |line| line.place.to_string()),
            what: format!("No login is possible: the {word} lines refuse every user."),
            remedy: format!(
                "Correct the {word} lines: one of them must succeed, and none may refuse a user who is to log in."
            ),
        }
    }
}

/// Returns `codes` without each code that has the same effect on the line as an earlier one.
fn distinct(line: &Handler, codes: impl Iterator<Item = PamCode>) -> Vec<PamCode> {
    let mut seen: Vec<(ControlAction, bool)> = Vec::new();
    let mut found = Vec::new();
    for code in codes {
        let effect = (line.actions.on(code), code == PamCode::SUCCESS);
        if !seen.contains(&effect) {
            seen.push(effect);
            found.push(code);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;
    use crate::pam::load::load;
    use crate::pam::load::tests::tree;

    /// Returns the names of the findings about a service with these lines. The accounts are root and ada, and the list
    /// of pam_access refuses ada.
    fn ids(lines: &str) -> Vec<&'static str> {
        let files = tree(&[("/etc/pam.d/t", &format!("session required pam_permit.so\n{lines}"))]);
        let service = load(&files, "t").unwrap();
        let module = |path: &str| match path {
            "pam_gone.so" => ModuleFile::Missing,
            _ => ModuleFile::Unknown,
        };
        let account = |name: &str, uid: u32| CensusAccount {
            name: name.to_owned(),
            uid,
            groups: Vec::new(),
            shell: Some("/bin/sh".to_owned()),
        };
        let people = Some(Rc::new(vec![account("root", 0), account("ada", 1000)]));
        let list = ("/etc/security/access.conf".to_owned(), "-:ada:ALL\n".to_owned());
        let census = Rc::new(Census { people, lists: [list].into_iter().collect() });
        let both = [Facility::Account, Facility::Session];
        judge(&service, &module, &|_| Rc::clone(&census), &both)
            .into_iter()
            .map(|one| one.id)
            .collect()
    }

    #[test]
    fn lines_that_refuse_everybody_are_found() {
        let refuses = ["account-refuses"].as_slice();
        for (lines, expected) in [
            ("account required pam_unix.so\n", &[][..]),
            ("account required pam_deny.so\n", refuses),
            ("account required pam_gone.so\n", refuses),
            ("-account required pam_gone.so\naccount required pam_unix.so\n", refuses),
            ("account optional pam_gone.so\naccount required pam_unix.so\n", &[]),
            ("account include nothing\n", refuses),
            ("account sufficient pam_localuser.so\naccount required pam_deny.so\n", &[]),
            (
                "account [success=1 default=ignore] pam_unix.so\naccount requisite pam_deny.so\naccount required pam_permit.so\n",
                &[],
            ),
            (
                "account [success=2 default=ignore] pam_unix.so\naccount requisite pam_deny.so\naccount required pam_deny.so\n",
                refuses,
            ),
            ("account required pam_access.so\naccount required pam_unix.so\n", refuses),
            ("account sufficient pam_access.so\naccount required pam_unix.so\n", &[]),
            (
                "account required pam_succeed_if.so uid < 1000\naccount required pam_unix.so\n",
                refuses,
            ),
            ("account required pam_succeed_if.so uid >= 1000\naccount required pam_unix.so\n", &[]),
            ("account required pam_x.so\naccount required pam_y.so\n", &[]),
            ("account required pam_unix.so\nsession requisite pam_deny.so\n", &["session-refuses"]),
            ("account required pam_unix.so\nsession optional pam_deny.so\n", &[]),
        ] {
            assert_eq!(ids(lines), expected, "{lines}");
        }
    }
}
