//! Tests doctor's verdict on Red Hat's files. Red Hat's sshd and libpam cannot be run here.

use twinlock_doctor::Format;
use twinlock_doctor::settings::DoctorSettings;

use super::flat;

/// Runs doctor on a tree of Red Hat's files. `sshd` is the PAM file of sshd. `says` is the recorded output of Red
/// Hat's sshd, which cannot be run here. Returns the exit code, the standard output and the standard error.
fn red_hat(sshd: &str, says: &[(&str, &str)]) -> (u8, String, String) {
    let tree = tempfile::tempdir().expect("a folder");
    let write = |path: &str, text: &str| {
        let file = tree.path().join(path);
        std::fs::create_dir_all(file.parent().expect("below the tree")).expect("a folder");
        std::fs::write(file, text).expect("a file");
    };
    write("etc/pam.d/sshd", sshd);
    write(
        "etc/pam.d/password-auth",
        include_str!("../../../../doctor/src/fixtures/rhel9/password-auth"),
    );
    write("etc/pam.d/postlogin", include_str!("../../../../doctor/src/fixtures/rhel9/postlogin"));
    write(
        "etc/ssh/sshd_config",
        "UsePAM yes\nMatch User backup\n  AuthenticationMethods publickey\n",
    );
    write("etc/nsswitch.conf", "passwd: files sss\n");
    write("etc/passwd", "root:x:0:0::/root:/bin/bash\nkim:x:1000:1000::/home/kim:/bin/bash\n");
    for (name, text) in says {
        write(&format!("says/{name}"), text);
    }
    let arguments = twinlock_doctor::Doctor {
        service: Some("ssh".to_owned()),
        verbose: false,
        quiet: false,
        root: tree.path().to_owned(),
        pam: None,
        sshd_config: None,
        sshd_says: Some(tree.path().join("says")),
    };
    let (mut out, mut complaints) = (Vec::new(), Vec::new());
    let streams: [&mut dyn std::io::Write; 2] = [&mut out, &mut complaints];
    let settings = DoctorSettings::default();
    let code = twinlock_doctor::run(&arguments, Format::Text, &settings, Vec::new(), streams);
    let code = code.expect("a report");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (code, text(out), text(complaints))
}

const SAYS: &str = "usepam yes\nlogingracetime 300\npermitrootlogin no\npubkeyauthentication yes\npasswordauthentication no\nkbdinteractiveauthentication yes\nauthenticationmethods keyboard-interactive:pam\n";

#[test]
fn red_hats_include_is_explained_line_by_line() {
    let sshd = "auth include password-auth\nauth required pam_twinlock.so first_factor=stack\naccount include password-auth\n";
    let backup = SAYS.replace("keyboard-interactive:pam", "publickey");
    let (code, out, _) = red_hat(sshd, &[("T", SAYS), ("T.backup", &backup)]);
    assert_eq!(code, 7);
    for part in [
        "way-in: /etc/pam.d/sshd:2 (never-reached)",
        "The stack ends at /etc/pam.d/password-auth:5.",
        "      auth [success=2 default=ignore] pam_sss.so try_first_pass\n",
        "way-in: /etc/ssh/sshd_config:3 (match-without-code)",
        "note: /etc/nsswitch.conf:1 (accounts-elsewhere)",
        "no  | right (pam_unix.so) | wrong | -                         | GETS IN | /etc/pam.d/password-auth:5",
    ] {
        let there = out.contains(part) || flat(&out).contains(part);
        assert!(there, "{part} is not in:\n{out}");
    }
}

#[test]
fn the_lines_that_doctor_writes_satisfy_it() {
    let wrong =
        "auth substack password-auth\nauth include postlogin\naccount include password-auth\n";
    let both = SAYS.replace(
        "keyboard-interactive:pam",
        "publickey,keyboard-interactive:pam keyboard-interactive:pam",
    );
    let key = SAYS.replace("keyboard-interactive:pam", "publickey,keyboard-interactive:pam");
    for says in [SAYS, &both, &key] {
        let (code, out, _) = red_hat(wrong, &[("T", says)]);
        assert_eq!(code, 7);
        let lines = out.lines().filter_map(|line| line.strip_prefix("      auth "));
        let remedy: String = lines.map(|line| format!("auth {line}\n")).collect();
        let (code, out, _) =
            red_hat(&format!("{remedy}account include password-auth\n"), &[("T", says)]);
        assert_eq!(code, 0, "{remedy}{out}");
    }
}

#[test]
fn without_an_sshd_nothing_is_said() {
    let (code, out, complaints) = red_hat("auth required pam_deny.so\n", &[]);
    assert_eq!((code, out.as_str()), (8, ""));
    assert!(complaints.contains("sshd was not found"), "{complaints}");
}
