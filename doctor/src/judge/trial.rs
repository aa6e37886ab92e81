//! Applies a remedy to the stack before doctor prints the remedy, and checks that only users with every factor get in
//! afterwards.
use std::io;

use crate::judge::case::{Case, Reach, Wrong, wrong};
use crate::pam::code::PamCode;
use crate::pam::credentials::always_succeeds;
use crate::pam::load::{Files, load};
use crate::pam::stack::{Facility, Handler, StackKind};
use crate::pam::table::{AssumedRole, CaseRow, CaseTable, Password, tabulate};
use crate::pam::twinlock::ModuleAnswer;

/// A change of the stack that a remedy proposes.
pub(super) enum Edit<'a> {
    /// Replaces the line at this index by the line with this text.
    Replace(usize, &'a str),
    /// Inserts the line with this text before the line at this index.
    Insert(usize, &'a str),
    /// Replaces all lines by the lines of this text.
    Rewrite(&'a str),
}

/// What is wrong with a stack, for users who reach PAM with a key, without one, or both, as `Reach` says.
struct StackFaults {
    wrong: Vec<Wrong>,
    shut: Vec<(bool, &'static str)>,
    doubts: usize,
}

impl Case<'_> {
    /// Reports whether the change removes the fault `kind` and makes nothing worse: it adds no fault and no lock-out,
    /// and not more rows of the truth table depend on unknown modules.
    pub(super) fn closes(&self, kind: Wrong, edit: &Edit<'_>) -> bool {
        let (Some(after), before) = (self.after(edit), tried(self.table, self.reach)) else {
            return false;
        };
        let kept = always_succeeds(&after) || self.table.credentials.code != PamCode::SUCCESS;
        let after = tried(&after, self.reach);
        let known = |one: &Wrong| *one != kind && before.wrong.contains(one);
        kept && after.wrong.iter().all(known)
            && after.shut.iter().all(|one| before.shut.contains(one))
            && after.doubts <= before.doubts
    }

    /// Reports whether the changed stack has no fault for users who reach PAM as `reach` says.
    pub(super) fn mends(&self, reach: Reach, edit: &Edit<'_>) -> bool {
        self.after(edit).is_some_and(|table| {
            let after = tried(&table, reach);
            always_succeeds(&table)
                && after.wrong.is_empty()
                && after.shut.is_empty()
                && after.doubts == 0
        })
    }

    /// Returns the truth table after the change; `None` if the change is not possible, changes nothing, or gives a
    /// stack with too many combinations of answers.
    fn after(&self, edit: &Edit<'_>) -> Option<CaseTable> {
        let old: Vec<Handler> = self.table.cast.iter().map(|line| line.handler.clone()).collect();
        let mut stack = old.clone();
        match edit {
            Edit::Replace(number, text) => {
                *stack.get_mut(*number)? = placed(text, old.get(*number)?)?;
            }
            Edit::Insert(number, text) => stack.insert(*number, placed(text, old.get(*number)?)?),
            Edit::Rewrite(text) => stack = read(text)?,
        }
        let same = |left: &Handler, right: &Handler| {
            left.kind == right.kind && left.actions == right.actions && left.level == right.level
        };
        let unchanged = old.len() == stack.len()
            && old.iter().zip(&stack).all(|(left, right)| same(left, right));
        let table = tabulate(&stack, &|path| !self.is_missing(path));
        let table = table.with_libpam(self.table.libpam).seen_by(self.table.census.clone());
        (!unchanged && !table.is_too_large()).then_some(table)
    }

    /// Reports whether `name` is the module of a line of the present stack and the file of the module is missing. A
    /// module that no such line names counts as installed.
    fn is_missing(&self, name: &str) -> bool {
        self.table.cast.iter().any(|line| {
            let named =
                matches!(&line.handler.kind, StackKind::Module { path, .. } if path == name);
            named && line.role == AssumedRole::Fixed(PamCode::MODULE_UNKNOWN)
        })
    }
}

fn tried(table: &CaseTable, reach: Reach) -> StackFaults {
    let covered = || table.rows.iter().filter(|row| row.passes() && reach.covers(row.world.key));
    let mut found: Vec<Wrong> = covered().filter_map(wrong).collect();
    found.sort_unstable();
    found.dedup();
    let proven = |row: &&CaseRow| row.world.key || !matches!(row.world.password, Password::None(_));
    let mut shut = Vec::new();
    for key in [false, true].into_iter().filter(|key| reach.covers(*key)) {
        for (answer, name) in [(ModuleAnswer::Right, "right"), (ModuleAnswer::Exempt, "exempt")] {
            let fits = |row: &CaseRow| row.world.key == key && row.world.answer == answer;
            let met = |row: &&CaseRow| row.met || answer == ModuleAnswer::Exempt;
            if !covered().filter(proven).filter(met).any(fits) {
                shut.push((key, name));
            }
        }
    }
    let doubts = covered().filter(|row| !table.doubts(row).is_empty()).count();
    StackFaults { wrong: found, shut, doubts }
}

/// Parses the PAM line `text`, and gives it the place and the substack level of the line `at`; `None` if libpam would
/// refuse `text`.
fn placed(text: &str, at: &Handler) -> Option<Handler> {
    let line = read(text)?.into_iter().next()?;
    Some(Handler { level: at.level, place: at.place.clone(), ..line })
}

/// Parses a text of auth lines; `None` if libpam would refuse one of them.
fn read(text: &str) -> Option<Vec<Handler>> {
    let service = load(&OneFile(text), OneFile::SERVICE).ok()?;
    let sound = service.unusable.is_none() && service.faults.is_empty();
    sound.then(|| service.lines(Facility::Auth).to_vec())
}

/// A file tree with a single PAM file. The field is the text of that file.
struct OneFile<'a>(&'a str);

impl OneFile<'_> {
    const SERVICE: &'static str = "remedy";
}

impl Files for OneFile<'_> {
    fn text(&self, path: &str) -> io::Result<String> {
        match path.strip_prefix("/etc/pam.d/") {
            Some(Self::SERVICE) => Ok(self.0.to_owned()),
            Some(_) | None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn is_folder(&self, path: &str) -> bool {
        path == "/etc/pam.d"
    }
}
