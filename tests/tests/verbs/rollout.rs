//! Tests commands on many users: listings, enrollments from a list, and the invitation of a group with a deadline.

mod fresh_ticket;
mod group;

use twinlock_tests::{Finished, Machine, Otp, said, shipped};

const KEY: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
const SENDMAIL: &str = "#!/bin/sh\ncat >>/root/mail\n";

/// Creates a machine with users, a group and a mail program.
fn machine() -> Machine {
    let m = Machine::new();
    m.twinlock();
    for (uid, name) in (2000..).zip(["ada", "bob", "cy", "dee"]) {
        m.user_with_uid(name, uid);
    }
    m.file("/etc/group").append("dev:x:3000:bob,cy\n");
    m.file("/usr/local/bin/takes-mail").write(SENDMAIL).mode(0o755);
    m.settings("# ours\nmail_domain = \"example.org\"\nsendmail = \"/usr/local/bin/takes-mail\"\n");
    m.enrolled("ada", KEY);
    m.pam("probe", "auth required pam_twinlock.so first_factor=stack\n");
    m
}

fn twinlock(m: &Machine, words: &str) -> Finished {
    m.run(format!("twinlock {words}").split(' '))
}

fn write(m: &Machine, path: &str, text: &str) {
    m.file(path).write(text).mode(0o600);
}

/// Returns only the lines about users that the test created.
fn ours(text: &str) -> String {
    let names = ["ada", "bob", "cy", "dee", "USER", "user", "["];
    let line = |line: &&str| names.iter().any(|name| line.starts_with(name));
    text.lines().filter(line).map(|line| format!("{line}\n")).collect()
}

/// Returns the member list of a group, with more than `bytes` bytes and a comma at its end.
fn crowd(bytes: usize) -> String {
    let mut all = String::new();
    for number in 0_u32.. {
        all.push_str(&format!("member{number},"));
        if all.len() > bytes {
            break;
        }
    }
    all
}

#[test]
fn members_of_large_groups_are_found() {
    let m = machine();
    let rule = |group: &str| format!("[[rule]]\ngroup = \"{group}\"\naction = \"exempt\"\n");
    m.proven("large");
    let asks = |user: &str| m.pamtester("large", user).input("\n").output().code != Some(0);
    // The first group has some 110,000 members, the last some three million.
    for bytes in [1_300_000, 5 << 20, 40 << 20] {
        let crowd = crowd(bytes);
        let own = m.file("/etc/group").read();
        m.file("/etc/group").append(format!("large:x:3001:{crowd}cy\nlast:x:3002:dee\n"));
        m.settings(&rule("large"));
        assert!(!asks("cy") && asks("dee"), "{bytes}: {:?}", m.log());
        assert!(m.logged("lookup_failed").is_empty(), "{:?}", m.log());
        m.settings(&rule("last"));
        assert!(!asks("dee") && asks("cy"), "{bytes}: {:?}", m.log());
        let explained = twinlock(&m, "explain cy");
        assert!(!explained.stdout.contains("lookup"), "{explained:?}");
        m.file("/etc/group").write(own);
    }
}

/// Checks that a login is refused if the entry of a group is larger than the largest buffer, and that the log gives
/// the reason.
#[test]
fn group_over_the_bound_refuses_with_a_reason() {
    let m = machine();
    m.file("/etc/group").append(format!("large:x:3001:{}cy\n", crowd(65 << 20)));
    m.settings("[[rule]]\ngroup = \"large\"\naction = \"exempt\"\n");
    assert_ne!(m.pamtester("probe", "cy").input("\n").output().code, Some(0));
    assert_eq!(m.logged("reason=lookup_failed").len(), 1, "{:?}", m.log());
}

#[test]
fn large_group_is_listed_and_explained() {
    let m = machine();
    m.file("/etc/group").append(format!("large:x:3001:{}cy\n", crowd(1_300_000)));
    m.settings("[[rule]]\ngroup = \"large\"\naction = \"exempt\"\n");
    let explained = twinlock(&m, "explain cy");
    assert!(explained.ok().contains("rule 1"), "{explained:?}");
    let listed = twinlock(&m, "list --group large --csv");
    assert_eq!(ours(listed.ok()).matches("cy").count(), 1, "{listed:?}");
    assert_eq!(twinlock(&m, "settings check").code, Some(0));
}

