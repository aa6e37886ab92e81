//! Tests stacks with conditions that no single account meets.
use super::*;
use crate::pam::load::tests::{auth_stack, tree};
use crate::pam::table::tabulate;
use crate::pam::twinlock::ModuleAnswer;

const OURS: &str = "auth required pam_unix.so\nauth required pam_twinlock.so first_factor=stack\n";

fn person(name: &str, uid: u32, groups: &[&str]) -> CensusAccount {
    let groups = groups.iter().map(|one| (*one).to_owned()).collect();
    CensusAccount { name: name.to_owned(), uid, groups, shell: Some("/bin/bash".to_owned()) }
}

/// Adds the lines `OURS` (a password and a code) to `lines`. Returns whether the stack lets in a user with a correct
/// code, and whether an account of `people` can be that user.
fn gets_in(lines: &str, people: Option<Vec<CensusAccount>>) -> (bool, bool) {
    let stack = auth_stack(&tree(&[("/etc/pam.d/sshd", &*format!("{lines}{OURS}"))]), "sshd");
    let lists = [
        ("/etc/staff", "ada\nbob\n"),
        ("/etc/people.conf", "-:ALL EXCEPT (people):ALL\n"),
        ("/etc/shells", "# shells\n/bin/sh\n"),
        ("/etc/login.defs", "# UID_MIN 5\nUID_MIN\t500\n"),
    ];
    let lists = lists.map(|(path, text)| (path.to_owned(), text.to_owned()));
    let census = Census { people: people.map(Rc::new), lists: lists.into() };
    let table = tabulate(&stack, &|_| true).seen_by(Some(Rc::new(census)));
    assert!(!table.is_too_large());
    let right = |row: &&CaseRow| row.passes() && row.world.answer == ModuleAnswer::Right;
    let mut rows = table.rows.iter().filter(right).peekable();
    (rows.peek().is_some(), rows.any(|row| row.met))
}

const ACCESS: &str = "auth required pam_access.so accessfile=/etc/people.conf\n";
const STRANGER: &str = "auth requisite pam_succeed_if.so user notingroup people\n";
const LISTED: &str = "auth required pam_listfile.so item=user sense=allow file=/etc/staff\n";

#[test]
fn opposite_conditions_through_a_file_are_met_by_nobody() {
    assert_eq!(gets_in(&format!("{ACCESS}{STRANGER}"), None), (false, false));
    let eve = "auth required pam_succeed_if.so quiet user = eve\n";
    assert_eq!(gets_in(&format!("{LISTED}{eve}"), None), (false, false));
    let ada = eve.replace("eve", "ada");
    assert_eq!(gets_in(&format!("{LISTED}{ada}"), None), (true, true));
    let (low, high) = ("uid < 1000", "uid >= 1000");
    let uid = |test: &str| format!("auth required pam_succeed_if.so {test}\n");
    assert_eq!(gets_in(&format!("{}{}", uid(low), uid(high)), None), (false, false));
    assert_eq!(gets_in(&format!("{}{}", uid("uid > 500"), uid(low)), None), (true, true));
    // The condition holds for the account, but the stack does not depend on it.
    let idle = ACCESS.replace("required", "[default=ignore]");
    assert_eq!(gets_in(&format!("{idle}{STRANGER}"), None), (true, true));
    // The content of this list is not known.
    let other = ACCESS.replace("people.conf", "other.conf");
    assert_eq!(gets_in(&format!("{other}{STRANGER}"), None), (true, true));
    assert_eq!(gets_in(&format!("{}{eve}", LISTED.replace("staff", "gone")), None), (true, true));
}

#[test]
fn condition_that_no_account_meets_today_is_no_contradiction() {
    let cyd = || Some(vec![person("cyd", 1000, &["crew"])]);
    let ada = || Some(vec![person("ada", 1000, &["people"]), person("cyd", 1001, &[])]);
    assert_eq!(gets_in(LISTED, cyd()), (true, false));
    assert_eq!(gets_in(LISTED, ada()), (true, true));
    assert_eq!(gets_in(ACCESS, cyd()), (true, false));
    assert_eq!(gets_in(ACCESS, ada()), (true, true));
    assert_eq!(gets_in(&format!("{LISTED}{STRANGER}"), ada()), (true, false));
    // These conditions depend on /etc/passwd.
    for (condition, met) in [
        ("[success=die default=ignore] pam_localuser.so", false),
        ("required pam_localuser.so", true),
        ("required pam_shells.so", false),
        ("[success=die default=ignore] pam_shells.so", true),
        ("required pam_usertype.so issystem", false),
        ("required pam_usertype.so isregular", true),
    ] {
        assert_eq!(gets_in(&format!("auth {condition}\n"), cyd()), (true, met), "{condition}");
    }
    // This condition depends on the client's host, which is not known.
    let remote = "auth required pam_succeed_if.so rhost = 10.0.0.1\n";
    assert_eq!(gets_in(remote, cyd()), (true, true));
}
