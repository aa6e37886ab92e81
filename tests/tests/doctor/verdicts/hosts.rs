//! Tests, with real logins, logins without a code and lock-outs that come from the host and not from the stack: groups,
//! ports, options of sshd, and settings.

use twinlock_tests::Machine;

use super::wirings::{
    ALL_RIGHT, B, K, KEY_ONLY, KEYS, NO_CODE, NO_KEY, NOTHING, PASSWORD, PASSWORD_ONLY, PROMPTS,
    REST, answers, gets_in, report, verdict, wired,
};

#[test]
fn a_member_by_primary_group_without_a_shell_is_seen() {
    let m = wired(KEYS, K);
    m.file("/etc/group").append("files:x:7007:\n");
    m.run(["usermod", "-g", "files", "-s", "/usr/sbin/nologin", "eve"]).ok();
    m.sshd(&format!("PermitRootLogin no\n{KEYS}Match Group files\n  AuthenticationMethods publickey\nMatch all\n"));
    let said = verdict(&m, "open", Some("way-in match-without-code"));
    assert!(said.to_string().contains("user eve can log in with a key alone"), "{said:#}");
    // sshd lets eve in; the shell then ends the session.
    let out = m.ssh("eve").key().option("BatchMode=yes").command(["true"]).output();
    assert_eq!(out.code, Some(1), "{out:?}");
    assert!(m.logged("Accepted publickey for eve").len() == 1, "{:?}", m.log());
}

#[test]
fn a_match_on_a_port_is_judged() {
    let block = "Match LocalPort 2222\n  AuthenticationMethods publickey\nMatch all\n";
    let m = wired(&format!("{KEYS}{block}"), K);
    verdict(&m, "closed", None);
    assert!(!gets_in(&m, "ada", NO_CODE, 0));
    assert!(gets_in(&m, "ada", ALL_RIGHT, 1));
    m.sshd(&format!("PermitRootLogin no\nPort 22\nPort 2222\n{KEYS}{block}"));
    verdict(&m, "open", Some("way-in match-without-code"));
    assert!(
        m.ssh("ada")
            .key()
            .option("Port=2222")
            .option("BatchMode=yes")
            .option("StrictHostKeyChecking=no")
            .command(["true"])
            .output()
            .code
            == Some(0)
    );
}

/// Starts a process whose name is sshd but which is not an sshd, with options that would let users in without a code.
/// Checks that doctor does not judge by these options.
#[test]
fn process_of_a_user_is_no_sshd() {
    let m = wired(KEYS, K);
    for owner in ["eve", "root"] {
        let line =
            "exec -a /usr/sbin/sshd bash -c 'sleep 300; :' x -o UsePAM=no -f /home/eve/config";
        let start = format!("{line} >/dev/null 2>&1 </dev/null & sleep 0; :");
        let call = m.call(["bash", "-c", &start]);
        let call = if owner == "root" { call } else { call.as_user(owner) };
        call.output().ok();
        let seen = m.processes().into_iter().any(|(_, line)| line.contains("UsePAM=no"));
        assert!(seen, "{owner}: {:?}", m.processes());
        verdict(&m, "closed", None);
        m.run(["pkill", "-f", "UsePAM=no"]);
    }
}

#[test]
fn options_of_a_running_sshd_and_of_its_defaults_count() {
    let m = wired(KEYS, K);
    verdict(&m, "closed", None);
    m.stop_sshd();
    m.run(["/usr/sbin/sshd", "-o", "AuthenticationMethods=publickey"]).ok();
    verdict(&m, "open", Some("way-in key-alone"));
    let ada = || {
        m.ssh("ada")
            .key()
            .option("BatchMode=yes")
            .option("ConnectionAttempts=20")
            .command(["true"])
            .output()
    };
    assert_eq!(ada().code, Some(0));
    m.stop_sshd();
    m.file("/etc/default/ssh").write("SSHD_OPTS=\"-o AuthenticationMethods=publickey\"\n");
    let said = verdict(&m, "open", Some("way-in key-alone"));
    assert!(said.to_string().contains("/etc/default/ssh:1"), "{said:#}");
    m.file("/etc/default/ssh").write("SSHD_OPTS=\n");
    verdict(&m, "closed", None);
    m.file("/etc/ssh/other").write("Include /etc/ssh/sshd_config\n");
    m.file("/etc/default/ssh").write("SSHD_OPTS=-f/etc/ssh/open\n");
    m.file("/etc/ssh/open").write("UsePAM yes\nAuthenticationMethods publickey\n");
    verdict(&m, "open", Some("way-in key-alone"));
}