#[test]
fn who_is_not_enrolled_is_listed_in_every_form() {
    let m = machine();
    m.file("/etc/twinlock/twinlock.toml").append(
        "[[rule]]\nuser = \"cy\"\naction = \"exempt\"\n\n[[rule]]\ngroup = \"dev\"\nservice = \"sudo\"\naction = \"exempt\"\n",
    );
    let all = twinlock(&m, "list --not-enrolled");
    said("list-not-enrolled.txt", &ours(all.ok()));
    said("list-group.txt", twinlock(&m, "list --group dev").ok());
    said("list-group.csv", twinlock(&m, "list --group dev --csv").ok());
    said("list-group.json", twinlock(&m, "list --not-enrolled --group dev --json").ok());
    said("list.json", twinlock(&m, "list --json").ok());
    said("list.csv", twinlock(&m, "list --csv").ok());
    let absent = twinlock(&m, "list --group nobo");
    assert_eq!(
        (absent.code, absent.stderr.lines().next()),
        (Some(3), Some("twinlock: there is no group nobo"))
    );
    m.file("/etc/nsswitch.conf").write("passwd: files sss\ngroup: files\n");
    let silent = twinlock(&m, "list --not-enrolled");
    assert!(
        silent.stderr.contains("twinlock: sss in /etc/nsswitch.conf may have more"),
        "{silent:?}"
    );
    twinlock(&m, "remove ada --yes").ok();
    m.run(["rm", "-r", "/var/lib/twinlock/users/ada"]).ok();
    assert_eq!(twinlock(&m, "list").ok(), "No user is enrolled. To begin: twinlock enroll USER\n");
}

#[test]
fn a_list_of_people_is_enrolled_and_resumed() {
    let m = machine();
    let list = format!(
        "user,mail,key\nada,,{KEY}\nbob,\"bob@example.net\",\ncy,,{}\nnobo,,\ndee,\"a b\"@x,\n",
        "MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U"
    );
    write(&m, "/root/people.csv", &list);
    let first = twinlock(&m, "enroll --from /root/people.csv");
    assert_eq!(first.code, Some(1), "{first:?}");
    said("enroll-from.txt", &first.stdout);
    let mails = m.file("/root/mail").read();
    assert!(mails.contains("bob@example.net") && mails.matches("To: ").count() == 1, "{mails}");
    let again = twinlock(&m, "enroll --from /root/people.csv");
    said("enroll-from-again.txt", &again.stdout);
    assert_eq!(m.file("/root/mail").read(), mails);
    let status = twinlock(&m, "status cy");
    said("status-seen.txt", status.ok());
    said("status-invited.txt", twinlock(&m, "status bob").ok());
    said("status-invited.json", twinlock(&m, "status bob --json").ok());
    m.app("cy", &Otp::new("MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U"));
    let json = m.call(["twinlock", "enroll", "--from", "-", "--json"]).input(list).output();
    said("enroll-from.json", &json.stdout);
    assert!(!m.log().iter().any(|line| line.contains(KEY)), "{:?}", m.log());
}

#[test]
fn what_is_no_list_enrolls_nobody() {
    let m = machine();
    let before = m.tree("/var/lib/twinlock/users");
    for (text, told) in [
        ("", "the first line does not name the columns"),
        ("ada\n", "the first line does not name the columns"),
        ("user,mail,kye\nbob,,\n", "the first line does not name the columns"),
        ("user,user\nbob,bob\n", "the first line does not name the columns"),
    ] {
        write(&m, "/root/people.csv", text);
        let refused = twinlock(&m, "enroll --from /root/people.csv");
        assert!(refused.code == Some(2) && refused.stderr.contains(told), "{text}: {refused:?}");
    }
    m.file("/root/people.csv").write(format!("user,key\nbob,{KEY}\n")).mode(0o644);
    let open = twinlock(&m, "enroll --from /root/people.csv");
    assert!(open.code == Some(1) && open.stderr.contains("other users can access it"), "{open:?}");
    write(&m, "/root/people.csv", "user,key\nbob,not base32 at all!\nbob\n\"bob\n");
    let odd = twinlock(&m, "enroll --from /root/people.csv");
    assert_eq!(odd.code, Some(1));
    assert!(odd.stdout.contains("base32") && !odd.stdout.contains("at all"), "{odd:?}");
    assert_eq!(m.tree("/var/lib/twinlock/users"), before);
}

