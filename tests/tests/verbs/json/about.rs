//! Tests the JSON output of commands that print the state of users and their logins.

use twinlock_core::{
    base::{request::Source, time::DAY},
    ledger::{Budget, Try, names::try_name},
};
use twinlock_tests::{Server, now};

use super::{BOB, Page, fleet::in_a_fleet, login, people};

pub const ROWS: &[&str] =
    &["status USER", "list", "why USER", "explain USER@ADDRESS", "verify USER"];

#[test]
fn what_is_known_of_people() {
    let (m, mut page) = (people(), Page::read());
    m.settings("[[rule]]\nuser = \"bob\"\naction = \"exempt\"\n");
    login(&m, &m.code("ada"));
    page.run(&m, ROWS[0], "status ada");
    page.run(&m, ROWS[0], "status bob");
    page.run(&m, ROWS[1], "list --not-enrolled");
    m.run(["twinlock", "bypass", "ada", "--yes", "--reason", "x"]).ok();
    m.run(["twinlock", "show-key", "ada", "--yes", "--png", "/root/qr"]).ok();
    m.run(["twinlock", "backup-codes", "ada", "--yes"]).ok();
    page.run(&m, ROWS[0], "status ada");
    page.run(&m, ROWS[1], "list");
    m.run(["twinlock", "reset", "ada", "--yes"]).ok();
    m.run(["twinlock", "invite", "ada", "--mail", "ada@example.org"]);
    page.run(&m, ROWS[0], "status ada");
    m.user("cy").settings("not_enrolled = \"enroll\"\nenroll_needs_ticket = false\n");
    let mut set_up = m.pamtester("probe", "cy").open();
    set_up.expect("Type start").send_line("start");
    set_up.expect("type this key").expect("shows now: ");
    page.run(&m, ROWS[0], "status cy");
    m.file("/var/lib/twinlock/users/bob").make_folder();
    m.file("/var/lib/twinlock/users/bob/record.1.toml").write("odd").mode(0o600);
    page.run(&m, ROWS[0], "status bob");
    page.run(&m, ROWS[1], "list");
    m.file("/run/twinlock/epoch").remove();
    m.file("/run/twinlock").mode(0o777);
    page.run(&m, ROWS[0], "status bob");
    in_a_fleet(|one| {
        page.run(one, ROWS[0], "status ada");
        page.run(one, ROWS[1], "list");
    });
    page.hold_all(&ROWS[..2]);
}

#[test]
fn why_somebody_is_refused() {
    let (m, mut page) = (people(), Page::read());
    page.run(&m, ROWS[2], "why ada");
    for _ in 0..2 {
        login(&m, &m.wrong_code("ada"));
    }
    m.settings("[throttle]\nfree = 1\n");
    page.run(&m, ROWS[2], "why ada");
    m.settings("[throttle]\nin_a_row = 2\n");
    page.run(&m, ROWS[2], "why ada");
    m.enrolled("bob", BOB);
    m.run(["sh", "-c", "echo odd >>/var/lib/twinlock/users/bob/record.1.toml"]).ok();
    page.run(&m, ROWS[2], "why bob");
    m.run(["touch", "-d", "40 days", "/var/lib/twinlock/clock"]).ok();
    m.file("/run/twinlock/epoch").remove();
    m.run(["twinlock", "epoch", "ensure"]).ok();
    page.run(&m, ROWS[2], "why ada");
    m.file("/run/twinlock/epoch").remove();
    page.run(&m, ROWS[2], "why ada");
    m.file("/run/twinlock").mode(0o777);
    page.run(&m, ROWS[2], "why ada");
    in_a_fleet(|one| {
        page.run(one, ROWS[2], "why ada");
    });
    page.hold_all(&[ROWS[2]]);
}

#[test]
fn what_would_become_of_a_login() {
    let (m, mut page) = (people(), Page::read());
    let explain = ROWS[3];
    page.run(&m, explain, "explain ada --service probe");
    page.run(&m, explain, "explain bob --service none");
    page.run(&m, explain, "explain ada --service su");
    let odd = "auth required pam_twinlock.so\nauth required pam_twinlock.so first_factor=stack config=/etc/x\n";
    m.pam("odd", odd);
    page.run(&m, explain, "explain ada --service odd");
    m.settings(concat!(
        "[throttle]\nfree = 1\n\n",
        "[[rule]]\ngroup = \"nobo\"\naction = \"exempt\"\n\n",
        "[[rule]]\nuser = \"ada\"\naction = \"require\"\n",
    ));
    m.sshd("");
    page.run(&m, explain, "explain ada@203.0.113.7");
    let asked = m.file("/etc/twinlock/twinlock.toml").read();
    m.settings("[[rule]]\nuser = \"ada\"\naction = \"exempt\"\n");
    m.server(Server::Publickey);
    page.run(&m, explain, "explain ada@203.0.113.7");
    m.settings_alone(&asked);
    m.run(["twinlock", "show-key", "ada", "--yes", "--png", "/root/qr"]).ok();
    m.file("/etc/ssh/sshd_config").write("Odd\n");
    page.run(&m, explain, "explain ada@203.0.113.7");
    let source = Source::address("203.0.113.7".parse().expect("an address")).label();
    for slot in 0..2 {
        let charged =
            Try { budget: Budget::Proven, day: now() / DAY, slot, source: source.clone() };
        m.file(&format!("/run/twinlock/users/ada/{}", try_name(&charged)))
            .link_to(&now().to_string());
    }
    page.run(&m, explain, "explain ada@203.0.113.7");
    page.run(&m, explain, "explain ada --service sudo");
    page.hold_all(&[explain]);
}

#[test]
fn a_code_that_is_tried() {
    let (m, mut page) = (people(), Page::read());
    let verify =
        |code: &str| m.call(["twinlock", "--json", "verify", "ada"]).input(format!("{code}\n"));
    page.call(ROWS[4], verify(&m.code("ada")));
    page.fails(verify("12345678"));
    page.fails(verify(&m.wrong_code("ada")));
    m.run(["twinlock", "remove", "ada", "--yes"]).ok();
    let uri = format!("otpauth://hotp/box:ada?secret={BOB}&issuer=box&counter=5\n");
    m.call(["twinlock", "import", "uri", "ada"]).input(uri).output().ok();
    let mut oathtool = std::process::Command::new("oathtool");
    oathtool.args(["--hotp", "--base32", "-c", "6", BOB]);
    let output = oathtool.output().expect("oathtool");
    page.call(ROWS[4], verify(String::from_utf8_lossy(&output.stdout).trim()));
    page.hold_all(&[ROWS[4]]);
}
