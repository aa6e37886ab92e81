//! Computes the rows of a truth table, each with one combination of factors and the result of the stack. If several
//! combinations have the same effect on the stack, only one of them gets a row.
use twinlock_core::policy::pam_line::Forward;

use crate::pam::code::{PamCode, all};
use crate::pam::control::ControlAction;
use crate::pam::dispatch::dispatch;
use crate::pam::modules::ignores_some;
use crate::pam::stack::{Handler, StackKind};
use crate::pam::subject::ConditionSubject;
use crate::pam::table::{
    AssumedRole, CaseRow, Cast, ConditionModel, OtherFactorAnswer, Password, StackCondition, World,
};
use crate::pam::twinlock::{BROKEN, ModuleAnswer};

/// Maximum number of combinations of answers that are tried for one combination of factors. The answers are those of
/// the conditions, which are modules that test the account or the login. Twelve conditions with two answers each have
/// this number of combinations.
const MOST: usize = 1 << 12;

/// Return codes of a module that asks for a password, for an answer of the user that the module does not accept.
const FAILURES: [PamCode; 9] = [
    PamCode::AUTH_ERR,
    PamCode::USER_UNKNOWN,
    PamCode::AUTHINFO_UNAVAIL,
    PamCode::MAXTRIES,
    PamCode::PERM_DENIED,
    PamCode::CRED_INSUFFICIENT,
    PamCode::SERVICE_ERR,
    PamCode::CONV_ERR,
    PamCode::ABORT,
];

/// Returns every code that an unknown module may return, except `INCOMPLETE`, after which libpam runs no further line.
pub(super) fn any() -> Vec<PamCode> {
    all().filter(|code| *code != PamCode::INCOMPLETE).collect()
}

/// Returns `codes` without each code that has the same effect on every line of `lines` as an earlier code.
pub(super) fn distinct<'a, I: Iterator<Item = &'a Cast>>(
    codes: &[PamCode],
    lines: &dyn Fn() -> I,
) -> Vec<PamCode> {
    let mut seen: Vec<Vec<ControlAction>> = Vec::new();
    let mut one_of_each = Vec::new();
    for code in codes {
        let mut effect: Vec<_> = lines().map(|line| line.handler.actions.on(*code)).collect();
        // If a code other than `SUCCESS` has the action `ok`, it becomes libpam's result, and the result is then no
        // success.
        let counts =
            effect.iter().any(|one| matches!(one, ControlAction::Ok | ControlAction::Done));
        if counts && *code != PamCode::SUCCESS {
            effect.push(ControlAction::Bad);
        }
        if !seen.contains(&effect) {
            seen.push(effect);
            one_of_each.push(*code);
        }
    }
    one_of_each
}

/// Returns the rows of the truth table, each with one combination of factors and the result of the stack; `None` if
/// more than [`MOST`] runs are needed for a combination of factors.
pub(super) fn rows(cast: &[Cast], conditions: &[StackCondition]) -> Option<Vec<CaseRow>> {
    let stack: Vec<Handler> = cast.iter().map(|line| line.handler.clone()).collect();
    let mut rows = Vec::new();
    for world in worlds(cast, conditions) {
        paths(&stack, &Scene { cast, conditions }, &world, &mut rows)?;
    }
    Some(rows)
}

struct Scene<'a> {
    cast: &'a [Cast],
    conditions: &'a [StackCondition],
}

impl Scene<'_> {
    fn code(&self, number: usize, choice: usize) -> Option<PamCode> {
        self.conditions.get(number)?.codes.get(choice).copied()
    }

    /// Reports whether one account can get the answers of all conditions (lines that test the account) that were called
    /// in the row. `consulted` contains, for each such condition, its index and the index of its code.
    fn can_be(&self, consulted: &[(usize, usize)], row: &CaseRow) -> bool {
        let answered: Vec<(&ConditionSubject, PamCode)> = (consulted.iter())
            .filter_map(|(number, _)| {
                let code = row.world.conditions.get(*number)?;
                Some((self.conditions.get(*number)?.subject.as_ref()?, *code))
            })
            .collect();
        let pairs = (1..).zip(&answered);
        let mut pairs = pairs.flat_map(|(next, one)| {
            answered.get(next..).unwrap_or_default().iter().map(move |other| (one, other))
        });
        !pairs.any(|(one, other)| one.0.contradicts(one.1, other.0, other.1))
    }
}