#[test]
fn a_ticket_that_no_mail_takes_is_in_the_report_or_nowhere() {
    let m = machine();
    m.file("/usr/local/bin/takes-mail").write("#!/bin/sh\nexit 75\n").mode(0o755);
    write(&m, "/root/people.csv", "user\nbob\n");
    let refused = twinlock(&m, "enroll --from /root/people.csv");
    assert!(refused.code == Some(1) && refused.stdout.contains("no mail was sent"), "{refused:?}");
    let state = twinlock(&m, "status bob --json");
    assert!(state.ok().contains("\"tickets\":[]"), "{state:?}");
    let done = twinlock(&m, "enroll --from /root/people.csv --report /root/tickets.csv");
    assert_eq!(done.ok(), "bob: invited; the ticket is in the report\n1 invited.\n");
    said("report.csv", &m.file("/root/tickets.csv").read());
    assert_eq!(m.run(["stat", "-c", "%a", "/root/tickets.csv"]).ok(), "600\n");
    let again = twinlock(&m, "enroll --from /root/people.csv --report /root/tickets.csv");
    assert!(again.stderr.contains("exists already, and is not overwritten"), "{again:?}");
    assert_eq!(again.code, Some(1), "{again:?}");
}

/// Returns the seconds until the ticket of `user` expires.
fn ticket_life(m: &Machine, user: &str) -> u64 {
    let status = twinlock(m, &format!("status {user} --json"));
    let (_, rest) = status.ok().split_once("\"until\":").expect("a ticket");
    let until: String = rest.chars().take_while(char::is_ascii_digit).collect();
    until.parse::<u64>().expect("an instant").saturating_sub(twinlock_tests::now())
}

/// Checks that a mailed ticket is valid for a day (NIST SP 800-63B-4 section 4.2.1.2), and a ticket in a report file
/// for a week.
#[test]
fn mailed_ticket_lives_a_day_and_paper_a_week() {
    let m = machine();
    let near = |found: u64, wanted: u64| (wanted - 60..=wanted).contains(&found);
    twinlock(&m, "invite --group dev --until 2099-01-31").ok();
    assert!(near(ticket_life(&m, "bob"), 86_400), "{}", ticket_life(&m, "bob"));
    twinlock(&m, "invite bob").ok();
    assert!(near(ticket_life(&m, "bob"), 86_400), "{}", ticket_life(&m, "bob"));
    m.run(["twinlock", "remove", "bob", "--yes"]).ok();
    m.file("/usr/local/bin/takes-mail").write("#!/bin/sh\nexit 75\n").mode(0o755);
    write(&m, "/root/people.csv", "user\nbob\n");
    twinlock(&m, "enroll --from /root/people.csv --report /root/tickets.csv").ok();
    assert!(near(ticket_life(&m, "bob"), 7 * 86_400), "{}", ticket_life(&m, "bob"));
    m.settings("ticket_lifetime_mail = \"2 h\"\nticket_lifetime_paper = \"3 h\"\n");
    twinlock(&m, "invite bob").ok();
    assert!(near(ticket_life(&m, "bob"), 3 * 3600), "{}", ticket_life(&m, "bob"));
    m.settings("mail_domain = \"example.org\"\nticket_lifetime_mail = \"2 h\"\n");
    twinlock(&m, "invite bob").ok();
    assert!(near(ticket_life(&m, "bob"), 2 * 3600), "{}", ticket_life(&m, "bob"));
}

#[test]
fn a_login_is_explained_step_by_step() {
    let m = machine();
    m.settings(concat!(
        "[[rule]]\nuser = \"bob\"\nservice = \"sudo\"\nnetwork = \"10.0.0.0/8\"\naction = \"exempt\"\n",
        "[[rule]]\ngroup = \"nobo\"\naction = \"exempt\"\n",
        "[[rule]]\ngroup = \"dev\"\naction = \"remind\"\nuntil = 2020-01-31\n",
        "[[rule]]\nuser = \"ada\"\nnetwork = \"203.0.113.0/24\"\naction = \"exempt\"\n",
        "[[rule]]\nuser = \"ada\"\nnetwork = \"203.0.113.0/24\"\naction = \"require\"\n",
    ));
    said("explain-ada.txt", twinlock(&m, "explain ada@203.0.113.7 --service probe").ok());
    said("explain-bob.txt", twinlock(&m, "explain bob --service sudo").ok());
    m.pam("sshd", &shipped("pam.d/sshd-publickey"));
    m.drop_in("10-twinlock-publickey.conf").sshd("");
    said("explain-sshd.txt", twinlock(&m, "explain ada@198.51.100.7").ok());
    m.file("/etc/ssh/sshd_config.d/00-key.conf").write("AuthenticationMethods publickey\n");
    said("explain-no-pam.txt", twinlock(&m, "explain ada@198.51.100.7").ok());
    assert_eq!(twinlock(&m, "explain ada@web01").code, Some(2));
    assert_eq!(m.run_as("bob", ["twinlock", "explain", "bob"]).code, Some(4));
}

