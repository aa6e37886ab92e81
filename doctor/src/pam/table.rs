//! Truth table of a stack: whether libpam grants access, for each combination of factors.
use std::rc::Rc;

use crate::pam::census::Census;
use crate::pam::code::PamCode;
use crate::pam::credentials;
use crate::pam::dispatch::{StackOutcome, StackStep};
use crate::pam::libpam::Libpam;
use crate::pam::modules::{Nature, Second, file_name, nature};
use crate::pam::stack::{Handler, LinePlace, StackKind};
use crate::pam::subject::{self, ConditionSubject};
use crate::pam::twinlock::{Arguments, ModuleAnswer, is_twinlock, read};
use crate::pam::worlds;

/// Which of the modules that ask for a password or another first factor accepts the user's answer to its prompt.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Password {
    /// The module with this file name accepts the answer; the other modules do not know the account.
    By(String),
    /// No module accepts the answer; each returns this code.
    None(PamCode),
}

/// Answer of the modules that check a second factor other than twinlock's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OtherFactorAnswer {
    /// Each module that checks another second factor refuses, or there is no such module.
    Wrong,
    /// No module that checks another second factor knows the account; each returns its code for an unknown account.
    Unknown,
    /// Each module that checks another second factor succeeds.
    Right,
}

/// One combination of factors and of answers of the conditions, for which the stack is run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct World {
    /// Whether sshd has verified a public key.
    pub key: bool,
    /// Whether the password or another first factor is correct.
    pub password: Password,
    /// Whether the user gives a correct code, or why twinlock's module verifies none.
    pub answer: ModuleAnswer,
    /// Answer of the modules that check another second factor.
    pub other: OtherFactorAnswer,
    /// Return code of each condition, in the order of [`CaseTable::conditions`]. A condition that no line consults has
    /// its usual code.
    pub conditions: Vec<PamCode>,
}

/// A row of the truth table: one combination of factors, and the result of the stack.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CaseRow {
    /// The combination of factors.
    pub world: World,
    /// The code that libpam returns to the program.
    pub code: PamCode,
    /// The calls of modules, in order.
    pub steps: Vec<StackStep>,
    /// Whether one of the accounts that have every factor can get the answers of the conditions that this row assumes.
    pub met: bool,
}

/// What doctor assumes about a line of the stack when it computes a truth table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AssumedRole {
    /// twinlock's module, with its arguments.
    Twinlock(Arguments),
    /// A module that always returns this code.
    Fixed(PamCode),
    /// The condition (a module that tests the account or the login) at this index of [`CaseTable::conditions`].
    Condition(usize),
    /// A module that asks for a password or another first factor, with its file name.
    Proof(String),
    /// A module that checks a second factor other than twinlock's.
    Second(Second),
    /// A line that calls no module.
    Idle,
}

/// A line of the stack, and what doctor assumes about it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cast {
    /// The line of the flattened stack.
    pub handler: Handler,
    /// What doctor assumes about the line.
    pub role: AssumedRole,
}

/// A module whose answer is not determined by the factors: it tests the account, the caller or the time, or is unknown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StackCondition {
    /// File name and arguments of the module, as on the line.
    pub text: String,
    /// File and line number of the first line that calls the module with these arguments.
    pub place: LinePlace,
    /// Return codes to try. There is one for each different effect on the stack. The usual code is first.
    pub codes: Vec<PamCode>,
    /// Whether it is known what the module does.
    pub model: ConditionModel,
    /// The question about the account that the module answers; `None` if the answer says nothing about the answers of
    /// other modules.
    pub subject: Option<ConditionSubject>,
}

/// Whether it is known what a module does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ConditionModel {
    /// The possible return codes are known, and none of them proves a factor.
    Known,
    /// The module may return any code, and may ask for anything.
    Unknown,
}

/// The truth table of a stack: the result for each combination of factors and of answers of the conditions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CaseTable {
    /// The lines of the stack, in order, with those of included files.
    pub cast: Vec<Cast>,
    /// The conditions, to which [`AssumedRole::Condition`] and [`World::conditions`] refer by index.
    pub conditions: Vec<StackCondition>,
    /// One row for each combination of factors and answers; empty if there are too many combinations.
    pub rows: Vec<CaseRow>,
    /// Result of pam_setcred if it is called in another process than the login, as sshd does after prompts.
    pub credentials: StackOutcome,
    /// The libpam that runs the stack.
    pub libpam: Libpam,
    /// The accounts that were used to remove rows that no account can reach; `None` if accounts were not considered.
    pub census: Option<Rc<Census>>,
}

