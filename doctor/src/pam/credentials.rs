//! Models the calls of pam_setcred after a login. If pam_setcred fails, sshd ends a login that PAM has granted. A login
//! by the password method alone is an exception: sshd does not end it.
//!
//! sshd shows prompts (keyboard-interactive) in a separate process, and calls pam_setcred in another process. In that
//! other process, libpam does not know the return codes of the login, and applies each control field to the return code
//! of pam_setcred. The password method runs in one process. There libpam applies each control field to the return code
//! that the line had in the login.
use crate::pam::code::PamCode;
use crate::pam::dispatch::{Answered, StackOutcome, dispatch_credentials};
use crate::pam::libpam::Libpam;
use crate::pam::modules::{Nature, file_name, nature};
use crate::pam::stack::{Handler, StackKind};
use crate::pam::table::{AssumedRole, CaseRow, CaseTable, Cast};
use crate::pam::twinlock::is_twinlock;
use crate::pam::worlds;

/// Linux-PAM modules whose pam_setcred returns `ignore`.
const IGNORING: [&str; 12] = [
    "pam_access",
    "pam_echo",
    "pam_exec",
    "pam_faildelay",
    "pam_ftp",
    "pam_issue",
    "pam_nologin",
    "pam_sepermit",
    "pam_succeed_if",
    "pam_usertype",
    "pam_warn",
    "pam_rhosts_auth",
];

/// Return codes of pam_setcred that are tried for an unknown module in the process of the login. Other codes have no
/// further effect, because libpam there applies the control field to the return code of the login.
const ANY: [PamCode; 3] = [PamCode::SUCCESS, PamCode::IGNORE, PamCode::CRED_ERR];
/// Maximum number of combinations of return codes of unknown modules that are tried.
const MOST: usize = 1 << 12;

/// Returns the codes that pam_setcred of the module `path` may return, the usual code first. Most known modules return
/// only success. An unknown module may return any code.
#[must_use]
pub fn answers(path: &str, args: &[String]) -> Vec<PamCode> {
    let file = file_name(path);
    match file.strip_suffix(".so").unwrap_or(file) {
        "pam_deny" => vec![PamCode::CRED_ERR],
        "pam_debug" => {
            let code = args.iter().find_map(|arg| arg.strip_prefix("cred="));
            vec![code.and_then(PamCode::from_name).unwrap_or(PamCode::SUCCESS)]
        }
        "pam_cap" => vec![PamCode::SUCCESS, PamCode::IGNORE],
        bare if IGNORING.contains(&bare) => vec![PamCode::IGNORE],
        _ if is_twinlock(path) || nature(path, args) != Nature::Unknown => vec![PamCode::SUCCESS],
        _ => [ANY.to_vec(), worlds::any()].concat(),
    }
}

/// Returns the result of pam_setcred if each module returns its usual code. With `row`, pam_setcred is called in the
/// process of the login that the row describes; with `None`, in another process. If it is not known which libpam the
/// machine has, returns the result that lets users in. [`doubt`] then reports that another result is possible.
#[must_use]
pub fn outcome(table: &CaseTable, row: Option<&CaseRow>) -> StackOutcome {
    outcome_of(&table.cast, table.libpam, row)
}

/// Returns the result of pam_setcred if each module returns its usual code, for a stack without a truth table. With
/// `row`, pam_setcred is called in the process of the login that the row describes; with `None`, in another process.
pub(super) fn outcome_of(cast: &[Cast], libpam: Libpam, row: Option<&CaseRow>) -> StackOutcome {
    let mut possible = libpam.possible().map(|rule| outcome_if(cast, rule, row, &|_| None));
    let first = possible.next();
    let passes = |one: &StackOutcome| one.code == PamCode::SUCCESS;
    let better = first.as_ref().filter(|one| !passes(one)).and_then(|_| possible.find(passes));
    better.or(first).unwrap_or(StackOutcome { code: PamCode::PERM_DENIED, steps: Vec::new() })
}

/// Reports whether pam_setcred succeeds in a process other than that of the login, for every libpam that the machine
/// may have.
#[must_use]
pub fn always_succeeds(table: &CaseTable) -> bool {
    let passes = |rule| outcome_if(&table.cast, rule, None, &|_| None).code == PamCode::SUCCESS;
    table.libpam.possible().all(passes)
}

/// Returns the result of pam_setcred for a known libpam. `other` gets the index of a line and returns the code of the
/// line's pam_setcred; `None` stands for its usual code. With `row`, pam_setcred is called in the process of that
/// login; without it, in another process.
fn outcome_if(
    cast: &[Cast],
    libpam: Libpam,
    row: Option<&CaseRow>,
    other: &dyn Fn(usize) -> Option<PamCode>,
) -> StackOutcome {
    let stack: Vec<Handler> = cast.iter().map(|line| line.handler.clone()).collect();
    dispatch_credentials(&stack, libpam, &mut |number| {
        let line = cast.get(number);
        let known = row.and_then(|row| row.steps.iter().find(|step| step.line == number));
        let returned = match line.map(|line| (&line.role, &line.handler.kind)) {
            Some((AssumedRole::Fixed(PamCode::MODULE_UNKNOWN), _)) | None => {
                PamCode::MODULE_UNKNOWN
            }
            Some((_, StackKind::Module { path, args })) => {
                let usual = || answers(path, args).first().copied();
                other(number).or_else(usual).unwrap_or(PamCode::PERM_DENIED)
            }
            Some((_, StackKind::Substack | StackKind::Broken)) => PamCode::PERM_DENIED,
        };
        Answered { returned, before: known.map(|step| step.returned) }
    })
}

