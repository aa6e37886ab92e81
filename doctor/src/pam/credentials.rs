//! Models the calls of pam_setcred after a login. If pam_setcred fails, sshd ends a login that PAM has granted; only a
//! login by the password method alone goes on.
//!
//! sshd shows prompts (keyboard-interactive) in a separate process, and calls pam_setcred in another one. There libpam
//! does not know the return codes of the login, and applies each control field to the return code of pam_setcred. The
//! password method runs in one process: libpam applies each control field to the line's return code in the login.
use crate::pam::code::PamCode;
use crate::pam::dispatch::{Answered, StackOutcome, dispatch_credentials};
use crate::pam::modules::{Nature, file_name, nature};
use crate::pam::stack::{Handler, StackKind};
use crate::pam::table::{CaseRow, Cast, Role};
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

/// Return codes of pam_setcred that are tried for an unknown module in the process of the login. The control field is
/// applied to the return code in the login there, so that other codes have no further effect.
const ANY: [PamCode; 3] = [PamCode::SUCCESS, PamCode::IGNORE, PamCode::CRED_ERR];
/// Maximum number of combinations of return codes of unknown modules that are tried.
const MOST: usize = 1 << 12;

/// Returns the codes that the module's pam_setcred may return, the usual code first. Known modules mostly return only
/// success; an unknown module may return any code.
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
/// process of the login that the row describes; with `None`, in another process.
#[must_use]
pub fn outcome(cast: &[Cast], row: Option<&CaseRow>) -> StackOutcome {
    outcome_if(cast, row, &|_| None)
}

/// Returns the result of pam_setcred, as [`outcome`] does. `other` gives the return code of the line at an index; with
/// `None`, the line returns its usual code.
fn outcome_if(
    cast: &[Cast],
    row: Option<&CaseRow>,
    other: &dyn Fn(usize) -> Option<PamCode>,
) -> StackOutcome {
    let stack: Vec<Handler> = cast.iter().map(|line| line.handler.clone()).collect();
    dispatch_credentials(&stack, &mut |number| {
        let line = cast.get(number);
        let known = row.and_then(|row| row.steps.iter().find(|step| step.line == number));
        let returned = match line.map(|line| (&line.role, &line.handler.kind)) {
            Some((Role::Fixed(PamCode::MODULE_UNKNOWN), _)) | None => PamCode::MODULE_UNKNOWN,
            Some((_, StackKind::Module { path, args })) => {
                let usual = || answers(path, args).first().copied();
                other(number).or_else(usual).unwrap_or(PamCode::PERM_DENIED)
            }
            Some((_, StackKind::Substack | StackKind::Broken)) => PamCode::PERM_DENIED,
        };
        Answered { returned, before: known.map(|step| step.returned) }
    })
}

/// Returns the first line whose module may return several codes, if these codes decide whether pam_setcred succeeds;
/// otherwise `None`. `row` has the meaning that it has for [`outcome`].
#[must_use]
pub fn doubt<'a>(cast: &'a [Cast], row: Option<&CaseRow>) -> Option<&'a Cast> {
    let several = |(number, line): (usize, &Cast)| {
        let StackKind::Module { path, args } = &line.handler.kind else { return None };
        let codes = answers(path, args);
        let is_there = line.role != Role::Fixed(PamCode::MODULE_UNKNOWN);
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
        outcome_if(cast, row, &code_of).code == PamCode::SUCCESS
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
        outcome(&tabulate(&stack, &|_| true).cast, None).code
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
        // For credentials too, a jump does not count as success.
        let text = "auth [success=1] pam_unix.so\nauth required pam_deny.so\n";
        assert_eq!(apart(text), PamCode::PERM_DENIED);
    }

    #[test]
    fn lines_of_the_login_are_followed_in_the_same_process() {
        let text = "auth [success=1 default=die] pam_succeed_if.so user ingroup people\nauth requisite pam_deny.so\nauth required pam_unix.so\n";
        let stack = auth_stack(&tree(&[("/etc/pam.d/sshd", text)]), "sshd");
        let table = tabulate(&stack, &|_| true);
        let row = table.rows.iter().find(|row| row.passes()).unwrap();
        assert_eq!(outcome(&table.cast, Some(row)).code, PamCode::SUCCESS);
        assert_eq!(outcome(&table.cast, None).code, PamCode::PERM_DENIED);
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
            // The login skips this line; pam_setcred in another process does not.
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
            let table = tabulate(&stack, &|path| path != "pam_gone.so");
            assert_eq!(doubt(&table.cast, None).is_some(), apart, "{line}");
            let gone = [PamCode::SUCCESS, PamCode::MODULE_UNKNOWN];
            let skips = |row: &&CaseRow| {
                row.passes() && row.steps.iter().all(|step| gone.contains(&step.returned))
            };
            let row = table.rows.iter().find(skips).unwrap();
            assert_eq!(doubt(&table.cast, Some(row)).is_some(), same, "{line}");
        }
    }
}
