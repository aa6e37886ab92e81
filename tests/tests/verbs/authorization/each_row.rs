//! Runs each operation of the permission table with a code of the acting user. Compares the log lines and mails of the
//! operation with its row of the table.

use std::collections::{BTreeMap, BTreeSet};

use twinlock_core::authorization::{OPERATIONS, Permission, Proof};
use twinlock_tests::{Finished, Machine, Otp};

use super::{KIM, URI, by};

const MINE: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
/// The keys of ada's two apps, as pam_oath writes them. The second one is the key of [`ADA`].
const HEX: [&str; 2] =
    ["7172737475767778797a7172737475767778797a", "6162636465666768696a6162636465666768696a"];
const ADA: &str = "MFRGGZDFMZTWQ2LKMFRGGZDFMZTWQ2LK";
const OUTBOX: &str = "/var/lib/twinlock/outbox";

/// What a command reads from standard input after the code of the acting user.
#[derive(Clone, Copy)]
enum Data {
    Nothing,
    Text(&'static str),
    /// A key, and the code that its app shows now.
    KeyAndCode,
    /// The code that ada's app shows now.
    CodeOfAda,
    /// An export of ada with a mail address. After the export, ada was removed on this machine.
    ExportOfAda,
}

/// The name of a row of the permission table, a command line of its operation, and the input of the command. Each row
/// whose operation takes codes of the acting user has one command line or several, so that every log line and mail of
/// the row occurs.
const LINES: [(&str, &str, Data); 28] = [
    ("enroll", "enroll bob --secret-stdin", Data::KeyAndCode),
    (
        "enroll --from",
        "enroll --from /home/kim/people.csv --report /home/kim/tickets",
        Data::Nothing,
    ),
    ("import uri", "import uri bob", Data::Text(URI)),
    (
        "import migration",
        "import migration bob --name token",
        Data::Text(include_str!("../../../fuzz/seeds/migration/two")),
    ),
    ("import qr", "import qr bob /home/kim/qr.jpg", Data::Nothing),
    ("import record", "import record ada --older", Data::ExportOfAda),
    ("import google|oath USER", "import google bob", Data::Nothing),
    ("import google|oath USER", "import oath /home/kim/oath --user bob", Data::Nothing),
    ("import google|oath --all", "import google --all", Data::Nothing),
    ("import google|oath --all", "import oath /home/kim/oath", Data::Nothing),
    ("export", "export ada", Data::Nothing),
    ("verify", "verify ada", Data::CodeOfAda),
    ("invite", "invite bob --mail bob@example.net", Data::Nothing),
    (
        "invite --group",
        "invite --group staff --until 2099-01-31 --report /home/kim/tickets",
        Data::Nothing,
    ),
    ("reset", "reset ada --yes", Data::Nothing),
    ("backup-codes", "backup-codes ada --yes", Data::Nothing),
    ("backup-codes", "backup-codes ada --yes --print", Data::Nothing),
    ("show-key", "show-key ada --yes --authenticator app --png /home/kim/qr.png", Data::Nothing),
    ("bypass", "bypass ada --yes --reason lost", Data::Nothing),
    ("unlock", "unlock ada", Data::Nothing),
    ("forget", "forget ada --all", Data::Nothing),
    ("remove", "remove ada --yes", Data::Nothing),
    ("remove --authenticator", "remove ada --authenticator app-2 --yes", Data::Nothing),
    ("settings apply", "settings apply", Data::Nothing),
    ("settings apply", "settings apply /home/kim/draft.toml", Data::Nothing),
    ("epoch now", "epoch now", Data::Nothing),
    ("setup", "setup su --with password --no-way-back --not-enrolled deny", Data::Nothing),
    ("teardown", "teardown su --yes", Data::Nothing),
];

/// Creates a machine on which kim may run every command as root by sudo, ada has two apps, a wrong code and a
/// remembered device, and bob is in the group staff.
fn machine() -> Machine {
    let m = Machine::new();
    m.twinlock().user("ada").user("kim").user("bob").user("carl");
    m.settings("mail_domain = \"example.org\"\n").enrolled("kim", KIM);
    m.file("/etc/sudoers.d/kim").write("kim ALL=(root) NOPASSWD: ALL\n").mode(0o440);
    m.run(["usermod", "-aG", "staff", "bob"]).ok();
    let own = |name: &str, text: &str| {
        m.file(&format!("/home/kim/{name}")).write(text).mode(0o600).owner(m.uid("kim"));
    };
    let two = format!("HOTP/T30 ada - {}\nHOTP/T30 ada - {}\n", HEX[0], HEX[1]);
    m.file("/root/two").write(two).mode(0o600);
    m.run(["twinlock", "import", "oath", "/root/two"]).ok();
    own("oath", "HOTP/T30 bob - 00112233445566778899aabbccddeeff00112233\n");
    own("people.csv", &format!("user,mail,key\ncarl,,{MINE}\nbob,bob@example.net,\n"));
    own("draft.toml", "tries = 2\n");
    let picture = m.file("/home/kim/qr.jpg");
    picture.write(include_bytes!("../../../vectors/pictures/one.jpg")).owner(m.uid("kim"));
    let google = m.file("/home/bob/.google_authenticator");
    google.write(format!("{MINE}\n\" TOTP_AUTH\n")).owner(m.uid("bob")).mode(0o400);
    let script = "mkdir -p -m 700 $L; ln -s $(date +%s) $L/try.proven.20001.0.192.0.2.9; \
        set -- $(sed -n 's/^generation = \"\\(.*\\)\"/\\1/p' /var/lib/twinlock/users/ada/record.1.toml); now=$(date +%s); \
        ln -s \"$now $((now + 600)) 18446744073709551615 $1 203.0.113.7 SHA256:abc\" \
            $L/device.00000000000000000000000000000000";
    m.run(["sh", "-euc", &format!("L=/run/twinlock/users/ada; {script}")]).ok();
    m
}

/// Returns the input of a command, and prepares the machine for it.
fn data(m: &Machine, data: Data) -> String {
    match data {
        Data::Nothing => String::new(),
        Data::Text(text) => text.to_owned(),
        Data::KeyAndCode => format!("{MINE}\n{}\n", Otp::new(MINE).in_steps(0)),
        Data::CodeOfAda => format!("{}\n", Otp::new(ADA).in_steps(0)),
        Data::ExportOfAda => {
            let export = m.run(["twinlock", "export", "ada"]).ok().to_owned();
            m.run(["twinlock", "remove", "ada", "--yes"]).ok();
            export.replacen("\nsince = ", "\nmail = \"ada@example.net\"\nsince = ", 1)
        }
    }
}

/// Returns the kinds of the notifications that wait in the outbox.
fn mailed(m: &Machine) -> BTreeSet<String> {
    let names = m.run(["find", OUTBOX, "-type", "l", "-printf", "%f\n"]);
    let kind = |name: &str| name.split(['@', '.']).nth(1).expect("a kind").to_owned();
    names.ok().lines().map(kind).collect()
}

/// Returns the operations of the permission table that take codes of the acting user in the same call, as a map from
/// the name of each operation to its permission. Other operations prove the user elsewhere: `change` in its own
/// dialogue, `setup confirm` by another login, and the agent by the password and code of a role's member. Those of a
/// fleet need a store: `tests/tests/fleet/proof.rs`.
fn rows() -> BTreeMap<&'static str, Permission> {
    let all = OPERATIONS.iter().map(|one| one.permission());
    let elsewhere = [Proof::Nothing, Proof::SecondLogin, Proof::Dialogue, Proof::PasswordAndCode];
    let asked = all.filter(|row| !elsewhere.contains(&row.proof));
    let asked = asked.filter(|row| !row.verb.starts_with("fleet "));
    asked.map(|row| (row.verb, row)).collect()
}

