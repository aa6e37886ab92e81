//! Tests doctor on a correct PAM stack in which the module refuses because of its settings, records or ledger.

use super::{doctor, flat, shut};

const KEY_SAYS: &str = "usepam yes\npermitrootlogin no\npubkeyauthentication yes\nkbdinteractiveauthentication yes\nauthenticationmethods publickey,keyboard-interactive:pam\n";

/// Commands that damage a correct machine, each with the expected finding and the expected text of the report.
const BEHIND: [(&str, &str, &str); 21] = [
    ("rm -r $V/users/ada", "lock-out nobody-enrolled", "twinlock enroll USER"),
    ("chmod 644 $V/users/ada/record.1.toml", "lock-out nobody-enrolled", "ada: the record, or"),
    (
        "twinlock remove ada --yes; rm $V/outbox/*@*",
        "lock-out nobody-enrolled",
        "all users are refused.",
    ),
    ("echo windwo = 1 >$E/twinlock.toml", "lock-out settings-refuse", "Did you mean window?"),
    ("echo x >$E/settings.good; echo [ >$E/twinlock.toml", "lock-out settings-refuse", ".toml:1"),
    (
        "twinlock settings apply; rm $V/outbox/*@*; echo windwo = 1 >$E/twinlock.toml",
        "warning settings-fallback",
        "there is no setting windwo; settings.good is in force instead.",
    ),
    ("rm -r $V", "lock-out records-refuse", "Every user is refused: the records folder"),
    ("rm $V/store-id", "lock-out records-refuse", "has no store-id"),
    ("rm $E/store-id", "lock-out records-refuse", "is not the one of this host"),
    (
        "umount /run/twinlock; mkdir -m 700 /var/other; mount --bind /var/other /run/twinlock",
        "lock-out ledger-refuses",
        "Start run-twinlock.mount",
    ),
    (
        "mount -o remount,ro /run/twinlock",
        "lock-out ledger-refuses",
        "could not be read or written",
    ),
    (
        "mount -o remount,nr_inodes=1024 /run/twinlock; cd /run/twinlock; seq 700 | xargs touch",
        "warning ledger-filling",
        "% of the ledger's names are in use",
    ),
    ("umount /run/twinlock", "lock-out ledger-refuses", "Start the mount unit first"),
    ("umount /run/twinlock; rmdir /run/twinlock", "lock-out ledger-refuses", "nothing is mounted"),
    (
        "touch -d '40 days' $V/clock",
        "warning clock-was-ahead",
        "After the next restart every app code would be refused",
    ),
    (
        "touch -d '40 days' $V/clock; rm /run/twinlock/epoch; twinlock epoch ensure",
        "lock-out clock-was-ahead",
        "Every app code is refused: the clock was ahead until",
    ),
    (
        "mkdir $E/text; printf 'Subject: x\\n{usr}\\n' >$E/text/reset.txt",
        "warning mail-text",
        "it has {usr}, which is not known there. To do: Known here: {user} {host}",
    ),
    (
        "mkdir $E/text; printf 'Subject: x\\ny\\n' >$E/text/ticket-codes.txt",
        "warning mail-text",
        "it must contain {ticket}.",
    ),
    (
        "printf 'mail_domain = \"example.org\"\\nsendmail = \"/none\"\\n' >$E/twinlock.toml",
        "warning mail-unsendable",
        "/none cannot be started (No such file",
    ),
    (
        "ln -s '1800000000 sshd 203.0.113.7 - 3' $V/outbox/ada@reset",
        "note mail-waiting",
        "1 message waits to be sent",
    ),
    (
        "mkdir -m 700 $V/outbox/dead; touch $V/outbox/dead/x $V/outbox/dead/y",
        "warning mail-dead",
        "2 messages were not sent, and will not be.",
    ),
];

#[test]
fn what_makes_the_module_refuse_is_found() {
    for (damage, head, part) in BEHIND {
        let m = shut();
        m.sshd("PermitRootLogin no\n").settings("window = 1\nsendmail = \"/bin/true\"\n");
        assert_eq!(doctor(&m), (Some(0), vec![]));
        let places = "V=/var/lib/twinlock; E=/etc/twinlock";
        m.run(["sh", "-c", &format!("set -e; {places}; {damage}")]).ok();
        let said = m.run(["twinlock", "doctor", "ssh"]);
        assert!(flat(&said.stdout).contains(part), "{damage}: {}", said.stdout);
        let fails = head.starts_with("lock-out");
        let whole = (Some(if fails { 7 } else { 0 }), vec![head.to_owned()]);
        assert_eq!(doctor(&m), whole, "{damage}: {}", said.stdout);
        let json = m.run(["twinlock", "doctor", "ssh", "--json"]).stdout;
        let id = head.split(' ').next_back().expect("an id");
        assert!(json.contains(&format!("\"id\": \"{id}\"")), "{json}");
        assert_eq!(said.stdout.starts_with("ssh: locked out: users cannot log in.\n"), fails);
    }
}

#[test]
fn nobody_need_be_enrolled_where_the_settings_let_everybody_pass() {
    let m = shut();
    m.sshd("PermitRootLogin no\n");
    m.run(["twinlock", "remove", "ada", "--yes"]).ok();
    let rule = |action: &str| format!("[[rule]]\nservice = \"sshd\"\naction = \"{action}\"\n");
    let over = format!("{}until = 2020-01-31\n", rule("exempt"));
    for (settings, locked_out) in
        [("not_enrolled = \"allow\"\n", 0), (&rule("exempt"), 0), (&rule("require"), 1), (&over, 1)]
    {
        m.settings(settings);
        let heads = doctor(&m).1;
        let nobody = heads.iter().filter(|one| *one == "lock-out nobody-enrolled").count();
        assert_eq!(nobody, locked_out, "{settings}: {heads:?}");
    }
}

#[test]
fn without_root_records_are_not_looked_at() {
    let m = shut();
    m.sshd("").settings("window = 1\n");
    m.file("/srv/says").make_folder();
    m.file("/srv/says/T").write(KEY_SAYS);
    let ask = ["twinlock", "doctor", "ssh", "--sshd-says", "/srv/says"];
    let said = m.run_as("ada", ask);
    assert!(said.ok().contains("note: /var/lib/twinlock (records-unseen)"), "{}", said.stdout);
    m.settings("windwo = 1\n");
    let said = m.run_as("ada", ask);
    assert!(said.stdout.contains("lock-out: /etc/twinlock/twinlock.toml:1 (settings-refuse)"));
}

#[test]
fn without_root_it_says_so() {
    let m = shut();
    m.sshd("");
    let said = m.run_as("ada", ["twinlock", "doctor", "ssh"]);
    assert_eq!((said.code, said.stdout.as_str()), (Some(8), ""));
    assert!(said.stderr.starts_with("ssh: cannot be judged: "), "{}", said.stderr);
    assert!(said.stderr.contains("Run `twinlock doctor ssh` as root."), "{}", said.stderr);
}
