//! Tests `twinlock setup` on a booted Debian: a change is kept only if a second login has proven it.

use twinlock_tests::{Booted, Finished, PASSWORD};

/// Script that prints the files that setup changes, with owner and mode.
const FILES: &str = "cd /etc; for file in pam.d/sshd pam.d/sudo pam.d/sudo-i pam.d/su pam.d/login ssh/sshd_config.d/* sudoers.d/*; do \
                     stat -c '%n %U:%G %a' $file; cat $file; done 2>&1";
/// Script that lists what setup still stores about a change of the service ssh.
const OUTCOME: &str =
    "ls /var/lib/twinlock/setup/ssh; ls /var/lib/twinlock/setup/ssh/kept.* | wc -l";

/// Creates a machine on which ada is enrolled.
fn machine() -> Booted {
    let b = Booted::new();
    b.write("/usr/local/bin/takes-mail", "#!/bin/sh\ncat >>/var/mail/all\n");
    b.run("chmod 755 /usr/local/bin/takes-mail").ok();
    b.settings("mail_domain = \"example.org\"\nsendmail = \"/usr/local/bin/takes-mail\"\n");
    b.user("ada").enrolled("ada");
    b
}

fn files(b: &Booted) -> String {
    b.run(FILES).stdout
}

/// Runs `twinlock setup LINE` as root without a terminal, and checks that it succeeds. Root has an ssh key but no
/// second factor.
#[track_caller]
fn set_up(b: &Booted, line: &str) -> Finished {
    let said = b.run(&format!("twinlock setup {line} --not-enrolled deny --json"));
    said.ok();
    said
}

/// Returns the word in the output of setup with which a user can confirm the change.
fn word(said: &Finished) -> String {
    let (_, rest) = said.stdout.split_once("\"word\":\"").expect("a word");
    rest.split('"').next().unwrap_or_default().to_owned()
}

fn timer(b: &Booted) -> String {
    b.run("systemctl is-active twinlock-setup-undo.timer").stdout.trim().to_owned()
}

/// Checks that setup has restored the old files, whose text is `before`, and that the log and a mail say so. `kept` is
/// the number of files that others had edited after the setup; setup keeps a copy of each.
#[track_caller]
fn is_put_back(b: &Booted, before: &str, kept: usize) {
    assert_eq!(files(b), before);
    assert_eq!(b.ssh("ada", "id -un", "").ok(), "ada\n");
    let lines = b.logged("event=service_put_back service=ssh");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].ends_with(&format!(" kept={kept}")), "{lines:?}");
    let critical = b.run("journalctl --output=cat --identifier=twinlock --priority=crit");
    assert!(critical.stdout.contains("event=service_put_back"), "{critical:?}");
    let mails = || b.run("cat /var/mail/all").stdout;
    b.until("root is told", || mails().contains("twinlock setup ssh: put back"));
}

#[test]
#[ignore = "boots a Debian: cargo xtask test --all"]
fn a_second_login_confirms_and_teardown_undoes() {
    let b = machine();
    let before = files(&b);
    let word = word(&set_up(&b, "ssh --with publickey"));
    assert_eq!(timer(&b), "active");
    // This process belongs to no login.
    let refused = b.run(&format!("twinlock setup confirm {word}"));
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert_ne!(b.ssh("ada", "id -un", "").code, Some(0));
    let mut session = b.login("ada", &[]);
    session.expect("Verification code").send_line(&b.code("ada")).expect("$ ");
    session.send_line("sudo twinlock setup confirm WRONG").expect("no change waits");
    // sudo takes what is typed before its command has ended.
    session.expect("again.").expect("$ ");
    session.send_line(&format!("sudo twinlock setup confirm {word}")).expect("stays as it is");
    assert_eq!(b.logged("event=service_confirmed service=ssh actor=uid:").len(), 1);
    assert_ne!(timer(&b), "active");
    let after = files(&b);
    b.restart();
    assert_eq!(files(&b), after);
    assert_ne!(b.ssh("ada", "id -un", "").code, Some(0));
    b.run("twinlock teardown ssh --yes").ok();
    assert_eq!(files(&b), before);
    assert_eq!(b.ssh("ada", "id -un", "").ok(), "ada\n");
}