#[test]
fn an_account_with_an_empty_password_needs_the_code_alone() {
    let unix = "auth [success=1 default=ignore] pam_unix.so nullok\nauth requisite pam_deny.so\n";
    let ours = "auth required pam_permit.so\nauth required pam_twinlock.so first_factor=stack\n";
    let m = wired(&format!("{PROMPTS}PermitEmptyPasswords yes\n"), &format!("{unix}{ours}"));
    verdict(&m, "closed", None);
    m.run(["passwd", "-d", "ada"]).ok();
    verdict(&m, "open", Some("way-in empty-password"));
    assert!(answers(&m, "ada", false, ["wrong", &m.code("ada")]));
    // The code is not enough where sshd ends each login by prompts, because pam_setcred fails.
    m.pam(
        "sshd",
        &format!("auth [success=ok default=die] pam_succeed_if.so uid >= 0\n{unix}{ours}{REST}"),
    );
    let report = verdict(&m, "locked_out", Some("lock-out credentials-refused"));
    assert!(report.to_string().contains("no such account the code alone"), "{report:#}");
    m.pam("sshd", &format!("{unix}{ours}{REST}"));
    // With a key, the code is not alone.
    let with_key = "PasswordAuthentication yes\nKbdInteractiveAuthentication yes\nAuthenticationMethods publickey,password publickey,keyboard-interactive\n";
    m.sshd(&format!("PermitRootLogin no\nPermitEmptyPasswords yes\n{with_key}"));
    verdict(&m, "closed", None);
    assert!(!answers(&m, "ada", false, ["wrong", &m.code_in("ada", 1)]));
    assert!(answers(&m, "ada", true, ["wrong", &m.code_in("ada", 1)]));
}

#[test]
fn kerberos_is_asked_before_pam() {
    let methods = "KerberosAuthentication yes\nPasswordAuthentication yes\nKbdInteractiveAuthentication no\nAuthenticationMethods password\n";
    let m = wired(
        methods,
        "auth required pam_twinlock.so first_factor=follows forward_pass\nauth required pam_unix.so use_first_pass nodelay\n",
    );
    verdict(&m, "open", Some("way-in kerberos-alone"));
}

/// Checks the password method after a key: sshd tells the module about a verified key only by keyboard-interactive.
#[test]
fn key_is_not_seen_by_the_password_method() {
    let methods = "KbdInteractiveAuthentication no\nPasswordAuthentication yes\nAuthenticationMethods publickey,password\n";
    for auth in [K, B] {
        let m = wired(methods, auth);
        verdict(&m, "locked_out", None);
        let code = m.code("ada");
        assert!(!answers(&m, "ada", true, [&code, &code]), "{auth}");
        assert!(!answers(&m, "ada", true, [PASSWORD, &m.code_in("ada", 1)]), "{auth}");
    }
    let m = wired(
        &methods
            .replace("publickey,password", "publickey,keyboard-interactive")
            .replace("tion no", "tion yes"),
        K,
    );
    verdict(&m, "closed", None);
    assert!(answers(&m, "ada", true, ["wrong", &m.code("ada")]));
}

/// Checks that a user who can log in with the password alone does not count as locked out, although a code cannot be
/// typed.
#[test]
fn ignored_refusal_is_a_way_in_and_no_lock_out() {
    let methods = "KbdInteractiveAuthentication no\nPasswordAuthentication yes\nAuthenticationMethods publickey,password\n";
    let weak = "[success=ok auth_err=ignore default=die]";
    let m = wired(methods, &B.replace("required pam_twinlock", &format!("{weak} pam_twinlock")));
    verdict(&m, "open", Some("way-in password-alone"));
    assert!(answers(&m, "ada", true, [PASSWORD, PASSWORD]));
    assert!(!answers(&m, "ada", true, ["wrong", "wrong"]));
}

