//! Tests self-service through the agent: what a user must prove for each operation, and in which cases it is refused.

use twinlock_tests::{Machine, built, codes_shown, key_shown};

use crate::{machine, password};

/// Starts the command line `words` as ada, and gives her password.
fn begun<'m>(m: &'m Machine, words: &[&str]) -> twinlock_tests::Session<'m> {
    let mut s = m.call(words.iter().copied()).as_user("ada").open();
    s.expect("Your password: ").send_line(password());
    s
}

#[test]
fn an_ordinary_user_sees_the_own_state_without_sudo() {
    let m = machine();
    let said = m.run_as("ada", ["twinlock", "status"]);
    assert!(said.ok().starts_with("ada is enrolled; last change "), "{said:?}");
    assert!(said.ok().contains("Authenticators: "), "{said:?}");
    let said = m.run_as("ada", ["twinlock", "status", "--json"]);
    let object: serde_json::Value = serde_json::from_str(said.ok()).unwrap();
    assert_eq!(object["user"], "ada");
    assert_eq!(object["status"], "enrolled");
    for verb in ["devices", "why"] {
        assert_eq!(m.run_as("ada", ["twinlock", verb]).code, Some(0), "{verb}");
    }
    // The argument of `status` is always a user name.
    let other = m.run_as("ada", ["twinlock", "status", "root"]);
    assert_eq!(other.code, Some(4), "{other:?}");
    assert_eq!(m.run_as("ada", ["twinlock", "status", "ada"]).code, Some(0));
}

#[test]
fn two_codes_needed_to_change_key() {
    let m = machine();
    let old = m.otp("ada");
    let mut s = begun(&m, &["twinlock", "change"]);
    s.expect("Verification code of your app: ").send_line(&old.in_steps(-1));
    s.expect("ode"); // the key is shown
    let new = key_shown(s.expect(": ").transcript().as_str()).expect("a key is shown");
    s.send_line(&new.in_steps(0));
    s.expect("OLD key").send_line(&old.in_steps(0));
    s.expect("The new key works from now on");
    assert_eq!(s.exit_code(), Some(0), "{}", s.transcript());
    let log = m.logged("event=key_changed");
    assert!(log[0].contains("user=ada service=twinlock rhost=agent:"), "{log:?}");
    assert!(m.run(["ls", "/var/lib/twinlock/outbox"]).ok().contains("ada@key-changed"));
}

#[test]
fn backup_codes_are_shown_after_a_password_and_two_codes() {
    let m = machine();
    let mut s = begun(&m, &["twinlock", "backup-codes"]);
    s.expect("Verification code of your app: ").send_line(&m.code_in("ada", -1));
    s.expect("type one more code").send_line(&m.code("ada"));
    s.expect("last four letters");
    let codes = codes_shown(&s.transcript());
    let last = codes.last().expect("codes are shown");
    s.send_line(&last[last.len() - 4..]);
    assert_eq!(s.exit_code(), Some(0), "{}", s.transcript());
    assert!(m.run_as("ada", ["twinlock", "status"]).ok().contains("Backup codes left: 10"));
}

