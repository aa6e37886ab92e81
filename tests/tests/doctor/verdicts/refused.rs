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

#[test]
fn lines_that_neither_the_service_nor_other_has() {
    for (lines, head) in [
        ("@include common-account\n", "lock-out session-refuses"),
        ("@include common-session\n", "lock-out account-refuses"),
    ] {
        let m = wired(KEYS, K);
        m.pam("sshd", &format!("{K}{lines}"));
        m.run(["rm", "-f", "/etc/pam.d/other"]).ok();
        verdict(&m, "locked_out", Some(head));
        assert!(!gets_in(&m, "ada", ALL_RIGHT, 0), "{lines}");
        m.file("/etc/pam.d/other").write(REST).mode(0o644);
        verdict(&m, "closed", None);
        assert!(gets_in(&m, "ada", ALL_RIGHT, 1), "{lines}");
    }
}

#[test]
fn included_files_that_libpam_does_not_find() {
    let vendor = "auth required pam_faildelay.so delay=1\n";
    for (include, status, expected) in [
        ("auth include vend\n", "locked_out", false),
        ("auth include /usr/lib/pam.d/vend\n", "closed", true),
    ] {
        let m = wired(KEYS, &format!("{include}{K}"));
        m.run(["mkdir", "-p", "/usr/lib/pam.d"]).ok();
        m.file("/usr/lib/pam.d/vend").write(vendor).mode(0o644);
        verdict(&m, status, None);
        assert_eq!(gets_in(&m, "ada", ALL_RIGHT, 0), expected, "{include}");
    }
}

#[test]
fn folders_that_sshd_refuses_to_change_root_to() {
    for folder in ["/nowhere", "/home/ada", "/home/%u", "%h", "/jail/%u", "/etc/passwd", "/open/x"]
    {
        let m = wired(&format!("{KEYS}ChrootDirectory {folder}\n"), K);
        m.run(["sh", "-c", "mkdir -p /jail /open/x; chmod 777 /open"]).ok();
        verdict(&m, "locked_out", Some("lock-out chroot-refused"));
        assert!(!gets_in(&m, "ada", ALL_RIGHT, 0), "{folder}");
    }
    let block = "Match User ada\n  ChrootDirectory /nowhere\nMatch all\n";
    let m = wired(&format!("{KEYS}{block}"), K);
    verdict(&m, "locked_out", Some("lock-out chroot-refused"));
    assert!(!gets_in(&m, "ada", ALL_RIGHT, 0));
    for folder in ["/", "none"] {
        let m = wired(&format!("{KEYS}ChrootDirectory {folder}\n"), K);
        verdict(&m, "closed", None);
        assert!(gets_in(&m, "ada", ALL_RIGHT, 0), "{folder}");
    }
}

#[test]
fn an_sshd_that_inetd_or_xinetd_starts_is_judged() {
    let m = wired(KEYS, K);
    m.run(["mkdir", "-p", "/etc/xinetd.d"]).ok();
    for (file, text) in [
        ("/etc/inetd.conf", "2222 stream tcp nowait root /usr/sbin/sshd sshd -i OPTIONS\n"),
        (
            "/etc/xinetd.d/ssh",
            "service ssh\n{\n  server = /usr/sbin/sshd\n  server_args = -i OPTIONS\n}\n",
        ),
    ] {
        let open = text.replace("OPTIONS", "-oAuthenticationMethods=publickey");
        m.file(file).write(open).mode(0o644);
        verdict(&m, "open", Some("way-in key-alone"));
        m.file(file).write(text.replace("OPTIONS", "")).mode(0o644);
        verdict(&m, "closed", None);
    }
    assert!(gets_in(&m, "ada", ALL_RIGHT, 0));
}

#[test]
fn two_lines_of_twinlock_want_two_codes() {
    for (lines, opens) in [
        (format!("{K}{K}"), false),
        (format!("{K}auth include more\n"), false),
        (format!("{K}auth substack more\n"), false),
        (K.replace("required", "sufficient") + K, true),
        (
            format!(
                "{}{K}auth required pam_permit.so\n",
                K.replace("required", "[success=1 default=ignore]")
            ),
            true,
        ),
    ] {
        // A login spends its code, so each stack has a machine of its own.
        let m = wired(KEYS, &lines);
        m.file("/etc/pam.d/more").write(K);
        verdict(&m, if opens { "closed" } else { "locked_out" }, None);
        assert_eq!(gets_in(&m, "ada", ALL_RIGHT, 0), opens, "{lines}");
    }
}