#[test]
fn one_field_by_the_password_method_works() {
    let methods =
        "KbdInteractiveAuthentication no\nPasswordAuthentication yes\nPubkeyAuthentication no\n";
    let m = wired(
        methods,
        "auth required pam_twinlock.so first_factor=follows forward_pass\nauth required pam_unix.so use_first_pass nodelay\n",
    );
    verdict(&m, "closed", None);
    let both = |password: &str, code: &str| {
        let text = format!("{password}{code}");
        answers(&m, "ada", false, [&text, &text])
    };
    assert!(!both(PASSWORD, &m.wrong_code("ada")));
    assert!(!both("wrong", &m.code("ada")));
    assert!(both(PASSWORD, &m.code_in("ada", 1)));
}

#[test]
fn settings_that_let_the_not_enrolled_in_are_named() {
    for (settings, head) in [
        ("not_enrolled = \"allow\"\n", "way-in not-enrolled-allowed"),
        ("[[rule]]\ngroup = \"eve\"\naction = \"exempt\"\n", "way-in rule-exempts"),
    ] {
        let m = wired(KEYS, K);
        verdict(&m, "closed", None);
        assert!(!gets_in(&m, "eve", NO_CODE, 0));
        m.settings(settings);
        let said = verdict(&m, "open", Some(head));
        assert!(said.to_string().contains("twinlock.toml"), "{said:#}");
        assert!(gets_in(&m, "eve", KEY_ONLY, 0), "{settings}");
        assert!(!gets_in(&m, "ada", KEY_ONLY, 0), "{settings}");
    }
    let m = wired(KEYS, K);
    m.settings("[[rule]]\ngroup = \"eve\"\naction = \"remind\"\n");
    verdict(&m, "open", Some("way-in rule-reminds"));
    assert!(reminded(&m, "eve"));
    assert!(!reminded(&m, "ada"));
    m.settings("[[rule]]\ngroup = \"eve\"\naction = \"remind\"\nuntil = 2020-01-31\n");
    verdict(&m, "closed", None);
    assert!(!reminded(&m, "eve"));
}

/// Returns whether a login by a key alone succeeds. Each question is answered with an empty line, as by a user who
/// ignores a reminder.
fn reminded(m: &Machine, user: &str) -> bool {
    answers(m, user, true, ["", ""])
}

#[test]
fn settings_that_a_line_names_are_judged_in_place_of_the_main_file() {
    let own = K.replace('\n', " config=/etc/twinlock/ssh.toml\n");
    for (settings, head) in [
        ("not_enrolled = \"allow\"\n", "way-in not-enrolled-allowed"),
        ("[[rule]]\ngroup = \"eve\"\naction = \"exempt\"\n", "way-in rule-exempts"),
        ("[[rule]]\ngroup = \"eve\"\naction = \"remind\"\n", "way-in rule-reminds"),
    ] {
        let m = wired(KEYS, &own);
        m.file("/etc/twinlock/ssh.toml").write("window = 1\n");
        verdict(&m, "closed", None);
        assert!(!gets_in(&m, "eve", KEY_ONLY, 0));
        // The main settings file does not apply to sshd, whose PAM line names another file.
        m.settings(settings);
        verdict(&m, "closed", None);
        assert!(!gets_in(&m, "eve", KEY_ONLY, 0), "{settings}");
        m.file("/etc/twinlock/ssh.toml").write(settings);
        let said = verdict(&m, "open", Some(head));
        assert!(said.to_string().contains("/etc/twinlock/ssh.toml"), "{said:#}");
        assert!(reminded(&m, "eve") && !reminded(&m, "ada"), "{settings}");
        m.file("/etc/twinlock/ssh.toml").remove();
        verdict(&m, "locked_out", Some("lock-out settings-refuse"));
        assert!(!gets_in(&m, "ada", ALL_RIGHT, 1));
    }
}

