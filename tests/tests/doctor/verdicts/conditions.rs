//! Tests doctor's verdict, with real logins, on conditions on the account and on a module file that cannot be loaded.

use super::wirings::{
    ALL_RIGHT, B, K, KEYS, NO_KEY, PASSWORD, PROMPTS, answers, gets_in, report, verdict, wired,
};
use super::{ADAS_KEY, MODULE};

#[test]
fn conditions_that_nobody_meets_lock_out() {
    let access = "auth required pam_access.so accessfile=/etc/security/people.conf\n";
    let stranger = "auth requisite pam_succeed_if.so quiet user notingroup ada\n";
    let listed = "auth required pam_listfile.so item=user sense=allow file=/etc/staff onerr=fail\n";
    let shells = "auth required pam_shells.so\n";
    for (lines, met) in [
        (format!("{access}{stranger}"), false),
        (format!("{listed}{}", listed.replace("allow", "deny")), false),
        (format!("{listed}{stranger}"), false),
        (format!("{access}{listed}{shells}"), true),
    ] {
        let m = wired(PROMPTS, &format!("{lines}{B}"));
        m.file("/etc/security/people.conf").write("-:ALL EXCEPT (ada):ALL\n");
        m.file("/etc/staff").write("ada\n").mode(0o644);
        m.file("/etc/shells").write("/bin/bash\n/bin/sh\n");
        let status = if met { "closed" } else { "locked_out" };
        verdict(&m, status, (!met).then_some("lock-out nobody-gets-in"));
        assert_eq!(gets_in(&m, "ada", NO_KEY, 0), met, "{lines}{:?}", m.log());
    }
}

/// Checks that the module passes the password on to the next module only if it accepts the code.
#[test]
fn refused_answer_is_not_passed_on() {
    let field = "KbdInteractiveAuthentication no\nPasswordAuthentication yes\nAuthenticationMethods password\n";
    let ignored = "auth [default=ignore] pam_twinlock.so first_factor=follows forward_pass\nauth required pam_unix.so use_first_pass nodelay\n";
    let m = wired(field, ignored);
    verdict(&m, "closed", None);
    let both = |code: &str| {
        let text = format!("{PASSWORD}{code}");
        answers(&m, "ada", false, [&text, &text])
    };
    assert!(!answers(&m, "ada", false, [PASSWORD, PASSWORD]));
    assert!(!both(&m.wrong_code("ada")));
    assert!(both(&m.code("ada")));
}

/// With the settings `KEYS`, each login needs a code and no user is locked out. Checks that a Match block locks out its
/// users if they reach the stack through it without the key that the stack requires.
#[test]
fn match_block_whose_users_the_stack_refuses_locks_them_out() {
    let prompts = "AuthenticationMethods keyboard-interactive:pam\n";
    for block in ["Match User ada\n", "Match Group ada,nobody\n", "Match User !eve,*\n"] {
        let m = wired(&format!("{KEYS}{block}{prompts}"), K);
        m.enrolled("eve", ADAS_KEY);
        verdict(&m, "locked_out", Some("lock-out way-leads-nowhere"));
        assert!(!gets_in(&m, "ada", NO_KEY, 0) && !gets_in(&m, "ada", ALL_RIGHT, 0), "{block}");
        assert!(gets_in(&m, "eve", ALL_RIGHT, 0), "{block}{:?}", m.log());
    }
    let both = format!(
        "AuthenticationMethods {} keyboard-interactive:pam\n",
        "publickey,keyboard-interactive:pam"
    );
    let m = wired(&format!("{KEYS}Match User ada\n{both}"), K);
    verdict(&m, "closed", None);
    assert!(gets_in(&m, "ada", ALL_RIGHT, 0), "{:?}", m.log());
}

#[test]
fn module_that_cannot_be_loaded_locks_users_out() {
    let m = wired(KEYS, K);
    let warned = || report(&m).1["findings"].to_string().contains("module-unloadable");
    assert!(!warned());
    m.file(MODULE).write("no module\n").mode(0o644);
    let (code, said) = report(&m);
    assert!(code == Some(7) && said["status"] == "locked_out" && warned(), "{said:#}");
    assert!(!gets_in(&m, "ada", ALL_RIGHT, 0));
    // A module file that another user could have written is not loaded.
    m.file(MODULE).owner(m.uid("eve"));
    assert!(!warned());
    assert_eq!(report(&m).0, Some(7));
}
