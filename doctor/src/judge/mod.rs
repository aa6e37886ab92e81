//! Derives findings from facts. The functions of this module do not read the examined machine.
pub mod case;
pub mod doors;
mod hidden;
mod kept;
pub mod lines;
mod misspelt;
pub mod not_root;
mod one_field;
pub mod other_stacks;
mod promises;
pub mod remedies;
mod shut;
mod trial;
pub mod twice;
mod unknown;
pub mod usable;
mod weak;

use crate::finding::{Finding, Level};
use case::{Case, Wrong};

/// Returns all findings that follow from the truth table (the result of the stack for each combination of factors). A
/// table that is too large gives one finding, which says so.
#[must_use]
pub fn stack(case: &Case<'_>) -> Vec<Finding> {
    if case.table.is_too_large() {
        return vec![case.too_many()];
    }
    let mut found: Vec<Finding> =
        [Wrong::Open, Wrong::CodeAlone, Wrong::PasswordAlone, Wrong::KeyAlone, Wrong::ExemptAlone]
            .into_iter()
            .filter_map(|wrong| case.door(wrong))
            .collect();
    found.extend(case.table.cast.iter().filter_map(|line| case.unreached(line)));
    let blamed: Vec<String> = found.iter().map(|finding| finding.place.clone()).collect();
    found.extend(
        (case.table.cast.iter().enumerate())
            .filter(|(_, line)| !blamed.contains(&line.handler.place.to_string()))
            .filter_map(|(number, line)| case.reached_by_failure(number, line)),
    );
    let lines = case.table.cast.iter().enumerate();
    found.extend(lines.filter_map(|(number, line)| case.weak(number, line)));
    found.extend(case.shut());
    found.extend(case.unknown());
    found
}

/// Returns the finding that no user with every factor can log in. Returns `None` if some user can, or if `found`
/// already contains a failure or something unknown. Without this finding, doctor would report that every login needs a
/// code and no user is locked out.
#[must_use]
pub fn nobody_gets_in(case: &Case<'_>, found: &[Finding]) -> Option<Finding> {
    let decided = found.iter().any(|one| one.level.fails() || one.level == Level::Unknown);
    (!decided && !case.table.is_too_large() && !case.gets_in()).then(|| case.nobody())
}

#[cfg(test)]
mod tests;