impl CaseRow {
    /// Reports whether libpam grants access.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.code == PamCode::SUCCESS
    }

    /// Returns the indexes of the conditions (modules that test the account or the login) that give an unusual answer
    /// in this row.
    pub fn unusual<'a>(&'a self, table: &'a CaseTable) -> impl Iterator<Item = usize> + 'a {
        let pairs = self.world.conditions.iter().zip(&table.conditions).enumerate();
        pairs.filter(|(_, (code, of))| of.codes.first() != Some(code)).map(|(number, _)| number)
    }
}

impl World {
    /// Reports whether the user has given neither a key nor a correct password.
    #[must_use]
    pub fn empty_handed(&self) -> bool {
        !self.key && matches!(self.password, Password::None(_))
    }

    /// Reports whether this combination and `other` have the same factors. The answers of conditions (modules that test
    /// the account or the login) may differ.
    #[must_use]
    pub fn same_factors(&self, other: &Self) -> bool {
        let factors = |of: &Self| (of.key, of.answer, of.other);
        factors(self) == factors(other) && self.password == other.password
    }
}

impl CaseTable {
    /// Computes the truth table of a stack: its result for each combination of factors. `cast` tells what doctor
    /// assumes about each line.
    #[must_use]
    pub fn of(cast: Vec<Cast>, conditions: Vec<StackCondition>) -> Self {
        let rows = worlds::rows(&cast, &conditions).unwrap_or_default();
        let libpam = Libpam::Unknown;
        let credentials = credentials::outcome_of(&cast, libpam, None);
        Self { cast, conditions, rows, credentials, libpam, census: None }
    }

    /// Returns the table for a machine with this libpam.
    #[must_use]
    pub fn with_libpam(self, libpam: Libpam) -> Self {
        let credentials = credentials::outcome_of(&self.cast, libpam, None);
        Self { credentials, libpam, ..self }
    }

    /// Removes the rows (combinations of factors and answers) that no account of `census` can have. With `None`,
    /// removes no row.
    #[must_use]
    pub fn seen_by(mut self, census: Option<Rc<Census>>) -> Self {
        if let Some(census) = &census {
            census.apply(&mut self);
        }
        Self { census, ..self }
    }

    /// Reports whether the table has no rows because the stack has too many combinations of answers.
    #[must_use]
    pub fn is_too_large(&self) -> bool {
        self.rows.is_empty() && !self.cast.is_empty()
    }

    /// Returns the truth table (the result for each combination of factors) of the stack without the line at index
    /// `number`.
    #[must_use]
    pub fn without(&self, number: usize) -> Self {
        let mut cast = self.cast.clone();
        if number < cast.len() {
            cast.remove(number);
        }
        let table = Self::of(cast, self.conditions.clone()).with_libpam(self.libpam);
        table.seen_by(self.census.clone())
    }

    /// Returns the indexes of the conditions (modules that test the account or the login) that were called in this row.
    pub fn consulted<'a>(&'a self, row: &'a CaseRow) -> impl Iterator<Item = usize> + 'a {
        row.steps.iter().filter_map(|step| match self.cast.get(step.line)?.role {
            AssumedRole::Condition(number) => Some(number),
            AssumedRole::Twinlock(_)
            | AssumedRole::Fixed(_)
            | AssumedRole::Proof(_)
            | AssumedRole::Second(_)
            | AssumedRole::Idle => None,
        })
    }

