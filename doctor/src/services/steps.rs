//! What each line of a stack returns in three cases: if all answers are right, if the code is wrong, and if the
//! password is wrong.
use crate::pam::code::PamCode;
use crate::pam::stack::StackKind;
use crate::pam::table::{CaseRow, CaseTable, Cast, Password};
use crate::pam::twinlock::ModuleAnswer;

/// One line of a stack, with its return codes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PathLine {
    /// `file:line` at which the line is written.
    pub place: String,
    /// Module and arguments of the line.
    pub module: String,
    /// Return code of the module for each of [`CASES`]; `None` if the line is not called.
    pub returns: [Option<PamCode>; 3],
}

/// The path through a stack (the lines that are called, and what they return) for each of [`CASES`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StackPath {
    /// The lines of the stack, in order.
    pub lines: Vec<PathLine>,
    /// Result of the stack for each of [`CASES`]; `None` if the case cannot occur. For example, no password can be
    /// wrong if the stack asks for none.
    pub ends: [Option<PamCode>; 3],
}

/// The cases for which the path is shown, as headings of a table.
pub const CASES: [&str; 3] = ["all right", "wrong code", "wrong password"];

/// Returns the path through a stack for each of [`CASES`], if the user has no key and every condition gives its usual
/// answer.
#[must_use]
pub fn follow(table: &CaseTable) -> StackPath {
    let plain = |row: &&CaseRow| !row.world.key && row.unusual(table).next().is_none();
    let by = |row: &&CaseRow| matches!(row.world.password, Password::By(_));
    let asks = table.rows.iter().any(|row| by(&row));
    let find = |password: bool, answer: ModuleAnswer| {
        let fits = |row: &&CaseRow| by(row) == (password && asks) && row.world.answer == answer;
        let mut rows = table.rows.iter().filter(plain).filter(fits);
        let first = rows.next();
        // If several modules check a password, a row in which one of them grants access is preferred.
        rows.chain(first).max_by_key(|row| row.passes())
    };
    let rows = [
        find(true, ModuleAnswer::Right),
        find(true, ModuleAnswer::Wrong),
        if asks { find(false, ModuleAnswer::Right) } else { None },
    ];
    let returned = |number: usize| {
        rows.map(|row| {
            let steps = row.map(|row| row.steps.as_slice()).unwrap_or_default();
            steps.iter().find(|step| step.line == number).map(|step| step.returned)
        })
    };
    let line = |(number, line): (usize, &Cast)| PathLine {
        place: line.handler.place.to_string(),
        module: written(line),
        returns: returned(number),
    };
    let lines = table.cast.iter().enumerate().map(line).collect();
    StackPath { lines, ends: rows.map(|row| row.map(|row| row.code)) }
}

fn written(line: &Cast) -> String {
    match &line.handler.kind {
        StackKind::Module { path, args } => {
            format!("{path} {}", args.join(" ")).trim_end().to_owned()
        }
        StackKind::Substack => "(substack)".to_owned(),
        StackKind::Broken => "(a line that libpam refuses)".to_owned(),
    }
}