#[test]
fn a_wrong_password_reaches_no_code_and_five_reach_no_libpam() {
    let m = machine();
    let wrong = |words: &[&str]| {
        let mut s = m.call(["twinlock", "backup-codes"]).as_user("ada").open();
        for word in words {
            s.expect("Your password: ").send_line(word);
        }
        (s.exit_code(), s.transcript())
    };
    let (code, said) = wrong(&["no", "no", "no"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(!said.contains("Verification code"), "{said}");
    let (code, said) = wrong(&["no", "no", password()]);
    assert_eq!(code, Some(5), "{said}");
    assert!(said.contains("too often"), "{said}");
    assert!(!said.contains("Verification code"), "{said}");
}

#[test]
fn missing_pam_service_refuses() {
    let m = machine();
    // The service `other` accepts every user. It must not be used in place of the service twinlock.
    m.pam("other", "auth required pam_permit.so\naccount required pam_permit.so\n");
    let refuses = |what: &str| {
        let said = m.run_as("ada", ["twinlock", "backup-codes"]);
        assert_eq!(said.code, Some(6), "{what}: {said:?}");
        assert!(said.stderr.contains("/etc/pam.d/twinlock"), "{what}: {said:?}");
    };
    m.file("/etc/pam.d/twinlock").mode(0o666);
    refuses("others may write to it");
    m.file("/etc/pam.d/twinlock").mode(0o644).owner(m.uid("ada"));
    refuses("it is not root's");
    m.file("/etc/pam.d/twinlock").remove();
    refuses("it is missing");
    m.file("/etc/pam.d/twinlock").link_to("/etc/pam.d/other");
    refuses("it is a link");
}

#[test]
fn expired_password_and_account_refuse() {
    let m = machine();
    for expire in [["chage", "-d", "0", "ada"], ["chage", "-E", "0", "ada"]] {
        m.run(expire).ok();
        let mut s = begun(&m, &["twinlock", "backup-codes"]);
        s.expect("That password was not accepted");
        m.run(["chage", "-d", "20000", "-E", "-1", "ada"]).ok();
        m.run(["sh", "-c", "rm -f /run/twinlock/*/op.password.* /run/twinlock/*/*/op.password.*"]);
    }
}

#[test]
fn empty_and_locked_password_refuse_at_once() {
    let m = machine();
    for hash in ["", "!", "*", "!$y$j9T$abc"] {
        m.run(["usermod", "-p", hash, "ada"]).ok();
        let said = m.run_as("ada", ["twinlock", "change"]);
        assert_eq!(said.code, Some(4), "{hash:?}: {said:?}");
        assert!(said.stderr.contains("has no password"), "{hash:?}: {said:?}");
    }
}

#[test]
fn changed_pam_user_refuses() {
    let m = machine();
    m.user("bob");
    m.file("/usr/lib/x86_64-linux-gnu/security/pam_rename.so").write(built("pam_rename.so"));
    // A stack that accepts everything passes; the same with another name at its end does not.
    for (name, said) in [("ada", "Verification code of your app: "), ("bob", "was not accepted")] {
        let stack = format!(
            "auth required pam_permit.so\nauth required pam_rename.so {name}\naccount required pam_permit.so\n"
        );
        m.pam("twinlock", &stack);
        begun(&m, &["twinlock", "backup-codes"]).expect(said).give_up();
    }
}

#[test]
fn module_in_own_stack_refuses() {
    let line = "auth required pam_twinlock.so first_factor=stack\n";
    // The shipped file includes common-auth, so a line there is in the stack, too.
    let common = format!("{}{line}", twinlock_tests::stock("common-auth"));
    let own = format!("@include common-auth\n{line}@include common-account\n");
    for (file, text) in [("twinlock", own), ("common-auth", common)] {
        let m = machine();
        m.pam(file, &text);
        let mut s = begun(&m, &["twinlock", "backup-codes"]);
        s.expect("That password was not accepted");
        let log = m.logged("reason=own_stack");
        assert_eq!(log.len(), 1, "{file}: {:?}", m.log());
    }
}

#[test]
fn shadow_mode_000_verifies() {
    let m = machine();
    m.run(["chmod", "000", "/etc/shadow"]).ok();
    let mut s = begun(&m, &["twinlock", "backup-codes"]);
    s.expect("Verification code of your app: ").give_up();
}

#[test]
fn account_check_follows_success_only() {
    let m = machine();
    // The account lines must not run after a wrong password, because those of pam_faillock would clear its count.
    let stack = "auth required pam_unix.so\naccount required pam_exec.so quiet /usr/bin/touch /run/asked\naccount required pam_unix.so\n";
    m.pam("twinlock", stack);
    let mut s = m.call(["twinlock", "backup-codes"]).as_user("ada").open();
    s.expect("Your password: ").send_line("no").expect("not accepted").give_up();
    assert!(!m.file("/run/asked").exists());
    let mut s = begun(&m, &["twinlock", "backup-codes"]);
    s.expect("Verification code of your app: ").give_up();
    assert!(m.file("/run/asked").exists());
}

#[test]
fn an_authenticator_is_removed_by_name_and_never_the_last() {
    let m = machine();
    let name = "app";
    let only = m.run_as("ada", ["twinlock", "remove", "--authenticator", name]);
    assert_eq!(only.code, Some(3), "{only:?}");
    // The first name has the maximum length, and the second one is longer than a frame of the protocol.
    let long = m.run_as("ada", ["twinlock", "remove", "--authenticator", &"\u{1f511}".repeat(64)]);
    assert_eq!(long.code, Some(3), "{long:?}");
    let longer = m.run_as("ada", ["twinlock", "remove", "--authenticator", &"x".repeat(5000)]);
    assert_eq!(longer.code, Some(2), "{longer:?}");
    let none = m.run_as("ada", ["twinlock", "remove", "--authenticator", "no\u{1b}[31m"]);
    assert_eq!(none.code, Some(3), "{none:?}");
    assert!(!none.stderr.contains('\u{1b}'), "{none:?}");
}

#[test]
fn without_a_ticket_nobody_enrolls() {
    let m = machine();
    m.user("bob").password("bob", password());
    let said = m.run_as("bob", ["twinlock", "enroll"]);
    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(said.stderr.contains("you need a ticket"), "{said:?}");
    assert_eq!(m.run_as("ada", ["twinlock", "enroll"]).code, Some(3));
}

#[test]
fn a_ticket_enrolls_after_the_password() {
    let m = machine();
    m.user("bob").password("bob", password());
    let ticket = m.run(["twinlock", "invite", "bob", "--json"]);
    let object: serde_json::Value = serde_json::from_str(ticket.ok()).unwrap();
    let ticket = object["ticket"].as_str().expect("a ticket").to_owned();
    let mut s = m.call(["twinlock", "enroll"]).as_user("bob").open();
    s.expect("Your password: ").send_line(password());
    s.expect("icket").send_line("AAAA BBBB CCCC");
    s.expect("icket").send_line(&ticket);
    s.expect("ode");
    let new = key_shown(&s.expect(": ").transcript()).expect("a key is shown");
    s.send_line(&new.in_steps(0));
    s.expect("last four letters");
    let codes = codes_shown(&s.transcript());
    let last = codes.last().expect("codes are shown");
    s.send_line(&last[last.len() - 4..]);
    assert_eq!(s.exit_code(), Some(0), "{}", s.transcript());
    assert!(m.run_as("bob", ["twinlock", "status"]).ok().starts_with("bob is enrolled"));
    assert_eq!(m.logged("event=enrolled user=bob service=twinlock").len(), 1, "{:?}", m.log());
}

#[test]
fn a_code_is_used_up_for_the_agent_and_for_logins_alike() {
    let m = machine();
    m.shipped_pam("sudo").sudoer("ada");
    let code = m.code("ada");
    let mut s = begun(&m, &["twinlock", "backup-codes"]);
    s.expect("Verification code of your app: ").send_line(&code).expect("one more code");
    s.send_line(&code).expect("used already").give_up();
    let mut s = m.sudo("ada").args(["id"]).open();
    s.expect("password for ada").send_line(password());
    s.expect("Verification code").send_line(&code).expect("used already");
    s.give_up();
    // The source of the agent is never remembered.
    assert!(!m.run(["twinlock", "status", "ada"]).ok().contains("agent:"));
}

#[test]
fn dialogues_fit_a_narrow_terminal() {
    let m = machine();
    m.user("bob").password("bob", password());
    let fits = |s: &twinlock_tests::Session<'_>| {
        for line in s.transcript().lines() {
            assert!(line.trim_end().chars().count() <= 60, "{line:?} in {}", s.transcript());
        }
    };
    let mut s = m.call(["twinlock", "backup-codes"]).first("stty cols 60").as_user("ada").open();
    s.expect("Your password: ").send_line(password());
    s.expect("Verification code of your app: ").send_line(&m.code_in("ada", -1));
    s.expect("one more code").send_line(&m.code("ada"));
    s.expect("four letters");
    let codes = codes_shown(&s.transcript());
    let last = codes.last().expect("codes are shown");
    s.send_line(&last[last.len() - 4..]);
    assert_eq!(s.exit_code(), Some(0), "{}", s.transcript());
    fits(&s);
    for (user, words) in
        [("bob", &["enroll"][..]), ("bob", &["change"]), ("ada", &["status", "root"])]
    {
        let mut s = m
            .call(["twinlock"])
            .args(words.iter().copied())
            .first("stty cols 60")
            .as_user(user)
            .open();
        s.give_up();
        fits(&s);
    }
}