/// Appends the rows of the truth table for the combination of factors `world`: one row for each sequence of answers
/// that the called conditions can give. Returns `None` if the stack would have to be run more than [`MOST`] times.
fn paths(
    stack: &[Handler],
    scene: &Scene<'_>,
    world: &World,
    rows: &mut Vec<CaseRow>,
) -> Option<()> {
    let mut chosen: Vec<(usize, usize)> = Vec::new();
    for _ in 0..MOST {
        let row = run(stack, scene, world, &mut chosen);
        rows.extend(scene.can_be(&chosen, &row).then_some(row));
        loop {
            let Some((number, choice)) = chosen.pop() else { return Some(()) };
            if scene.code(number, choice + 1).is_some() {
                chosen.push((number, choice + 1));
                break;
            }
        }
    }
    None
}

/// Runs the stack once. Each entry of `chosen` is the index of a condition (module that tests the account or the login)
/// and the index of the code that it returns. A condition that is called and is not in `chosen` returns its usual code,
/// and is added to `chosen`.
fn run(
    stack: &[Handler],
    scene: &Scene<'_>,
    world: &World,
    chosen: &mut Vec<(usize, usize)>,
) -> CaseRow {
    let mut world = world.clone();
    let mut line_of = stack.iter().zip(scene.cast);
    // Whether an earlier line has stored an answer of the user for the lines after it.
    let mut answered = false;
    // Whether twinlock's module has refused, and has stored a text other than the password for the lines after it.
    let mut withheld = false;
    // Whether a twinlock line has accepted the user's code. A code works once, so the next such line refuses it.
    let mut is_used = false;
    let mut answer = |handler: &Handler| {
        let Some((_, line)) = line_of.find(|(line, _)| std::ptr::eq(*line, handler)) else {
            return PamCode::PERM_DENIED;
        };
        if needs_answer(line) && !answered || takes_answer(line) && withheld {
            return PamCode::AUTH_ERR;
        }
        answered |= leaves_answer(line, scene.conditions);
        let AssumedRole::Condition(number) = line.role else {
            let mut code = answer(&line.role, &world);
            if asks_for_code(line)
                && world.answer == ModuleAnswer::Right
                && code == PamCode::SUCCESS
            {
                code = if is_used { PamCode::AUTH_ERR } else { code };
                is_used = true;
            }
            if forwards(line) {
                withheld = ![PamCode::SUCCESS, PamCode::IGNORE].contains(&code);
            }
            return code;
        };
        let choice = chosen.iter().find(|(other, _)| *other == number).map(|(_, choice)| *choice);
        if choice.is_none() {
            chosen.push((number, 0));
        }
        let code = scene.code(number, choice.unwrap_or(0)).unwrap_or(PamCode::PERM_DENIED);
        if let Some(slot) = world.conditions.get_mut(number) {
            *slot = code;
        }
        code
    };
    let outcome = dispatch(stack, &mut answer);
    CaseRow { world, code: outcome.code, steps: outcome.steps, met: true }
}

/// Reports whether the line never asks the user, but only checks the answer that an earlier line has stored.
fn needs_answer(line: &Cast) -> bool {
    let StackKind::Module { args, .. } = &line.handler.kind else { return false };
    let proof = matches!(line.role, AssumedRole::Proof(_));
    proof && args.iter().any(|arg| arg == "use_first_pass")
}

/// Reports whether the line checks the answer that an earlier line has stored, and does not ask the user if that answer
/// is wrong.
fn takes_answer(line: &Cast) -> bool {
    let unix = matches!(&line.role, AssumedRole::Proof(name) if name == "pam_unix.so");
    unix || needs_answer(line)
}

/// Reports whether the line is a twinlock line that asks for a code.
fn asks_for_code(line: &Cast) -> bool {
    matches!(&line.role, AssumedRole::Twinlock(args) if args.stand.judges())
}