#[test]
#[ignore = "boots a Debian: cargo xtask test --all"]
fn an_old_connection_confirms_nothing() {
    let b = machine();
    b.run("printf 'Host *\\nControlPath /root/master\\n' >/root/.ssh/config").ok();
    let mut master = b.login("ada", &["-o", "ControlMaster=yes"]);
    master.expect("$ ");
    let word = word(&set_up(&b, "ssh --with publickey"));
    let confirm = format!("sudo twinlock setup confirm {word}");
    let channel = b.ssh("ada", &confirm, "");
    assert_eq!(channel.code, Some(1), "{channel:?}");
    assert!(channel.stderr.contains("older than the change"), "{channel:?}");
    // A code that another login has given in the meantime does not count for the old login either.
    b.run("rm /root/.ssh/config").ok();
    let mut session = b.login("ada", &[]);
    session.expect("Verification code").send_line(&b.code("ada")).expect("$ ");
    master.send_line(&confirm).expect("older than the change");
    assert_eq!(timer(&b), "active");
    session.send_line(&confirm).expect("stays as it is");
}

#[test]
#[ignore = "boots a Debian: cargo xtask test --all"]
fn unconfirmed_is_put_back_and_what_others_wrote_is_kept() {
    let b = machine();
    let before = files(&b);
    set_up(&b, "ssh --with publickey --within 1m");
    assert_ne!(files(&b), before);
    b.run("echo '# of another package' >>/etc/pam.d/sshd").ok();
    b.until("it is put back", || !b.logged("event=service_put_back").is_empty());
    b.until("nothing waits", || timer(&b) != "active");
    is_put_back(&b, &before, 1);
    let kept = b.run("cat /var/lib/twinlock/setup/ssh/kept.sshd.*").ok().to_owned();
    assert!(kept.contains("pam_twinlock.so") && kept.ends_with("# of another package\n"), "{kept}");
    assert_eq!(b.run(OUTCOME).stdout.lines().last(), Some("1"));
    set_up(&b, "ssh --with publickey");
}

#[test]
#[ignore = "boots a Debian: cargo xtask test --all"]
fn a_power_cut_puts_everything_back_before_sshd_starts() {
    let b = machine();
    let before = files(&b);
    // The reload of ssh does not end, so all files are written while setup still runs.
    b.run("mkdir -p /run/systemd/system/ssh.service.d").ok();
    b.write(
        "/run/systemd/system/ssh.service.d/slow.conf",
        "[Service]\nExecReload=\nExecReload=/bin/sleep 1000\n",
    );
    b.run("systemctl daemon-reload").ok();
    b.run("setsid twinlock setup ssh --with publickey --not-enrolled deny >/dev/null 2>&1 &").ok();
    b.until("the files are written", || files(&b).contains("pam_twinlock.so"));
    b.cut_power();
    is_put_back(&b, &before, 0);
    let at = |unit: &str, name: &str| -> u64 {
        let said = b.run(&format!("systemctl show --value --property={name} {unit}"));
        said.ok().trim().parse().expect("microseconds")
    };
    let done = at("twinlock-setup-boot.service", "ExecMainExitTimestampMonotonic");
    assert!(done > 0 && done < at("ssh.service", "ExecMainStartTimestampMonotonic"));
    assert_eq!(b.run("systemctl --failed --quiet").ok(), "");
    // Once more, with a change that waits.
    set_up(&b, "ssh --with publickey");
    b.cut_power();
    assert_eq!(files(&b), before);
}

#[test]
#[ignore = "boots a Debian: cargo xtask test --all"]
fn sudo_and_su_are_confirmed_in_another_login() {
    let b = machine();
    b.write("/etc/sudoers.d/all", "ada ALL=(ALL:ALL) ALL\n");
    let before = files(&b);
    for service in ["sudo", "su"] {
        let word = word(&set_up(&b, &format!("{service} --with password")));
        let mut session = b.login("ada", &[]);
        let lines: &[&str] =
            if service == "su" { &["su ada", "sudo -k sh"] } else { &["sudo -k sh"] };
        for line in lines {
            session.expect("$ ").send_line(line).expect("assword").send_line(PASSWORD);
            session.expect("Verification code").send_line(&b.code("ada"));
        }
        session.expect("# ").send_line(&format!("twinlock setup confirm {word}"));
        session.expect("stays as it is");
    }
    for service in ["su", "sudo"] {
        b.run(&format!("twinlock teardown {service} --yes")).ok();
    }
    assert_eq!(files(&b), before);
}

