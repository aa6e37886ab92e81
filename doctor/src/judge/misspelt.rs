//! Finds misspelled names of twinlock's module, which PAM cannot load.
use crate::finding::{Finding, Level};
use crate::judge::lines::ModuleFile;
use crate::pam::code::PamCode;
use crate::pam::control::ControlAction;
use crate::pam::modules::file_name;
use crate::pam::stack::{Handler, StackKind};
use crate::pam::twinlock::MODULE;

/// Maximum edit distance at which a name counts as a misspelling of the name of twinlock's module. The name of every
/// other known module is farther away.
const SLIPS: usize = 3;

/// Returns whether the last part of `path` is a misspelling of the name of twinlock's module. The caller of this
/// function must check that the file is missing.
pub(super) fn is_meant(path: &str) -> bool {
    let name = file_name(path);
    name != MODULE && (strsim::osa_distance(name, MODULE) <= SLIPS || name.contains("twinlock"))
}

/// Returns the findings about lines that name a missing module whose name is a misspelling of twinlock's.
pub(super) fn judge(auth: &[Handler], module: &dyn Fn(&str) -> ModuleFile) -> Vec<Finding> {
    let wrong = |line: &Handler| {
        let StackKind::Module { path, .. } = &line.kind else { return None };
        let gone = is_meant(path) && module(path) == ModuleFile::Missing;
        gone.then(|| missing(line, path))
    };
    auth.iter().filter_map(wrong).collect()
}

fn missing(line: &Handler, path: &str) -> Finding {
    let refuses =
        matches!(line.actions.on(PamCode::MODULE_UNKNOWN), ControlAction::Bad | ControlAction::Die);
    let (level, so) = match refuses {
        true => (Level::LockOut, "every login that reaches this line is refused"),
        false => (Level::Warning, "this line has no effect"),
    };
    Finding {
        level,
        id: "module-missing",
        place: line.place.to_string(),
        what: format!("PAM cannot load {}: {so}.", file_name(path)),
        remedy: remedy(path),
    }
}

/// Returns the remedy: to write the name of twinlock's module in place of the misspelled name.
pub(super) fn remedy(path: &str) -> String {
    format!("Write {MODULE} instead of {}.", file_name(path))
}
