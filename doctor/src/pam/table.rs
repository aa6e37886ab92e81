//! Truth table of a stack: combinations of factors, and whether libpam grants access.
use std::rc::Rc;

use crate::pam::census::Census;
use crate::pam::code::PamCode;
use crate::pam::credentials;
use crate::pam::dispatch::{StackOutcome, StackStep};
use crate::pam::modules::{Nature, Second, file_name, nature};
use crate::pam::stack::{Handler, LinePlace, StackKind};
use crate::pam::subject::{self, Subject};
use crate::pam::twinlock::{Arguments, ModuleAnswer, is_twinlock, read};
use crate::pam::worlds;

/// The first factor that a module in the stack checks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Password {
    /// The named module accepts the password; the others do not know the account.
    By(String),
    /// Every module returns this code.
    None(PamCode),
}

/// Answer of the modules of other second factors.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Other {
    /// Every such module fails, or there is none.
    Wrong,
    /// No such module knows the account.
    Unknown,
    /// Every such module succeeds.
    Right,
}

/// One combination of key, password, code, other second factors and answers of the conditions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct World {
    /// sshd has verified a public key.
    pub key: bool,
    /// The password or its equivalent.
    pub password: Password,
    /// Whether the user gives a correct code, or why twinlock's module verifies none.
    pub answer: ModuleAnswer,
    /// Answer of the modules of other second factors.
    pub other: Other,
    /// Answer of each condition. A condition that no line consults has its usual answer.
    pub conditions: Vec<PamCode>,
}

/// A row of the truth table: one combination of factors, and libpam's result.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CaseRow {
    /// The combination of factors.
    pub world: World,
    /// The code that libpam returns to the program.
    pub code: PamCode,
    /// The modules that were called.
    pub steps: Vec<StackStep>,
    /// Whether one of the accounts that have every factor can get these answers of the conditions.
    pub met: bool,
}

/// How the truth table models a line of the stack.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Role {
    /// twinlock's module, with its arguments.
    Twinlock(Arguments),
    /// A module that always returns this code.
    Fixed(PamCode),
    /// The condition with this index in [`CaseTable::conditions`].
    Condition(usize),
    /// A module that asks for a password or its equivalent, with its name.
    Proof(String),
    /// A module that checks a second factor other than twinlock's.
    Second(Second),
    /// A line that calls no module.
    Idle,
}

/// A line of the stack, and how the truth table models it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cast {
    /// The line as it is written.
    pub handler: Handler,
    /// How the truth table models the line.
    pub role: Role,
}

/// A module that tests the account, the caller or the time, or an unknown module.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Condition {
    /// Module and arguments as written.
    pub text: String,
    /// Where the module is first written.
    pub place: LinePlace,
    /// Possible return codes of the module, one for each effect on the stack. The first is the usual one.
    pub codes: Vec<PamCode>,
    /// Whether the module is in the model.
    pub model: ConditionModel,
    /// What the module tests about the account; `None` if no other condition can be compared with it.
    pub subject: Option<Subject>,
}

/// Whether a module is in the model.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ConditionModel {
    /// The answers of the module are known, and none of them proves a factor.
    Known,
    /// The module may return any code, and may ask for anything.
    Unknown,
}

/// The truth table of a stack.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CaseTable {
    /// The lines of the stack, in order, including those of included files.
    pub cast: Vec<Cast>,
    /// The conditions, in the order of their numbers.
    pub conditions: Vec<Condition>,
    /// The rows, one for each combination of factors and answers; empty if there are too many.
    pub rows: Vec<CaseRow>,
    /// Result of pam_setcred in another process than that of the login, as sshd calls it after prompts.
    pub credentials: StackOutcome,
    /// The accounts, if the conditions depend on them.
    pub census: Option<Rc<Census>>,
}

impl CaseRow {
    /// Reports whether libpam grants access.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.code == PamCode::SUCCESS
    }

    /// Returns the numbers of the conditions whose answer is not the usual one.
    pub fn unusual<'a>(&'a self, table: &'a CaseTable) -> impl Iterator<Item = usize> + 'a {
        let pairs = self.world.conditions.iter().zip(&table.conditions).enumerate();
        pairs.filter(|(_, (code, of))| of.codes.first() != Some(code)).map(|(number, _)| number)
    }
}

impl World {
    /// Reports whether neither a key nor a password was verified.
    #[must_use]
    pub fn empty_handed(&self) -> bool {
        !self.key && matches!(self.password, Password::None(_))
    }

    /// Reports whether the two combinations differ at most in the answers of conditions.
    #[must_use]
    pub fn same_factors(&self, other: &Self) -> bool {
        let factors = |of: &Self| (of.key, of.answer, of.other);
        factors(self) == factors(other) && self.password == other.password
    }
}

impl CaseTable {
    /// Computes the truth table of lines whose roles are known.
    #[must_use]
    pub fn of(cast: Vec<Cast>, conditions: Vec<Condition>) -> Self {
        let rows = worlds::rows(&cast, &conditions).unwrap_or_default();
        let credentials = credentials::outcome(&cast, None);
        Self { cast, conditions, rows, credentials, census: None }
    }

    /// Returns the table without the rows whose answers no account can get.
    #[must_use]
    pub fn seen_by(mut self, census: Option<Rc<Census>>) -> Self {
        if let Some(census) = &census {
            census.apply(&mut self);
        }
        Self { census, ..self }
    }

    /// Reports whether the stack has too many combinations of answers to try: the table then has no rows.
    #[must_use]
    pub fn is_too_large(&self) -> bool {
        self.rows.is_empty() && !self.cast.is_empty()
    }