    /// Returns the unknown modules that were called in the row, if the result of the row depends on what they answer.
    /// This is so if another row has a different result and differs only in these answers. Otherwise, returns an empty
    /// list.
    #[must_use]
    pub fn doubts(&self, row: &CaseRow) -> Vec<&StackCondition> {
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

    /// Reports whether doctor knows the behavior of every module that was called in the row.
    #[must_use]
    pub fn known_path(&self, row: &CaseRow) -> bool {
        !self.consulted(row).any(|number| self.is_unknown(number))
    }

    fn is_unknown(&self, number: usize) -> bool {
        self.conditions.get(number).is_some_and(|one| one.model == ConditionModel::Unknown)
    }

    /// Reports whether the known conditions (modules that test the account or the login) that were called in both rows
    /// give the same answers in both.
    fn agree(&self, row: &CaseRow, other: &CaseRow) -> bool {
        let theirs: Vec<usize> = self.consulted(other).collect();
        let both = self.consulted(row).filter(|number| theirs.contains(number));
        let mut known = both.filter(|number| !self.is_unknown(*number));
        known.all(|number| row.world.conditions.get(number) == other.world.conditions.get(number))
    }
}

/// User id of the process that calls PAM.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StackCaller {
    /// The process has root's user id, as a daemon does.
    Root,
    /// The process has any user's id, as sudo or su does.
    Any,
}

/// Computes the truth table (the result of the stack for each combination of factors) of a service that any user may
/// call. `present` reports whether the file of a module exists.
pub fn tabulate(stack: &[Handler], present: &dyn Fn(&str) -> bool) -> CaseTable {
    tabulate_for(StackCaller::Any, stack, present)
}

/// Computes the truth table of a stack, which is its result for each combination of factors. If `caller` is root,
/// pam_rootok succeeds. `present` reports whether the file of a module exists.
pub fn tabulate_for(
    caller: StackCaller,
    stack: &[Handler],
    present: &dyn Fn(&str) -> bool,
) -> CaseTable {
    let mut conditions = Vec::new();
    let mut cast: Vec<Cast> = Vec::new();
    for handler in stack {
        let role = match by_root(handler) && caller == StackCaller::Root {
            true if present("pam_rootok.so") => AssumedRole::Fixed(PamCode::SUCCESS),
            _ => role(handler, present, &mut conditions),
        };
        cast.push(Cast { handler: handler.clone(), role });
    }
    for (number, condition) in conditions.iter_mut().enumerate() {
        let lines = || cast.iter().filter(|line| line.role == AssumedRole::Condition(number));
        condition.codes = worlds::distinct(&condition.codes, &lines);
        // If success and refusal have the same effect on the stack, only one code is left, and the condition needs no
        // subject.
        let (yes, no) =
            condition.codes.iter().partition::<Vec<PamCode>, _>(|one| **one == PamCode::SUCCESS);
        let says_no = |one: &PamCode| [PamCode::AUTH_ERR, PamCode::PERM_DENIED].contains(one);
        let both = !yes.is_empty() && no.iter().any(says_no);
        condition.subject = condition.subject.take().filter(|_| both);
    }
    CaseTable::of(cast, conditions)
}

/// Reports whether the line calls pam_rootok, which succeeds if the caller is root.
fn by_root(handler: &Handler) -> bool {
    matches!(&handler.kind, StackKind::Module { path, .. } if file_name(path) == "pam_rootok.so")
}

fn role(
    handler: &Handler,
    present: &dyn Fn(&str) -> bool,
    conditions: &mut Vec<StackCondition>,
) -> AssumedRole {
    let StackKind::Module { path, args } = &handler.kind else {
        return AssumedRole::Idle;
    };
    if !present(path) {
        return AssumedRole::Fixed(PamCode::MODULE_UNKNOWN);
    }
    if is_twinlock(path) {
        return AssumedRole::Twinlock(read(args));
    }
    let text = format!("{} {}", file_name(path), args.join(" "));
    let (codes, model) = match nature(path, args) {
        Nature::Fixed(code) => return AssumedRole::Fixed(code),
        Nature::Proof(name) => return AssumedRole::Proof(name),
        Nature::Second(second) => return AssumedRole::Second(second),
        Nature::Condition(codes) => (codes.to_vec(), ConditionModel::Known),
        Nature::Unknown => (worlds::any(), ConditionModel::Unknown),
    };
    // Two calls of an unknown module may have different answers.
    let same = |one: &StackCondition| model == ConditionModel::Known && one.text == text;
    let known = conditions.iter().position(same);
    AssumedRole::Condition(known.unwrap_or_else(|| {
        let (place, subject) = (handler.place.clone(), subject::of(path, args));
        conditions.push(StackCondition { text, place, codes, model, subject });
        conditions.len() - 1
    }))
}

#[cfg(test)]
mod tests;