/// sshd refuses a client with BatchMode, which answers no prompt, before sshd calls PAM. Checks that a rule in
/// twinlock's settings therefore cannot exempt such a client from the code, and that `explain` says so.
#[test]
fn programs_never_come_to_an_exempting_rule() {
    let m = machine();
    m.settings("[[rule]]\nuser = \"ada\"\naction = \"exempt\"\n");
    m.key("ada").pam("sshd", &shipped("pam.d/sshd-publickey"));
    m.drop_in("10-twinlock-publickey.conf").sshd("");
    let batch = || m.ssh("ada").key().option("BatchMode=yes").command(["true"]).output();
    assert_ne!(batch().code, Some(0));
    assert!(m.logged("event=exempt").is_empty(), "{:?}", m.log());
    let explained = twinlock(&m, "explain ada@127.0.0.1");
    let text = explained.ok();
    assert!(
        text.replace("\n    ", " ").contains("sshd refuses BatchMode before any rule"),
        "{text}"
    );
    let block = "    Match User ada Address 127.0.0.1\n        AuthenticationMethods publickey\n";
    assert!(text.contains(block), "{text}");
    let json = twinlock(&m, "--json explain ada@127.0.0.1");
    assert!(json.ok().contains("Match User ada Address 127.0.0.1\\n"), "{json:?}");
    // The lines that `explain` prints let the program in.
    m.stop_sshd().sshd(block);
    assert_eq!(batch().code, Some(0), "{:?}", m.log());
    // Users who are asked for a code, and other services, do not need these lines.
    for words in ["explain bob@127.0.0.1", "explain ada@127.0.0.1 --service sudo"] {
        assert!(!twinlock(&m, words).stdout.contains("Match User"), "{words}");
    }
}

#[test]
fn a_pam_line_is_read_with_its_arguments() {
    let m = machine();
    let ours = "auth required pam_twinlock.so";
    m.pam(
        "lenient",
        &format!("{ours} first_factor=stack nullok config=/etc/twinlock/other.toml\n"),
    );
    m.pam("before", &format!("{ours} first_factor=follows forward_pass\n"));
    m.pam("odd", &format!("{ours} nullok\n"));
    m.pam("login", &shipped("pam.d/sshd-both"));
    m.run(["rm", "/etc/pam.d/other"]).ok();
    let mut told = String::new();
    let mut tell = |words: &str| {
        told += &format!("$ twinlock {words}\n{}\n", twinlock(&m, words).ok());
    };
    ["lenient", "before", "odd", "login", "none"]
        .iter()
        .for_each(|service| tell(&format!("explain bob --service {service}")));
    m.file("/etc/twinlock/twinlock.toml").append("not_enrolled = \"enroll\"\n");
    ["lenient", "before", "login"]
        .iter()
        .for_each(|service| tell(&format!("explain bob --service {service}")));
    said("explain-lines.txt", &told);
}

#[test]
fn a_broken_record_is_among_those_who_are_not_enrolled() {
    let m = machine();
    m.run(["sed", "-i", "s/^uid.*/uid = x/", "/var/lib/twinlock/users/ada/record.1.toml"]).ok();
    let listed = ours(twinlock(&m, "list --not-enrolled").ok());
    let found = listed.lines().find(|line| line.starts_with("ada"));
    let found = found.unwrap_or_else(|| panic!("{listed}"));
    assert!(found.contains("broken") && found.contains("record_malformed, line 3"), "{listed}");
}

#[test]
fn a_misspelt_word_is_told_its_neighbour() {
    let m = Machine::new();
    m.files();
    for (words, near) in [
        ("lst", "'list'"),
        ("list --jsno", "'--json'"),
        ("list --not-enroled", "'--not-enrolled'"),
        ("import gogle", "'google'"),
        ("enroll --form x", "'--from'"),
    ] {
        let refused = twinlock(&m, words);
        assert!(refused.code == Some(2) && refused.stderr.contains(near), "{words}: {refused:?}");
    }
}
