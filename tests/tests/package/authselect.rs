//! Tests the script that makes an authselect profile. A stand-in takes the place of authselect, and the tests log in
//! with the resulting profile.

use twinlock_tests::{Machine, repository};

const SCRIPT: &str = "/root/authselect-profile";
const KEY: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
const PROFILE: &str = "/etc/authselect/custom/twinlock/password-auth";
/// Text of a profile like Fedora's: its password line is `sufficient`, and its features choose which lines and
/// arguments are used.
const TEMPLATE: &str = "\
auth        required    pam_env.so
auth        required    pam_faillock.so preauth silent  {include if \"with-faillock\"}
auth        sufficient  pam_unix.so {if not \"without-nullok\":nullok} try_first_pass
auth        required    pam_deny.so

account     required    pam_unix.so
session     required    pam_unix.so
";
/// Script that takes the place of authselect. It copies the profile, and stores the arguments of each call in
/// /root/called.
const AUTHSELECT: &str = "\
#!/bin/sh
set -e
echo \"$*\" >>/root/called
case $1 in
current) cat /root/current ;;
create-profile) mkdir -p /etc/authselect/custom/twinlock && cp /root/profile/* /etc/authselect/custom/twinlock/ ;;
esac
";

/// Creates a machine on which a profile of authselect is in force, and which has the script under test. `system_auth`
/// is the text of the profile's file system-auth.
fn machine(system_auth: &str) -> Machine {
    let m = Machine::new();
    for folder in ["/etc/authselect", "/etc/authselect/custom", "/root/profile"] {
        m.file(folder).make_folder();
    }
    m.file("/root/current").write("minimal with-faillock without-nullok\n");
    m.file("/root/profile/password-auth").write(TEMPLATE);
    m.file("/root/profile/system-auth").write(system_auth);
    m.file("/usr/bin/authselect").write(AUTHSELECT).mode(0o755);
    let script = repository().join("packaging/rpm/authselect-profile");
    m.file(SCRIPT).write(std::fs::read(script).expect("the script"));
    m
}

/// Returns the PAM lines that authselect makes of a profile with the feature without-nullok only.
fn selected(profile: &str) -> String {
    let lines = profile.lines().filter(|line| !line.contains("{include if"));
    let lines = lines.map(|line| line.replace("{if not \"without-nullok\":nullok}", ""));
    lines.map(|line| line + "\n").collect()
}

#[test]
fn profile_is_the_hosts_own_and_one_line_more() {
    let m = machine(TEMPLATE);
    let said = m.run(["sh", SCRIPT]);
    let select = "authselect select custom/twinlock with-faillock without-nullok\n";
    assert!(said.ok().contains(select), "{}", said.stdout);
    assert!(said.stdout.contains("authselect select minimal with-faillock without-nullok\n"));
    assert!(m.file("/root/called").read().contains("twinlock --base-on=minimal --symlink-meta"));
    let made = m.file(PROFILE).read();
    let (first, rest) = made.split_once('\n').expect("a line");
    let words: Vec<&str> = first.split_whitespace().collect();
    assert_eq!(words, ["auth", "required", "pam_twinlock.so", "first_factor=follows"]);
    assert_eq!(rest, TEMPLATE);
    m.file("/root/current").write("custom/twinlock\n");
    assert_ne!(m.run(["sh", SCRIPT]).code, Some(0));
    assert_eq!(m.file(PROFILE).read(), made);
}

#[test]
fn profile_without_an_auth_line_is_not_made() {
    let m = machine("account required pam_unix.so\n");
    let said = m.run(["sh", SCRIPT]);
    assert_eq!(said.code, Some(1));
    assert!(said.stderr.contains("no auth line in system-auth"), "{}", said.stderr);
    assert!(!m.file("/etc/authselect/custom/twinlock").exists());
}

#[test]
fn profile_asks_for_code_and_password() {
    let m = machine(TEMPLATE);
    m.run(["sh", SCRIPT]).ok();
    m.twinlock().pam("password-auth", &selected(&m.file(PROFILE).read()));
    let rest = "account include password-auth\nsession include password-auth\n";
    for (user, include) in [("ada", "substack"), ("bob", "include")] {
        m.user(user).password(user, "right password").enrolled(user, KEY);
        m.pam("sshd", &format!("auth {include} password-auth\n{rest}"));
        m.drop_in("10-twinlock-password.conf").sshd("");
        let login = |code: &str, password: &str| {
            let mut s = m.ssh(user).open();
            s.expect("Verification code").send_line(code);
            // After a wrong code the module asks again, and an empty answer ends that.
            if s.expect_one_of(&["Password", "Verification code"]) == 1 {
                s.send_line("").expect("Password");
            }
            s.send_line(password).logged_in()
        };
        assert!(!login(&m.wrong_code(user), "right password"), "{include}: a wrong code");
        assert!(!login(&m.code(user), "wrong password"), "{include}: a wrong password");
        assert!(login(&m.code_in(user, 1), "right password"), "{include}: both are right");
    }
}