#[test]
fn a_rule_of_the_command_is_accepted_by_its_entry() {
    const FILE: &str = "/etc/twinlock/accepted.toml";
    let m = wired(KEYS, K);
    m.settings("require_own_code = false\n");
    let hand = "# By hand.\nprotect = []\n";
    m.file(FILE).write(hand);
    let invite = |until: &str| {
        m.run(["rm", "-f", &format!("/root/{until}")]).ok();
        let words = format!("twinlock invite --group eve --until {until} --report /root/{until}");
        m.run(words.split(' '))
    };
    invite("2099-01-31").ok();
    let report = verdict(&m, "closed", None);
    assert!(report.to_string().contains("exception"), "{report:#}");
    assert!(reminded(&m, "eve"));
    let written = m.file(FILE).read();
    assert!(written.starts_with(hand) && written.matches("[[accepted]]").count() == 1, "{written}");
    assert_eq!(m.run(["stat", "-c", "%a %U", FILE]).ok(), "644 root\n");
    invite("2099-01-31").ok();
    assert_eq!(m.file(FILE).read(), written);
    // A rule with another end date needs an entry of its own in accepted.toml.
    invite("2099-02-28").ok();
    verdict(&m, "closed", None);
    m.file(FILE).write(&written);
    verdict(&m, "open", Some("way-in rule-reminds"));
    m.file(FILE).write(m.file(FILE).read().replace("until = 2099-01-31", "until = 2020-01-31"));
    verdict(&m, "open", Some("way-in rule-reminds"));
    // If accepted.toml cannot be used, `invite` fails before it issues a ticket.
    m.file(FILE).write("accepted = 1\n");
    let refused = invite("2099-03-31");
    assert_eq!(refused.code, Some(3), "{refused:?}");
    assert!(!m.file("/root/2099-03-31").exists(), "{refused:?}");
}

#[test]
fn nullok_lets_the_not_enrolled_in_unless_the_settings_decide() {
    let m = wired(KEYS, &K.replace('\n', " nullok\n"));
    verdict(&m, "open", Some("way-in nullok"));
    assert!(gets_in(&m, "eve", KEY_ONLY, 0));
    m.settings("not_enrolled = \"deny\"\n");
    verdict(&m, "closed", None);
    assert!(!gets_in(&m, "eve", KEY_ONLY, 0));
}

#[test]
fn a_ticket_is_no_lock_out() {
    let m = wired(KEYS, K);
    m.run(["twinlock", "remove", "ada", "--yes"]).ok();
    verdict(&m, "locked_out", Some("lock-out nobody-enrolled"));
    let said = m.run(["twinlock", "invite", "eve", "--json"]);
    let said: serde_json::Value = serde_json::from_str(said.ok()).expect("JSON");
    verdict(&m, "closed", None);
    let mut s = m.ssh("eve").key().open();
    s.expect("icket").send_line(said["ticket"].as_str().expect("a ticket"));
    s.expect("app");
}

#[test]
fn a_carriage_return_is_named() {
    let m = wired(PROMPTS, &B.replace("=stack\n", "=stack\r\n"));
    let said = verdict(&m, "locked_out", Some("lock-out hidden-character"));
    assert!(said.to_string().contains("carriage return"), "{said:#}");
    assert!(!gets_in(&m, "ada", NO_KEY, 0));
    m.run(["sed", "-i", "s/\\r$//", "/etc/pam.d/sshd"]).ok();
    verdict(&m, "closed", None);
    assert!(gets_in(&m, "ada", NO_KEY, 1));
}

