//! Checks that a mailed ticket is only in its mail, and that no other notification contains a secret.

use twinlock_tests::codes_shown;

use super::{ADA, done, kept_quiet, machine, printed};

const MAILS: &str = "/root/mails/";
const OUTBOX: &str = "/var/lib/twinlock/outbox";

#[test]
fn a_ticket_is_in_its_mail_alone_and_no_letter_has_a_secret() {
    let m = machine();
    m.settings("window = 10\nmail_domain = \"example.org\"\nsendmail = \"/root/sendmail\"\n");
    let keep = format!("#!/bin/sh\numask 077; mkdir -p {MAILS}; cat >{MAILS}$$\n");
    m.file("/root/sendmail").write(keep).mode(0o755);
    let mails = || m.run(["sh", "-c", &format!("cat {MAILS}*; rm {MAILS}*")]).ok().to_owned();
    for words in ["invite bob", "reset ada --yes", "backup-codes cy --yes"] {
        if words.contains("cy") {
            m.enrolled("cy", super::CY);
        }
        let said = done(&m, words, "");
        let mail = m.run(["sh", "-c", &format!("cat {MAILS}*")]).ok().to_owned();
        let ticket = mail.lines().map(str::trim).find(|line| is_ticket(line)).expect("a ticket");
        assert!(!(said.stdout + &said.stderr).contains(ticket), "{words} shows it as well");
        kept_quiet(&m, &[ticket], &[MAILS]);
        mails();
    }
    m.run(["twinlock", "remove", "ada", "--yes"]);
    m.enrolled("ada", ADA);
    let bypass = printed(&done(&m, "--json bypass ada --yes --reason lost", ""), "bypass");
    done(&m, "show-key ada --yes --svg /root/qr.svg", "");
    done(&m, "backup-codes ada --yes --save /root/codes", "");
    let letters = m.run(["find", OUTBOX, "-name", "*@*", "-printf", "%y %f %l\n"]).ok().to_owned();
    assert!(letters.lines().count() >= 4, "{letters}");
    assert!(letters.lines().all(|line| line.starts_with("l ")), "{letters}");
    assert_eq!(m.run(["stat", "-c", "%a %u:%g", OUTBOX]).ok(), "700 0:0\n");
    let codes = codes_shown(&m.file("/root/codes").read());
    assert_eq!(codes.len(), 10);
    let secrets: Vec<&str> =
        codes.iter().map(String::as_str).chain([bypass.as_str(), ADA]).collect();
    done(&m, "deliver", "");
    kept_quiet(&m, &secrets, &["/root/codes", "/var/lib/twinlock/users/ada/record."]);
    let of_ada = letters.lines().filter(|line| line.contains(" ada@")).count();
    assert!(of_ada >= 4, "{letters}");
    assert_eq!(mails().matches("\nTo: <ada@example.org>\n").count(), of_ada);
}

/// Returns whether a line is three groups of four capital letters.
fn is_ticket(line: &str) -> bool {
    let group =
        |group: &str| group.len() == 4 && group.bytes().all(|byte| byte.is_ascii_uppercase());
    line.len() == 14 && line.split('-').all(group)
}