    /// Returns the table of this stack without one of its lines.
    #[must_use]
    pub fn without(&self, number: usize) -> Self {
        let mut cast = self.cast.clone();
        if number < cast.len() {
            cast.remove(number);
        }
        Self::of(cast, self.conditions.clone()).seen_by(self.census.clone())
    }

    /// Returns the numbers of the conditions that the row has consulted.
    pub fn consulted<'a>(&'a self, row: &'a CaseRow) -> impl Iterator<Item = usize> + 'a {
        row.steps.iter().filter_map(|step| match self.cast.get(step.line)?.role {
            Role::Condition(number) => Some(number),
            Role::Twinlock(_) | Role::Fixed(_) | Role::Proof(_) | Role::Second(_) | Role::Idle => {
                None
            }
        })
    }

    /// Returns the unknown modules on whose answers the result of the row depends: another row, in which only these
    /// answers differ, has another result.
    #[must_use]
    pub fn doubts(&self, row: &CaseRow) -> Vec<&Condition> {
        let unknown: Vec<usize> =
            self.consulted(row).filter(|number| self.is_unknown(*number)).collect();
        let differs = |other: &&CaseRow| {
            other.passes() != row.passes()
                && other.world.same_factors(&row.world)
                && self.agree(row, other)
        };
        if unknown.is_empty() || !self.rows.iter().any(|other| differs(&other)) {
            return Vec::new();
        }
        unknown.into_iter().filter_map(|number| self.conditions.get(number)).collect()
    }

    /// Reports whether the row consults no unknown module.
    #[must_use]
    pub fn known_path(&self, row: &CaseRow) -> bool {
        !self.consulted(row).any(|number| self.is_unknown(number))
    }

    fn is_unknown(&self, number: usize) -> bool {
        self.conditions.get(number).is_some_and(|one| one.model == ConditionModel::Unknown)
    }

    /// Reports whether the known conditions that both rows consult have the same answers.
    fn agree(&self, row: &CaseRow, other: &CaseRow) -> bool {
        let theirs: Vec<usize> = self.consulted(other).collect();
        let both = self.consulted(row).filter(|number| theirs.contains(number));
        let mut known = both.filter(|number| !self.is_unknown(*number));
        known.all(|number| row.world.conditions.get(number) == other.world.conditions.get(number))
    }
}

/// Who can start the process that calls PAM.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Caller {
    /// Root started it, as a daemon.
    Root,
    /// Any user may have started it, as sudo or su.
    Any,
}

/// Computes the truth table of a service that any user may call.
pub fn tabulate(stack: &[Handler], present: &dyn Fn(&str) -> bool) -> CaseTable {
    tabulate_for(Caller::Any, stack, present)
}

/// Computes the truth table. `present` reports whether the file of a module exists.
pub fn tabulate_for(
    caller: Caller,
    stack: &[Handler],
    present: &dyn Fn(&str) -> bool,
) -> CaseTable {
    let mut conditions = Vec::new();
    let mut cast: Vec<Cast> = Vec::new();
    for handler in stack {
        let role = match by_root(handler) && caller == Caller::Root {
            true if present("pam_rootok.so") => Role::Fixed(PamCode::SUCCESS),
            _ => role(handler, present, &mut conditions),
        };
        cast.push(Cast { handler: handler.clone(), role });
    }
    for (number, condition) in conditions.iter_mut().enumerate() {
        let lines = || cast.iter().filter(|line| line.role == Role::Condition(number));
        condition.codes = worlds::distinct(&condition.codes, &lines);
        // If yes and no have the same effect, only one code is left, and the condition needs no subject.
        let (yes, no) =
            condition.codes.iter().partition::<Vec<PamCode>, _>(|one| **one == PamCode::SUCCESS);
        let says_no = |one: &PamCode| [PamCode::AUTH_ERR, PamCode::PERM_DENIED].contains(one);
        let both = !yes.is_empty() && no.iter().any(says_no);
        condition.subject = condition.subject.take().filter(|_| both);
    }
    CaseTable::of(cast, conditions)
}

/// Reports whether the line calls pam_rootok, which succeeds for root.
fn by_root(handler: &Handler) -> bool {
    matches!(&handler.kind, StackKind::Module { path, .. } if file_name(path) == "pam_rootok.so")
}

fn role(
    handler: &Handler,
    present: &dyn Fn(&str) -> bool,
    conditions: &mut Vec<Condition>,
) -> Role {
    let StackKind::Module { path, args } = &handler.kind else {
        return Role::Idle;
    };
    if !present(path) {
        return Role::Fixed(PamCode::MODULE_UNKNOWN);
    }
    if is_twinlock(path) {
        return Role::Twinlock(read(args));
    }
    let text = format!("{} {}", file_name(path), args.join(" "));
    let (codes, model) = match nature(path, args) {
        Nature::Fixed(code) => return Role::Fixed(code),
        Nature::Proof(name) => return Role::Proof(name),
        Nature::Second(second) => return Role::Second(second),
        Nature::Condition(codes) => (codes.to_vec(), ConditionModel::Known),
        Nature::Unknown => (worlds::any(), ConditionModel::Unknown),
    };
    // Two calls of an unknown module need not have the same answer.
    let same = |one: &Condition| model == ConditionModel::Known && one.text == text;
    let known = conditions.iter().position(same);
    Role::Condition(known.unwrap_or_else(|| {
        let (place, subject) = (handler.place.clone(), subject::of(path, args));
        conditions.push(Condition { text, place, codes, model, subject });
        conditions.len() - 1
    }))
}

#[cfg(test)]
mod tests;