#[test]
fn an_unknown_module_proves_nothing() {
    let m = wired(PROMPTS, B);
    // pam_house is pam_permit under a name that doctor does not know.
    let folder = "/usr/lib/x86_64-linux-gnu/security";
    m.run(["cp", &format!("{folder}/pam_permit.so"), &format!("{folder}/pam_house.so")]).ok();
    let ours = "auth required pam_twinlock.so first_factor=stack\n";
    m.pam("sshd", &format!("auth required pam_house.so\n{ours}{REST}"));
    verdict(&m, "cannot_be_judged", Some("unknown unknown-module"));
    let text = m.run(["twinlock", "doctor", "ssh"]).stdout;
    assert!(text.starts_with("ssh: cannot be judged: information is missing.\n"), "{text}");
    assert!(text.contains("pam_house.so"), "{text}");
    // Whatever pam_house returns, no login succeeds without the password and the code.
    m.pam("sshd", &format!("auth [default=ignore] pam_house.so\n{B}{REST}"));
    verdict(&m, "closed", None);
    assert!(!gets_in(&m, "ada", NOTHING, 0));
    assert!(!gets_in(&m, "ada", PASSWORD_ONLY, 0));
    assert!(gets_in(&m, "ada", NO_KEY, 1));
    // Whatever pam_house returns, the key is enough.
    m.pam(
        "sshd",
        &format!("auth sufficient pam_permit.so\nauth required pam_house.so\n{ours}{REST}"),
    );
    verdict(&m, "open", Some("way-in open-door"));
    assert!(gets_in(&m, "ada", NOTHING, 0));
}

#[test]
fn an_accepted_way_in_is_shown_until_its_day() {
    let robot = "Match User eve\n  AuthenticationMethods publickey\nMatch all\n";
    let m = wired(&format!("{KEYS}{robot}"), K);
    let said = verdict(&m, "open", Some("way-in match-without-code"));
    assert!(gets_in(&m, "eve", KEY_ONLY, 0));
    let findings = said["findings"].as_array().expect("findings");
    let one = findings.iter().find(|one| one["id"] == "match-without-code").expect("it");
    let entry = |until: &str| {
        format!(
            "[[accepted]]\nfinding = \"match-without-code\"\nservice = \"sshd\"\noutcome = {}\nreason = \"robot\"\nuntil = {until}\n",
            one["outcome"]
        )
    };
    m.file("/etc/twinlock/accepted.toml").write(entry("2999-01-31")).mode(0o644);
    verdict(&m, "closed", None);
    let text = m.run(["twinlock", "doctor", "ssh"]).stdout;
    assert!(
        text.contains("exception: ") && text.contains("Accepted until 2999-01-31: robot"),
        "{text}"
    );
    m.file("/etc/twinlock/accepted.toml").write(entry("2020-01-31"));
    verdict(&m, "open", Some("way-in match-without-code"));
    m.file("/etc/twinlock/accepted.toml").write(entry("2999-01-31")).mode(0o666);
    verdict(&m, "open", Some("way-in match-without-code"));
    // An exception for more users than the accepted one is not accepted.
    m.file("/etc/twinlock/accepted.toml").mode(0o644);
    m.sshd(&format!("PermitRootLogin no\n{KEYS}{}", robot.replace("User eve", "User eve,ada")));
    verdict(&m, "open", Some("way-in match-without-code"));
    assert_eq!(report(&m).0, Some(7));
}

/// sshd ends a login because of a failing pam_setcred only if the user was asked by prompts. Checks that the password
/// method works nevertheless.
#[test]
fn password_method_survives_failing_credentials() {
    let password =
        "KbdInteractiveAuthentication no\nPasswordAuthentication yes\nPubkeyAuthentication no\n";
    let fails = "auth required pam_debug.so auth=success cred=cred_err\n";
    let one_field = "auth required pam_twinlock.so first_factor=follows forward_pass\nauth required pam_unix.so use_first_pass nodelay\n";
    let m = wired(password, &format!("{fails}{one_field}"));
    let both = format!("{PASSWORD}{}", m.code("ada"));
    let gets_in = answers(&m, "ada", false, [&both, &both]);
    assert!(gets_in, "{:?}", m.log());
    verdict(&m, "closed", None);
    m.sshd(&format!("PermitRootLogin no\n{PROMPTS}"));
    verdict(&m, "locked_out", Some("lock-out credentials-refused"));
    let both = format!("{PASSWORD}{}", m.code_in("ada", 1));
    assert!(!answers(&m, "ada", false, [&both, &both]));
}
