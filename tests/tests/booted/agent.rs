//! Tests the agent as the units of its package start it: through its socket unit, and in the sandbox of its service.

use twinlock_tests::{Booted, PASSWORD, Session, built};

/// Roles file with a help desk, whose changes need two members.
const ROLES: &str = "protected = [\"root\", \"sudo\"]\n[[role]]\nname = \"desk\"\ngroup = \"helpdesk\"\n\
                     over = \"people\"\nverbs = [\"status\", \"reset\"]\napprove = 2\n";

#[test]
#[ignore = "boots a Debian: cargo xtask test --all"]
fn a_user_changes_backup_codes_through_the_socket_and_the_sandbox() {
    let b = Booted::new();
    b.settings("").user("ada").enrolled("ada");
    assert_eq!(b.run("systemctl is-active twinlock-agent.socket").stdout.trim(), "active");
    let status = b.ssh("ada", "twinlock status", "");
    assert!(status.ok().starts_with("ada is enrolled"), "{status:?}");
    // The listener ends when it is idle, and the socket starts it again.
    b.run("systemctl stop twinlock-agent.service").ok();
    assert_eq!(b.ssh("ada", "twinlock why", "").code, Some(0));

    let mut s = b.login("ada", &[]);
    s.expect("$ ").send_line("twinlock backup-codes");
    s.expect("Your password: ").send_line(PASSWORD);
    s.expect("Verification code of your app: ").send_line(&b.code("ada"));
    s.expect("one more code").send_line(&b.code("ada"));
    s.expect("last four letters");
    let codes = twinlock_tests::codes_shown(&s.transcript());
    let last = codes.last().expect("codes are shown");
    s.send_line(&last[last.len() - 4..]).expect("$ ");
    assert!(b.ssh("ada", "twinlock status", "").ok().contains("Backup codes left: 10"));
    assert_eq!(b.logged("event=codes_renewed user=ada service=twinlock").len(), 1);

    // A wrong password is refused by the real stack of Debian.
    let mut s = b.login("ada", &[]);
    s.expect("$ ").send_line("twinlock change").expect("Your password: ");
    s.send_line("wrong").expect("not accepted");
    let exposure = b.run("systemd-analyze security --no-pager twinlock-agent.service | tail -1");
    let level: f64 = exposure
        .ok()
        .split_whitespace()
        .find_map(|word| word.parse().ok())
        .unwrap_or_else(|| panic!("no figure in {exposure:?}"));
    assert!(level < 2.5, "{exposure:?}");
}

/// Answers the questions of the agent with the password and a code of `user`.
fn prove(b: &Booted, s: &mut Session<'_>, user: &str) {
    s.expect("Your password: ").send_line(PASSWORD);
    s.expect("Verification code of your app: ").send_line(&b.code(user));
}

#[test]
#[ignore = "boots a Debian: cargo xtask test --all"]
fn a_help_desk_of_two_resets_a_user_through_the_sandbox() {
    let b = Booted::new();
    b.settings("mail_domain = \"example.org\"\n").write("/etc/twinlock/roles.toml", ROLES);
    for (user, group) in [("ada", "people"), ("kim", "helpdesk"), ("lee", "helpdesk")] {
        b.user(user).enrolled(user);
        b.run(&format!("groupadd -f {group} && usermod -aG {group} {user}")).ok();
    }
    let mut kim = b.login("kim", &[]);
    kim.expect("$ ").send_line("twinlock reset ada --reason lost");
    prove(&b, &mut kim, "kim");
    kim.expect("twinlock approve ").expect("$ ");
    let shown = kim.transcript();
    let id = shown.split("twinlock approve ").last().and_then(|rest| rest.get(..8)).expect("an id");
    assert!(b.run("twinlock status ada").ok().starts_with("ada is enrolled"));
    // lee's account in kim's session is no second person.
    kim.send_line(&format!("su lee -c 'twinlock approve {id}'"));
    kim.expect("assword: ").hidden().send_line(PASSWORD);
    kim.expect("Log in yourself").expect("$ ");
    let mut lee = b.login("lee", &[]);
    lee.expect("$ ").send_line(&format!("twinlock approve {id}"));
    prove(&b, &mut lee, "lee");
    lee.expect("ada is reset").expect("$ ");
    assert!(!b.run("twinlock status ada").ok().starts_with("ada is enrolled"));
    let log = b.logged("event=reset user=ada role=desk");
    let (asked, agreed) = (b.uid("kim"), b.uid("lee"));
    assert!(
        log.len() == 1
            && log[0].contains(&format!("requested_by=uid:{asked} "))
            && log[0].ends_with(&format!("actor=uid:{agreed}")),
        "{log:?}"
    );
    // The ticket waits for the mail program.
    let mails = b.run("find /var/lib/twinlock/outbox -name '*ada*' | wc -l");
    assert_ne!(mails.ok().trim(), "0");
}

#[test]
#[ignore = "boots a Debian: cargo xtask test --all"]
fn a_locker_is_served_in_the_sandbox() {
    let b = Booted::new();
    b.settings("[agent]\nlockers = true\n").user("ada").enrolled("ada");
    let lines = "auth required pam_twinlock.so first_factor=follows forward_pass\n\
                 auth required pam_unix.so use_first_pass\naccount required pam_permit.so\n";
    b.write("/etc/pam.d/i3lock", lines);
    // The program that stands for a locker is that of the benchmark, run by ada.
    let octal: String = built("pam_host").iter().map(|byte| format!("\\0{byte:03o}")).collect();
    b.run("install -m 755 /dev/null /usr/bin/locker").ok();
    for part in octal.as_bytes().chunks(5 * 10_000) {
        let part = str::from_utf8(part).expect("octal");
        b.run(&format!("printf '%b' '{part}' >>/usr/bin/locker")).ok();
    }
    for (code, status) in [(b.wrong_code("ada"), "7 "), (b.code("ada"), "0 ")] {
        let said = b.ssh("ada", "locker i3lock", &format!("ada\t{PASSWORD}{code}\n"));
        assert!(said.stdout.starts_with(status), "{said:?} {:?}", b.logged(""));
    }
    assert_eq!(b.logged("event=accepted user=ada service=i3lock rhost=agent:").len(), 1);
}