/// Why it is not known whether pam_setcred succeeds.
#[derive(Clone, Copy, Debug)]
pub enum CredentialsDoubt<'a> {
    /// The module of this line may return several codes.
    Module(&'a Cast),
    /// It is not known whether libpam counts the return code of this line, which jumps.
    Jump(&'a Cast),
}

impl<'a> CredentialsDoubt<'a> {
    /// Returns the line that is in doubt.
    #[must_use]
    pub fn line(self) -> &'a Cast {
        match self {
            Self::Module(line) | Self::Jump(line) => line,
        }
    }
}

/// Returns why doctor cannot tell whether pam_setcred succeeds; `None` if doctor can tell. With `row`, pam_setcred is
/// called in the process of the login that the row describes; with `None`, in another process.
#[must_use]
pub fn doubt<'a>(table: &'a CaseTable, row: Option<&CaseRow>) -> Option<CredentialsDoubt<'a>> {
    let mut rules = table.libpam.possible();
    rules
        .find_map(|rule| module_doubt(&table.cast, rule, row))
        .map(CredentialsDoubt::Module)
        .or_else(|| {
            let each = table.libpam.possible();
            let outcomes: Vec<StackOutcome> =
                each.map(|rule| outcome_if(&table.cast, rule, row, &|_| None)).collect();
            let passing = outcomes.iter().filter(|one| one.code == PamCode::SUCCESS).count();
            let differ = passing > 0 && passing < outcomes.len();
            let steps = outcomes.first().filter(|_| differ)?.steps.iter();
            let mut lines = steps.filter_map(|step| table.cast.get(step.line));
            lines.find(|line| line.handler.actions.jumps()).map(CredentialsDoubt::Jump)
        })
}

/// Returns the first line whose module may return several codes, if these codes decide whether pam_setcred succeeds;
/// otherwise `None`. With `row`, pam_setcred is called in the process of the login that the row describes; with `None`,
/// in another process.
fn module_doubt<'a>(cast: &'a [Cast], libpam: Libpam, row: Option<&CaseRow>) -> Option<&'a Cast> {
    let several = |(number, line): (usize, &Cast)| {
        let StackKind::Module { path, args } = &line.handler.kind else { return None };
        let codes = answers(path, args);
        let is_there = line.role != AssumedRole::Fixed(PamCode::MODULE_UNKNOWN);
        (is_there && codes.len() > 1).then(|| {
            let first = codes.iter().take(ANY.len()).copied();
            let distinct = worlds::distinct(&codes, &|| [line].into_iter());
            (number, first.chain(distinct).collect::<Vec<_>>())
        })
    };
    let each: Vec<(usize, Vec<PamCode>)> = cast.iter().enumerate().filter_map(several).collect();
    let (first, _) = each.first()?;
    let count = each.iter().map(|(_, codes)| codes.len()).fold(1, usize::saturating_mul);
    let passes = |choice: usize| {
        let code_of = |number: usize| {
            let mut left = choice;
            each.iter().find_map(|(other, codes)| {
                let code = codes.get(left % codes.len()).copied();
                left /= codes.len();
                code.filter(|_| *other == number)
            })
        };
        outcome_if(cast, libpam, row, &code_of).code == PamCode::SUCCESS
    };
    let usual = passes(0);
    let differs = count > MOST || (1..count).any(|choice| passes(choice) != usual);
    cast.get(*first).filter(|_| differs)
}

#[cfg(test)]
mod tests {
    use super::super::load::tests::{auth_stack, tree};
    use super::super::table::tabulate;
    use super::*;

    fn apart(text: &str) -> PamCode {
        let stack = auth_stack(&tree(&[("/etc/pam.d/sshd", text)]), "sshd");
        outcome(&debian(&stack), None).code
    }

    /// Returns the table of a stack on a machine with Debian's libpam.
    fn debian(stack: &[Handler]) -> CaseTable {
        let table = tabulate(stack, &|path| path != "pam_gone.so");
        table.with_libpam(Libpam::Debian)
    }

    const OURS: &str = "auth required pam_twinlock.so first_factor=stack\n";

    #[test]
    fn control_that_refuses_ignore_refuses_credentials() {
        let unix = "auth required pam_unix.so\n";
        for (control, code) in [
            ("required", PamCode::SUCCESS),
            ("requisite", PamCode::SUCCESS),
            ("[success=ok default=die]", PamCode::PERM_DENIED),
            ("[success=ok ignore=ignore default=die]", PamCode::SUCCESS),
        ] {
            let line = format!("auth {control} pam_succeed_if.so user ingroup people\n");
            assert_eq!(apart(&format!("{line}{unix}{OURS}")), code, "{control}");
        }
    }

