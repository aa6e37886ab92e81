//! Tests `invite --group`: it issues the tickets first, and then writes a rule with the deadline to rules.toml, which
//! several administrators may write at the same time.

use twinlock_tests::{Machine, said};

use super::{machine, twinlock};

const RULES: &str = "/etc/twinlock/rules.toml";

fn rule(group: &str, until: &str) -> String {
    format!("\n[[rule]]\ngroup = \"{group}\"\naction = \"remind\"\nuntil = {until}\n")
}

#[test]
fn a_group_is_invited_and_its_rule_written_once() {
    let m = machine();
    let settings = m.file("/etc/twinlock/twinlock.toml").read();
    let first = twinlock(&m, "invite --group dev --until 2099-01-31");
    said("invite-group.txt", &(first.ok().to_owned() + &first.stderr));
    assert!(m.file(RULES).read().ends_with(&rule("dev", "2099-01-31")));
    assert_eq!(m.run(["stat", "-c", "%a %u:%g", RULES]).ok(), "644 0:0\n");
    assert_eq!(m.file("/root/mail").read().matches("To: ").count(), 2);
    let written = m.tree("/etc/twinlock");
    let again = twinlock(&m, "invite --group dev --until 2099-01-31 --json");
    said("invite-group-again.json", again.ok());
    assert_eq!(m.tree("/etc/twinlock"), written);
    twinlock(&m, "invite --group dev --until 2099-03-01").ok();
    let moved = m.file(RULES).read();
    assert!(moved.ends_with(&rule("dev", "2099-03-01")) && moved.matches("[[rule]]").count() == 1);
    let explained = twinlock(&m, "explain bob@203.0.113.7 --service probe");
    said("explain-reminded.txt", explained.ok());
    assert_eq!(m.file("/etc/twinlock/twinlock.toml").read(), settings);
    assert!(!m.file("/etc/twinlock/settings.good").exists());
    assert_eq!(twinlock(&m, "invite --group dev --until 2001-01-01").code, Some(2));
    m.file("/etc/twinlock/twinlock.toml").append("windwo = 1\n");
    let refused = twinlock(&m, "invite --group dev --until 2099-04-01");
    assert_eq!(refused.code, Some(6), "{refused:?}");
    assert_eq!(m.file(RULES).read(), moved);
}

/// Writes a stack with pam_permit before twinlock's line, so that only the module decides.
fn wired(m: &Machine, arguments: &str) {
    let ours = format!("auth required pam_twinlock.so first_factor=stack {arguments}");
    m.pam("probe", &format!("auth required pam_permit.so\n{ours}\n"));
}

/// Logs in a user who is not enrolled. Returns whether the login is accepted.
fn gets_in(m: &Machine, user: &str) -> bool {
    m.pamtester("probe", user).input("\n\n\n\n").output().code == Some(0)
}

#[test]
fn rules_of_the_command_are_in_force_behind_any_settings() {
    let m = machine();
    wired(&m, "");
    assert!(!gets_in(&m, "bob"));
    twinlock(&m, "invite --group dev --until 2099-01-31").ok();
    assert!(gets_in(&m, "bob") && !gets_in(&m, "dee"));
    m.file("/etc/twinlock/other.toml").write("window = 2\n");
    wired(&m, "config=/etc/twinlock/other.toml");
    assert!(gets_in(&m, "bob") && !gets_in(&m, "dee"));
    // Rules in the settings file come before those in rules.toml.
    m.file("/etc/twinlock/other.toml").write("[[rule]]\nuser = \"bob\"\naction = \"require\"\n");
    assert!(!gets_in(&m, "bob") && gets_in(&m, "cy"));
}

