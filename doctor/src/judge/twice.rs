//! Finds other modules that ask for a code in a stack in which twinlock asks for one.
use crate::finding::{Finding, Level};
use crate::judge::case::Case;
use crate::pam::modules::ModuleAsks;
use crate::pam::stack::StackKind;
use crate::pam::table::{AssumedRole, Cast};

/// Returns a finding for each line of another module that asks for a code, if a twinlock line of the stack asks for
/// one.
#[must_use]
pub fn judge(case: &Case<'_>) -> Vec<Finding> {
    let ours =
        |line: &Cast| matches!(&line.role, AssumedRole::Twinlock(args) if args.stand.judges());
    if !case.table.cast.iter().any(ours) {
        return Vec::new();
    }
    let lines = case.table.cast.iter().enumerate();
    lines.filter_map(|(number, line)| twice(case, number, line)).collect()
}

fn twice(case: &Case<'_>, number: usize, line: &Cast) -> Option<Finding> {
    let AssumedRole::Second(second) = &line.role else { return None };
    (second.asks == ModuleAsks::Code).then(|| Finding {
        level: Level::Warning,
        id: "code-asked-twice",
        place: line.handler.place.to_string(),
        what: format!(
            "{} asks for a code in addition to twinlock: users are asked twice, and if both have the same key, one code satisfies both.",
            second.name
        ),
        remedy: match may_go(case, number, line) {
            true => format!(
                "Delete that line, `{}` (`twinlock import` imports its keys).",
                written(line)
            ),
            false => case.recipe_when_read(),
        },
    })
}

/// Returns whether the stack is still correct without the line at index `number`. Returns false if the line passes the
/// password on to later lines, or if the stack without it has a fault, for example because a jump counts the line.
fn may_go(case: &Case<'_>, number: usize, line: &Cast) -> bool {
    let StackKind::Module { args, .. } = &line.handler.kind else { return false };
    if args.iter().any(|arg| arg == "forward_pass") {
        return false;
    }
    let table = case.table.without(number);
    let case = Case { table: &table, ..*case };
    let wrong = |finding: &Finding| finding.level.fails() || finding.level == Level::Unknown;
    !crate::judge::stack(&case).iter().any(wrong)
}

fn written(line: &Cast) -> String {
    let StackKind::Module { path, args } = &line.handler.kind else { return String::new() };
    format!("{path} {}", args.join(" ")).trim_end().to_owned()
}