    #[test]
    fn jump_that_only_the_login_makes_leads_credentials_elsewhere() {
        let jump = "auth [success=1 default=ignore] pam_succeed_if.so user ingroup people\n";
        assert_eq!(apart(&format!("{jump}auth requisite pam_deny.so\n{OURS}")), PamCode::CRED_ERR);
        let local = jump.replace("pam_succeed_if.so user ingroup people", "pam_localuser.so");
        assert_eq!(apart(&format!("{local}auth requisite pam_deny.so\n{OURS}")), PamCode::SUCCESS);
        // In Debian's libpam, a jump does not count as success in pam_setcred either.
        let text = "auth [success=1] pam_unix.so\nauth required pam_deny.so\n";
        assert_eq!(apart(text), PamCode::PERM_DENIED);
    }

    #[test]
    fn lines_of_the_login_are_followed_in_the_same_process() {
        let text = "auth [success=1 default=die] pam_succeed_if.so user ingroup people\nauth requisite pam_deny.so\nauth required pam_unix.so\n";
        let stack = auth_stack(&tree(&[("/etc/pam.d/sshd", text)]), "sshd");
        let table = debian(&stack);
        let row = table.rows.iter().find(|row| row.passes()).unwrap();
        assert_eq!(outcome(&table, Some(row)).code, PamCode::SUCCESS);
        assert_eq!(outcome(&table, None).code, PamCode::PERM_DENIED);
    }

    #[test]
    fn answer_of_an_unknown_module_is_a_doubt_where_it_matters() {
        let unix = "auth required pam_unix.so\n";
        for (line, apart, same) in [
            ("auth [default=ignore] pam_house.so", false, false),
            ("auth [success=ok default=ignore] pam_house.so", false, true),
            ("auth optional pam_house.so", true, true),
            ("auth optional pam_exec.so /bin/true", false, false),
            ("auth optional pam_cap.so", false, false),
            ("auth optional pam_gone.so", false, false),
            // The login skips the line of pam_house. pam_setcred in another process does not skip it.
            (
                "auth [success=1 default=ignore] pam_succeed_if.so uid >= 0\nauth required pam_house.so",
                true,
                false,
            ),
            (
                "auth sufficient pam_house.so\nauth sufficient pam_home.so\nauth required pam_deny.so",
                true,
                true,
            ),
        ] {
            let text = format!("{line}\n{unix}");
            let stack = auth_stack(&tree(&[("/etc/pam.d/sshd", &*text)]), "sshd");
            let table = debian(&stack);
            assert_eq!(doubt(&table, None).is_some(), apart, "{line}");
            let gone = [PamCode::SUCCESS, PamCode::MODULE_UNKNOWN];
            let skips = |row: &&CaseRow| {
                row.passes() && row.steps.iter().all(|step| gone.contains(&step.returned))
            };
            let row = table.rows.iter().find(skips).unwrap();
            assert_eq!(doubt(&table, Some(row)).is_some(), same, "{line}");
        }
    }

    /// Returns the code of pam_setcred in another process with Debian's libpam, the code with the original libpam, and
    /// whether the code is in doubt if the libpam is not known.
    fn by_libpam(text: &str) -> (PamCode, PamCode, bool) {
        let stack = auth_stack(&tree(&[("/etc/pam.d/sshd", text)]), "sshd");
        let table = tabulate(&stack, &|_| true);
        let code = |libpam| outcome(&table.clone().with_libpam(libpam), None).code;
        let unknown = doubt(&table, None).is_some();
        (code(Libpam::Debian), code(Libpam::Original), unknown)
    }

    #[test]
    fn jump_counts_for_credentials_only_outside_of_debian() {
        let (yes, no, ignore) = (PamCode::SUCCESS, PamCode::PERM_DENIED, PamCode::IGNORE);
        for (text, expected) in [
            // Only the line that jumps sets a result.
            ("auth [success=1] pam_unix.so\nauth required pam_deny.so\n", (no, yes, true)),
            // The code `ignore` of a line that jumps becomes the result.
            (
                "auth [success=ignore default=1] pam_succeed_if.so user ingroup people\nauth required pam_deny.so\nauth required pam_unix.so\n",
                (yes, ignore, true),
            ),
            // As in Red Hat's files, where `ignore` does not jump.
            (
                "auth [default=1 ignore=ignore success=ok] pam_usertype.so isregular\nauth required pam_unix.so\n",
                (yes, yes, false),
            ),
            // The file that Debian itself ships.
            (
                "auth [success=1 default=ignore] pam_unix.so\nauth requisite pam_deny.so\nauth required pam_permit.so\n",
                (yes, yes, false),
            ),
            (
                "auth required pam_unix.so\nauth [default=1] pam_faildelay.so\nauth required pam_deny.so\n",
                (yes, ignore, true),
            ),
        ] {
            assert_eq!(by_libpam(text), expected, "{text}");
        }
    }
}