#[test]
fn a_fault_in_rules_is_one_in_the_settings() {
    let m = machine();
    wired(&m, "");
    twinlock(&m, "settings apply").ok();
    twinlock(&m, "invite --group dev --until 2099-01-31").ok();
    let good = m.file(RULES).read();
    for damage in [
        "echo windwo = 1 >>$R",
        "chmod 666 $R",
        "chown bob $R",
        "mv $R /root/r; ln -s /root/r $R",
        "rm $R; mkfifo $R",
        "head -c 70000 /dev/zero | tr '\\0' '#' >$R",
        "printf 'version = 2\\n' >$R",
        "printf 'require_own_code = false\\n' >$R",
        "printf '\\377' >$R",
    ] {
        m.run(["sh", "-euc", &format!("R={RULES}; {damage}")]).ok();
        let before = m.log().len();
        // The fallback copy of rules.toml still lets bob in, and no other user.
        assert!(gets_in(&m, "bob") && !gets_in(&m, "dee"), "{damage}: {:?}", m.log());
        let logged = m.log()[before..].join("\n");
        assert!(
            logged.contains("event=settings_fallback") && logged.contains("rules.toml"),
            "{damage}: {logged}"
        );
        for words in ["invite --group dev --until 2099-05-01", "settings apply"] {
            let refused = twinlock(&m, words);
            assert!(matches!(refused.code, Some(2..=6)), "{damage}: {words}: {refused:?}");
        }
        m.run(["mv", "/etc/twinlock/settings.good", "/root/good"]).ok();
        assert!(!gets_in(&m, "bob"), "{damage}");
        assert_eq!(twinlock(&m, "list").code, Some(6), "{damage}");
        m.run(["mv", "/root/good", "/etc/twinlock/settings.good"]).ok();
        m.run(["rm", "-f", RULES]).ok();
        m.file(RULES).write(&good);
    }
}

#[test]
fn shadowed_rule_is_refused_with_the_line_before_any_ticket() {
    let m = machine();
    let settings = m.file("/etc/twinlock/twinlock.toml").read();
    for (rules, line) in [
        ("[[rule]]\ngroup = \"dev\"\naction = \"exempt\"\n", 5),
        ("\n# all\n[[rule]]\naction = \"require\"\n", 7),
        (
            "[[rule]]\nuser = \"x\"\naction = \"exempt\"\n[[rule]]\ngroup = \"dev\"\naction = \"remind\"\nuntil = 2098-01-01\n",
            8,
        ),
    ] {
        m.settings(&format!("{settings}{rules}"));
        for dry in ["", " --dry-run"] {
            let refused = twinlock(&m, &format!("invite --group dev --until 2099-01-31{dry}"));
            let place = format!("/etc/twinlock/twinlock.toml:{line}: the rule there comes first");
            assert!(
                refused.code == Some(3) && refused.stderr.replace('\n', " ").contains(&place),
                "{refused:?}"
            );
        }
    }
    assert!(!m.file("/root/mail").exists() && !m.file(RULES).exists());
    assert!(m.logged("event=invited").is_empty());
}

#[test]
fn dry_run_shows_it_all_and_writes_nothing() {
    let m = machine();
    twinlock(&m, "invite bob --mail bob@example.net").ok();
    m.file("/etc/group").append("all:x:3001:root,ada,bob,cy,dee\n");
    let folders = ["/etc", "/var/lib/twinlock", "/run/twinlock", "/root"];
    let stands = || folders.map(|folder| m.tree(folder)).join("\n");
    let (before, logged) = (stands(), m.log().len());
    let shown =
        twinlock(&m, "invite --group all --until 2099-01-31 --dry-run --report /root/report");
    said("invite-group-dry.txt", &(shown.ok().to_owned() + &shown.stderr));
    let shown = twinlock(&m, "invite --group all --until 2099-01-31 --dry-run --json");
    said("invite-group-dry.json", shown.ok());
    assert_eq!(stands(), before);
    assert_eq!(m.log().len(), logged, "{:?}", m.log());
}

