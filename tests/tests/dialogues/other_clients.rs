//! Tests the menu, the last code and set-up with clients other than OpenSSH.

use twinlock_tests::{Dialogue, Machine, PASSWORD};

use crate::people::{OPEN, afresh, server, with_codes};

const PARAMIKO: &str = include_str!("../../host/paramiko_client.py");
const ASYNCSSH: &str = include_str!("../../host/asyncssh_client.py");
const CLIENTS: [&str; 4] = ["plink", "dbclient", "paramiko", "asyncssh"];

fn at<'m>(m: &'m Machine, client: &str) -> Dialogue<'m> {
    let print = m.run(["ssh-keygen", "-lf", "/etc/ssh/ssh_host_ed25519_key"]);
    let host_key = print.ok().split(' ').nth(1).expect("a fingerprint").to_owned();
    let python = |program: &str| m.call(["/usr/bin/python3", "-W", "ignore", "-c", program, "ada"]);
    let call = match client {
        "plink" => m
            .call(["plink", "-ssh", "-no-antispoof", "-hostkey", &host_key])
            .args(["ada@127.0.0.1"]),
        "dbclient" => m.call(["dbclient", "-y", "-y", "ada@127.0.0.1"]),
        "paramiko" => python(PARAMIKO),
        _ => python(ASYNCSSH),
    };
    let mut session = call.open();
    session.expect("Password: ").send_line(PASSWORD);
    m.dialogue("ada", session)
}

#[test]
fn the_menu_and_a_backup_code() {
    for client in CLIENTS {
        let m = server("en", OPEN);
        let code = with_codes(&m).remove(0);
        let mut menu = at(&m, client);
        menu.answer(&["?", "7", "?", "2", &code]);
        assert!(menu.is_as_written(&format!("en/{client}-menu")).logged_in(), "{}", menu.screen());
    }
}

#[test]
fn set_up_and_the_last_code() {
    for client in CLIENTS {
        let m = server("en", &format!("{OPEN}[backup_codes]\ncount = 1\n"));
        let mut set_up = at(&m, client);
        // dropbear's client drops non-ASCII characters, so its user asks for an ASCII QR code at once.
        let drawn: &[&str] = if client == "dbclient" { &["a"] } else { &["i", "a"] };
        set_up.answer(&[&["start"], drawn, &["<first>", "<group>"]].concat());
        assert!(set_up.is_as_written(&format!("en/{client}-set-up")).logged_in());
        afresh(&m);
        let code = with_codes(&m).remove(0);
        let mut last = at(&m, client);
        last.answer(&[&code, "<group>"]);
        assert!(last.is_as_written(&format!("en/{client}-last-code")).logged_in());
    }
}