/// Reports whether the line is a twinlock line that takes the password out of the user's answer and passes it on to
/// later lines.
fn forwards(line: &Cast) -> bool {
    let AssumedRole::Twinlock(args) = &line.role else { return false };
    args.line.as_ref().is_some_and(|line| line.forward == Forward::Password)
}

/// Reports whether the line may store an answer of the user for later lines. An unknown module may.
fn leaves_answer(line: &Cast, conditions: &[StackCondition]) -> bool {
    match &line.role {
        AssumedRole::Proof(_) | AssumedRole::Second(_) => true,
        AssumedRole::Twinlock(_) => forwards(line),
        AssumedRole::Condition(number) => {
            conditions.get(*number).is_some_and(|one| one.model == ConditionModel::Unknown)
        }
        AssumedRole::Fixed(_) | AssumedRole::Idle => false,
    }
}

fn answer(role: &AssumedRole, world: &World) -> PamCode {
    match role {
        AssumedRole::Idle | AssumedRole::Condition(_) => PamCode::PERM_DENIED,
        AssumedRole::Fixed(code) => *code,
        AssumedRole::Twinlock(line) => line.stand.answer(world.key, world.answer),
        AssumedRole::Second(second) => match world.other {
            OtherFactorAnswer::Wrong => PamCode::AUTH_ERR,
            OtherFactorAnswer::Unknown => second.unknown,
            OtherFactorAnswer::Right => PamCode::SUCCESS,
        },
        AssumedRole::Proof(name) => match &world.password {
            Password::By(right) if right == name => PamCode::SUCCESS,
            Password::By(_) => PamCode::USER_UNKNOWN,
            Password::None(code) => *code,
        },
    }
}

fn worlds(cast: &[Cast], conditions: &[StackCondition]) -> Vec<World> {
    let usual: Vec<PamCode> =
        conditions.iter().filter_map(|one| one.codes.first().copied()).collect();
    let others = match cast.iter().any(|line| matches!(line.role, AssumedRole::Second(_))) {
        true => [OtherFactorAnswer::Wrong, OtherFactorAnswer::Unknown, OtherFactorAnswer::Right]
            .as_slice(),
        false => &[OtherFactorAnswer::Wrong],
    };
    let (passwords, answers) = (passwords(cast), answers(cast));
    let mut all = Vec::new();
    for (key, other) in
        [false, true].into_iter().flat_map(|key| others.iter().map(move |other| (key, other)))
    {
        for password in &passwords {
            all.extend(answers.iter().map(|answer| World {
                key,
                password: password.clone(),
                answer: *answer,
                other: *other,
                conditions: usual.clone(),
            }));
        }
    }
    all
}

/// Returns the answers of twinlock's module to try. Of several failures with the same effect on the stack, only one is
/// tried.
fn answers(cast: &[Cast]) -> Vec<ModuleAnswer> {
    let ours = || cast.iter().filter(|line| matches!(line.role, AssumedRole::Twinlock(_)));
    let failures = [&[PamCode::AUTH_ERR], BROKEN.as_slice()].concat();
    let broken = distinct(&failures, &ours).into_iter().skip(1).map(ModuleAnswer::Broken);
    [ModuleAnswer::Right, ModuleAnswer::Wrong, ModuleAnswer::Exempt]
        .into_iter()
        .chain(broken)
        .collect()
}

fn passwords(cast: &[Cast]) -> Vec<Password> {
    let proofs = || cast.iter().filter(|line| matches!(line.role, AssumedRole::Proof(_)));
    let mut all = Vec::new();
    for line in proofs() {
        if let AssumedRole::Proof(name) = &line.role {
            let one = Password::By(name.clone());
            if !all.contains(&one) {
                all.push(one);
            }
        }
    }
    let ignores = proofs().any(|line| match &line.handler.kind {
        StackKind::Module { path, args } => ignores_some(path, args),
        StackKind::Substack | StackKind::Broken => false,
    });
    let mut failures = FAILURES.to_vec();
    failures.extend(ignores.then_some(PamCode::IGNORE));
    all.extend(distinct(&failures, &proofs).into_iter().map(Password::None));
    all
}
