//! Tests doctor on other spellings of sshd's settings: quotes, blanks in names, signs between words, and comments.

use super::wirings::{K, KEY_ONLY, KEYS, gets_in, verdict, wired};

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