/// Answers the questions of sudo or su for ada.
fn answered(b: &Booted, session: &mut twinlock_tests::Session<'_>, line: &str) {
    session.expect("$ ").send_line(line).expect("assword").send_line(PASSWORD);
    session.expect("Verification code").send_line(&b.code("ada"));
}

#[test]
#[ignore = "boots a Debian: cargo xtask test --all"]
fn all_doors_to_root_are_confirmed_by_one_login() {
    let b = machine();
    b.write("/etc/sudoers.d/all", "ada ALL=(ALL:ALL) ALL\n");
    let before = files(&b);
    let root = "root --with password --timestamp-timeout 0";
    // Nobody confirms: all files are put back at once.
    set_up(&b, &format!("{root} --within 1m"));
    assert_eq!(files(&b).matches("# twinlock setup begin").count(), 4);
    b.until("it is put back", || !b.logged("event=service_put_back service=root").is_empty());
    b.until("nothing waits", || timer(&b) != "active");
    assert_eq!(files(&b), before);
    // The power is cut while the change waits.
    set_up(&b, root);
    b.cut_power();
    assert_eq!(files(&b), before);
    assert_eq!(b.logged("event=service_put_back service=root").len(), 2);
    let word = word(&set_up(&b, root));
    // A login through ssh, which was not set up, shows nothing about the other services.
    let channel = b.ssh("ada", &format!("twinlock setup confirm {word}"), "");
    assert_ne!(channel.code, Some(0), "{channel:?}");
    let mut session = b.login("ada", &[]);
    answered(&b, &mut session, "sudo -k sh");
    session.expect("# ").send_line(&format!("twinlock setup confirm {word}"));
    session.expect("stays as it is");
    let after = files(&b);
    b.restart();
    assert_eq!(files(&b), after);
    b.epoch_minutes_ago(10);
    // sudo asks each time, and `su -` asks like su.
    let mut session = b.login("ada", &[]);
    answered(&b, &mut session, "sudo true");
    answered(&b, &mut session, "sudo true");
    answered(&b, &mut session, "su - ada");
    session.expect("$ ");
    b.run("twinlock teardown root --yes").ok();
    assert_eq!(files(&b), before);
}

#[test]
#[ignore = "boots a Debian: cargo xtask test --all"]
fn login_is_confirmed_at_the_console() {
    let b = machine();
    b.write("/etc/sudoers.d/all", "ada ALL=(ALL:ALL) ALL\n");
    let before = files(&b);
    let word = word(&set_up(&b, "login --with password"));
    {
        let mut console = b.console();
        console.send_line("").expect("login: ").send_line("ada");
        console.expect("Password: ").hidden().send_line(PASSWORD);
        console.expect("Verification code").send_line(&b.code("ada")).expect("$ ");
        console.send_line(&format!("sudo twinlock setup confirm {word}")).expect("assword");
        console.hidden().send_line(PASSWORD).expect("stays as it is");
    }
    assert_ne!(timer(&b), "active");
    assert_eq!(b.logged("event=service_confirmed service=login").len(), 1);
    b.run("twinlock teardown login --yes").ok();
    assert_eq!(files(&b), before);
}

#[test]
#[ignore = "boots a Debian: cargo xtask test --all"]
fn a_power_cut_puts_sudo_su_and_login_back() {
    let b = machine();
    b.write("/etc/sudoers.d/all", "ada ALL=(ALL:ALL) ALL\n");
    let before = files(&b);
    for service in ["sudo", "su", "login"] {
        set_up(&b, &format!("{service} --with password"));
        assert_ne!(files(&b), before, "{service}");
        b.cut_power();
        assert_eq!(files(&b), before, "{service}");
    }
}