#[test]
fn without_mail_it_is_said_once_before_anything() {
    let m = machine();
    for settings in ["", "mail_domain = \"example.org\"\nsendmail = \"/none\"\n"] {
        m.settings(settings);
        let before = m.tree("/var/lib/twinlock");
        let refused = twinlock(&m, "invite --group dev --until 2099-01-31");
        assert_eq!(refused.code, Some(3), "{refused:?}");
        let text = refused.stderr.replace('\n', " ");
        assert_eq!(text.matches("no ticket can be mailed").count(), 1, "{text}");
        assert!(text.contains("nothing was changed") && text.contains("--report FILE"), "{text}");
        assert!(refused.stdout.is_empty() && !m.file(RULES).exists());
        assert_eq!(m.tree("/var/lib/twinlock"), before);
    }
    let done = twinlock(&m, "invite --group dev --until 2099-01-31 --report /root/report");
    let text = done.stderr.replace('\n', " ");
    assert!(
        done.ok().contains("2 invited") && text.matches("no ticket can be mailed").count() == 1,
        "{text}"
    );
    assert!(text.contains("all tickets go into /root/report"), "{text}");
}

#[test]
fn rule_is_written_after_the_tickets_or_not_at_all() {
    let m = machine();
    // The mail program records whether rules.toml exists while the tickets are sent.
    let program = "#!/bin/sh\ncat >>/root/mail; test ! -e /etc/twinlock/rules.toml && echo before >>/root/seen\nexit 0\n";
    m.file("/usr/local/bin/takes-mail").write(program);
    twinlock(&m, "invite --group dev --until 2099-01-31").ok();
    assert_eq!(m.file("/root/seen").read(), "before\nbefore\n");
    let lines: Vec<_> = m
        .log()
        .into_iter()
        .filter(|line| line.contains("event=invited") || line.contains("event=rule_written"))
        .collect();
    assert!(lines.len() == 3 && lines[2].contains("event=rule_written"), "{lines:?}");
    // If no ticket was delivered, no login is accepted without a code either.
    let m = machine();
    wired(&m, "");
    m.file("/usr/local/bin/takes-mail").write("#!/bin/sh\nexit 75\n");
    let failed = twinlock(&m, "invite --group dev --until 2099-01-31");
    assert!(failed.code == Some(1) && failed.stderr.contains("no rule was written"), "{failed:?}");
    assert!(!m.file(RULES).exists() && !gets_in(&m, "bob"));
}

/// Checks that no rule is lost if several administrators write at the same time and some of them are killed.
#[test]
fn many_at_once_lose_no_rule() {
    let m = machine();
    let groups: Vec<String> = (0..24).map(|number| format!("g{number}")).collect();
    let lines: String =
        (4000..).zip(&groups).map(|(gid, name)| format!("{name}:x:{gid}:ada\n")).collect();
    m.file("/etc/group").append(lines);
    twinlock(&m, "settings apply").ok();
    let script = "for g in $(seq 0 23); do \
                  (twinlock invite --group g$g --until 2099-01-31 >/dev/null 2>&1 && echo g$g >>/root/done) & \
                  [ $((g % 4)) -gt 0 ] || (sleep 0.0$((g % 7)); kill -9 $! 2>/dev/null) & done; wait";
    m.run(["sh", "-c", script]);
    let done = m.file("/root/done").read();
    let rules = m.file(RULES).read();
    assert!(done.lines().count() >= 18, "{done}");
    for group in done.lines() {
        assert_eq!(rules.matches(&rule(group, "2099-01-31")).count(), 1, "{group}: {rules}");
    }
    for group in &groups {
        twinlock(&m, &format!("invite --group {group} --until 2099-01-31")).ok();
    }
    let rules = m.file(RULES).read();
    assert_eq!(rules.matches("[[rule]]").count(), groups.len(), "{rules}");
    let accepted = m.file("/etc/twinlock/accepted.toml").read();
    for group in &groups {
        let entry = format!(
            "service = \"sshd\"\noutcome = 'Users whom this rule matches and who are not enrolled log in without a code: group = \"{group}\","
        );
        assert_eq!(accepted.matches(&entry).count(), 1, "{group}: {accepted}");
    }
    let good = m.file("/etc/twinlock/settings.good").read();
    assert!(good.ends_with(&rules), "{good}");
    let left = m.run(["sh", "-c", "ls /etc/twinlock | grep next"]);
    assert_eq!(left.stdout, "");
}
