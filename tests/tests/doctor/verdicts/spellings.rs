//! Tests doctor on other spellings of sshd's settings: quotes, blanks in names, signs between words, and comments.

use super::wirings::{
    ALL_RIGHT, B, K, KEY_ONLY, KEYS, NOTHING, PROMPTS, REST, gets_in, verdict, wired,
};

/// The last line of [`B`].
const LAST: &str = "auth required pam_twinlock.so first_factor=stack\n";

/// Line of /etc/group for a group with a blank in its name, as in Active Directory. Only eve is a member.
const GROUP: &str = "domain users:x:7777:eve\n";

fn block(criteria: &str) -> String {
    format!("{KEYS}Match {criteria}\n  AuthenticationMethods publickey\nMatch all\n")
}

#[test]
fn group_with_a_blank_in_its_name_is_one_name() {
    for criteria in [
        "Group \"domain users\"",
        "Group \"nobody-here,domain users\"",
        "Group=\"domain users\"",
        "Group \"domain users\" User e*",
        "Group \"domain users\"\t# the others ask",
        "Group domain?users",
        "User \"eve\"",
    ] {
        let m = wired("", K);
        m.file("/etc/group").append(GROUP);
        m.sshd(&format!("PermitRootLogin no\n{}", block(criteria)));
        let report = verdict(&m, "open", Some("way-in match-without-code"));
        assert!(report.to_string().contains("user eve can"), "{criteria}: {report:#}");
        assert!(gets_in(&m, "eve", KEY_ONLY, 0), "{criteria}");
        assert!(!gets_in(&m, "ada", KEY_ONLY, 0), "{criteria}");
    }
    let m = wired("", K);
    m.file("/etc/group").append(GROUP);
    m.sshd(&format!("PermitRootLogin no\n{}", block("Group \"domain users\" User ada")));
    verdict(&m, "closed", None);
    assert!(!gets_in(&m, "ada", KEY_ONLY, 0));
}

#[test]
fn lists_of_groups_with_blanks_refuse_and_admit() {
    for (list, eve) in [
        ("DenyGroups \"domain users\"", false),
        ("AllowGroups ada \"domain guests\"", false),
        ("AllowGroups ada \"domain users\"", true),
        ("DenyGroups \"domain guests\" users", true),
    ] {
        let m = wired("", K);
        m.file("/etc/group").append(GROUP);
        m.sshd(&format!("PermitRootLogin no\n{list}\n{}", block("User eve")));
        verdict(&m, if eve { "open" } else { "closed" }, None);
        assert_eq!(gets_in(&m, "eve", KEY_ONLY, 0), eve, "{list}");
    }
}

/// Checks that libpam before 1.6 reads the rest of a comment of more than 1,023 bytes as a line, and that a zero byte
/// ends a line. An editor shows neither.
#[test]
fn rest_of_a_long_comment_is_a_line() {
    let permit = "auth sufficient pam_permit.so";
    for first in [format!("#{}{permit}\n", "x".repeat(1022)), format!("{permit}\0 never\n")] {
        let m = wired(PROMPTS, B);
        verdict(&m, "closed", None);
        m.pam("sshd", &format!("{first}{B}{REST}"));
        let report = verdict(&m, "open", Some("way-in open-door"));
        assert!(report.to_string().contains("/etc/pam.d/sshd:1"), "{report:#}");
        assert!(gets_in(&m, "eve", NOTHING, 0));
    }
    let wide = |count: usize| {
        let blanks = " ".repeat(count);
        format!(
            "@include common-auth\n{}{REST}",
            LAST.replace("required ", &format!("required {blanks}"))
        )
    };
    let m = wired(PROMPTS, B);
    m.pam("sshd", &wide(1100));
    verdict(&m, "locked_out", None);
    assert!(!gets_in(&m, "ada", ALL_RIGHT, 0));
    m.pam("sshd", &wide(900));
    verdict(&m, "closed", None);
    assert!(gets_in(&m, "ada", ALL_RIGHT, 1));
}
