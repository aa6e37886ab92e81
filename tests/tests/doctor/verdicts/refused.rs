//! Tests doctor on settings and lines that refuse every user after or before the factors: account and session lines,
//! lists of users, and keys that sshd does not accept.

use super::wirings::{ALL_RIGHT, K, KEYS, REST, gets_in, verdict, wired};

#[test]
fn account_and_session_lines_that_refuse_everybody() {
    let session = "@include common-session\n";
    let m = wired(KEYS, K);
    m.run(["mkdir", "-p", "/etc/security"]).ok();
    m.file("/etc/security/none.conf").write("-:ALL EXCEPT root:ALL\n").mode(0o644);
    let access = "account required pam_access.so accessfile=/etc/security/none.conf\n";
    for (lines, head) in [
        (format!("account required pam_deny.so\n{REST}"), "lock-out account-refuses"),
        (format!("account include nowhere\n{session}"), "lock-out account-refuses"),
        (format!("{access}{REST}"), "lock-out account-refuses"),
        (format!("{REST}session required pam_deny.so\n"), "lock-out session-refuses"),
        (format!("{REST}session required pam_gone.so\n"), "lock-out session-refuses"),
    ] {
        m.pam("sshd", &format!("{K}{lines}"));
        verdict(&m, "locked_out", Some(head));
        assert!(!gets_in(&m, "ada", ALL_RIGHT, 0), "{lines}");
    }
    m.pam(
        "sshd",
        &format!("{K}account sufficient pam_deny.so\n-session optional pam_gone.so\n{REST}"),
    );
    verdict(&m, "closed", None);
    assert!(gets_in(&m, "ada", ALL_RIGHT, 1));
}

#[test]
fn nologin_refuses_as_long_as_its_file_exists() {
    for (lines, file) in [
        (format!("auth requisite pam_nologin.so\n{K}{REST}"), "/etc/nologin"),
        (format!("{K}account required pam_nologin.so file=/etc/shut\n{REST}"), "/etc/shut"),
    ] {
        let m = wired(KEYS, K);
        m.pam("sshd", &lines);
        verdict(&m, "closed", None);
        m.file(file).write("closed\n");
        verdict(&m, "locked_out", Some("lock-out nologin"));
        assert!(!gets_in(&m, "ada", ALL_RIGHT, 0), "{lines}");
    }
}

#[test]
fn settings_under_which_sshd_admits_nobody() {
    for (line, head) in [
        ("DenyUsers *", "lock-out nobody-admitted"),
        ("AllowUsers nobody-here", "lock-out nobody-admitted"),
        ("AllowGroups nobody-here", "lock-out nobody-admitted"),
        ("AllowUsers root", "lock-out nobody-admitted"),
        ("MaxAuthTries 0", "lock-out no-tries"),
        ("AuthorizedKeysFile none", "lock-out keys-refused"),
        ("RevokedKeys /etc/ssh/gone", "lock-out keys-refused"),
    ] {
        let m = wired(&format!("{line}\n{KEYS}"), K);
        verdict(&m, "locked_out", Some(head));
        assert!(!gets_in(&m, "ada", ALL_RIGHT, 0), "{line}");
    }
    let m = wired(&format!("{KEYS}Match User ada\n  AuthorizedKeysFile none\nMatch all\n"), K);
    verdict(&m, "locked_out", Some("lock-out keys-refused"));
    assert!(!gets_in(&m, "ada", ALL_RIGHT, 0));
}
