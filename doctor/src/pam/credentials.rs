//! The calls of pam_setcred after a login: sshd ends a login that PAM has granted if they fail.
//!
//! sshd asks prompts in a process of its own. pam_setcred then runs in another process, where libpam does not know how
//! the login went: each line's control field is applied to what the line returns for credentials. After the password
//! method, libpam follows the lines of the login.
use crate::pam::code::PamCode;
use crate::pam::dispatch::{Answered, StackOutcome, dispatch_credentials};
use crate::pam::modules::file_name;
use crate::pam::stack::{Handler, StackKind};
use crate::pam::table::{CaseRow, Cast, Role};

/// Modules of Linux-PAM that return ignore for credentials.
const IGNORING: [&str; 13] = [
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
    "pam_cap",
    "pam_rhosts_auth",
];

/// Returns what a module returns for credentials: most of them succeed.
#[must_use]
pub fn answer(path: &str, args: &[String]) -> PamCode {
    let file = file_name(path);
    match file.strip_suffix(".so").unwrap_or(file) {
        "pam_deny" => PamCode::CRED_ERR,
        "pam_debug" => {
            let code = args.iter().find_map(|arg| arg.strip_prefix("cred="));
            code.and_then(PamCode::from_name).unwrap_or(PamCode::SUCCESS)
        }
        bare if IGNORING.contains(&bare) => PamCode::IGNORE,
        _ => PamCode::SUCCESS,
    }
}

/// Models pam_setcred after a login by `row` in the same process; without a row, pam_setcred in another process.
#[must_use]
pub fn outcome(cast: &[Cast], row: Option<&CaseRow>) -> StackOutcome {
    let stack: Vec<Handler> = cast.iter().map(|line| line.handler.clone()).collect();
    dispatch_credentials(&stack, &mut |number| {
        let line = cast.get(number);
        let known = row.and_then(|row| row.steps.iter().find(|step| step.line == number));
        let returned = match line.map(|line| (&line.role, &line.handler.kind)) {
            Some((Role::Fixed(PamCode::MODULE_UNKNOWN), _)) | None => PamCode::MODULE_UNKNOWN,
            Some((_, StackKind::Module { path, args })) => answer(path, args),
            Some((_, StackKind::Substack | StackKind::Broken)) => PamCode::PERM_DENIED,
        };
        Answered { returned, before: known.map(|step| step.returned) }
    })
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
        // A jump is no success here either.
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
}