fn told(done: &Finished) -> String {
    format!("{} {}", done.stdout, done.stderr).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn each_row_is_asked_logged_and_mailed_as_it_says() {
    let rows = rows();
    let lines: BTreeSet<&str> = LINES.iter().map(|(verb, ..)| *verb).collect();
    assert_eq!(lines, rows.keys().copied().collect());
    let mut seen: BTreeMap<&str, [BTreeSet<String>; 2]> = BTreeMap::new();
    for (verb, line, input) in LINES {
        let m = machine();
        if verb == "teardown" {
            m.run("twinlock setup su --with password --no-way-back --not-enrolled deny".split(' '))
                .ok();
        }
        let input = data(&m, input);
        m.run(["find", OUTBOX, "-type", "l", "-delete"]).ok();
        let before = m.log().len();
        let line = format!("sudo twinlock {line}");
        let wrong = by(&m, "kim", &line, &format!("{}\n{input}", m.wrong_code("kim")));
        assert!(matches!(wrong.code, Some(1 | 130)), "{line}: {wrong:?}");
        assert!(told(&wrong).contains("That code is wrong."), "{line}: {wrong:?}");
        let logged = |m: &Machine| -> BTreeSet<String> {
            let own = format!(" own_code=given actor=uid:{}", m.uid("kim"));
            let lines = m.log().split_off(before);
            let event =
                |line: &String| line.split_once("event=")?.1.split(' ').next().map(str::to_owned);
            lines.iter().filter(|line| line.ends_with(&own)).filter_map(event).collect()
        };
        assert_eq!((logged(&m), mailed(&m)), Default::default(), "{line}");
        m.run(["twinlock", "unlock", "kim"]).ok();
        m.run(["find", OUTBOX, "-type", "l", "-delete"]).ok();
        by(&m, "kim", &line, &format!("{}\n{input}", m.code("kim"))).ok();
        let found = [logged(&m), mailed(&m)];
        let all = seen.entry(verb).or_default();
        all.iter_mut().zip(found).for_each(|(all, found)| all.extend(found));
    }
    for (verb, row) in rows {
        let logged = row.logged.iter().map(|event| (*event).to_owned()).collect();
        let mailed = row.mailed.iter().map(|kind| kind.word().to_owned()).collect();
        assert_eq!(seen[verb], [logged, mailed], "{verb}");
    }
}
