//! Tests lists of users for `enroll --from`: as spreadsheets write them, with mistakes, and as attackers write them.

use twinlock_tests::{Finished, Machine};

const ADA: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
const BOB: &str = "MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U";
const CY: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

fn machine() -> Machine {
    let m = Machine::new();
    m.twinlock().user("ada").user("bob").user("cy").user("dee");
    m.settings("sendmail = \"/bin/false\"\n");
    m
}

fn from(m: &Machine, list: impl AsRef<[u8]>) -> Finished {
    m.file("/root/people.csv").write(list).mode(0o600);
    m.run(["twinlock", "enroll", "--from", "/root/people.csv"])
}

/// Returns the standard output as one line.
fn said(done: &Finished) -> String {
    done.stdout.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn what_a_spreadsheet_writes_is_read() {
    let m = machine();
    let list = format!(
        "\u{feff}\"User\";\r\n\"Mail\",\"KEY\",user\r\n\r\n,\"{ADA}\",ada\r\n\"ada@example.org\",\" otpauth://totp/\"\"x\"\":b?secret={BOB} \",\"bob\"\r\n,{CY},\"cy\""
    );
    let refused = from(&m, &list);
    assert!(refused.stderr.contains("does not name the columns"), "{refused:?}");
    let done = from(&m, list.replacen("\"User\";\r\n", "", 1));
    assert_eq!(done.ok(), "ada: enrolled\nbob: enrolled\ncy: enrolled\n3 enrolled.\n");
    let status = m.run(["twinlock", "status", "bob"]).ok().to_owned();
    assert!(status.contains("Mail: ada@example.org"), "{status}");
}

#[test]
fn a_row_that_cannot_be_used_leaves_its_neighbours_alone() {
    let m = machine();
    let long = "x".repeat(1024 * 1024);
    let list = [
        format!("user,key\nada,{ADA}\n{long},\ncy,{long}\n\"cy\n\",{CY}\n").as_bytes(),
        b"\xe5sa,\nbob\n",
        format!("bob,{BOB}\n\"dee,{CY}\n{long}").as_bytes(),
    ]
    .concat();
    let done = from(&m, list);
    assert_eq!(done.code, Some(1), "{done:?}");
    let odd = "Correct the line, and run it again: users who are done are skipped.";
    let long = format!("failed: longer than 16 KiB (is a quotation mark left open?). {odd}");
    assert_eq!(
        said(&done),
        format!(
            "ada: enrolled line 3: {long} line 4: {long} cy: enrolled line 7: failed: not UTF-8. {odd} \
             line 8: failed: 1 field where the first line has 2. {odd} bob: enrolled line 10: {long} \
             3 enrolled, 5 failed."
        )
    );
    assert!(!(done.stdout + &done.stderr).contains(CY));
}

#[test]
fn who_stands_there_twice_is_enrolled_once() {
    let m = machine();
    let done = from(&m, format!("user,key\nada,{ADA}\nada,{ADA}\nada,{BOB}\ncy,{ADA}\ncy,{CY}\n"));
    assert_eq!(
        said(&done),
        "ada: enrolled ada: enrolled already ada: enrolled already, with another key, which stays \
         cy (line 5): failed: this list has the same key for ada. Correct the line; without a \
         key the user gets a ticket. cy: enrolled 2 enrolled, 2 done before, 1 failed."
    );
    m.file("/root/people.csv").write("user\ndee\ndee\n");
    let report = "enroll --from /root/people.csv --report /root/report";
    let done = m.run(format!("twinlock {report}").split(' '));
    assert!(done.ok().contains("dee: invited already, until "), "{done:?}");
    assert_eq!(m.file("/root/report").read().lines().count(), 2);
}

#[test]
fn names_break_no_line_and_are_no_formula() {
    let m = machine();
    let done = from(&m, "user\n\"ada\n\x1b[2Jroot: enrolled\"\n\n=1+1\n");
    assert_eq!(done.code, Some(1));
    let printable = |letter: char| letter == '\n' || !letter.is_control();
    assert!(done.stdout.chars().all(printable), "{done:?}");
    assert!(!done.stdout.lines().any(|line| line.starts_with("root")), "{done:?}");
    m.file("/etc/passwd").append("=1+1:x:40000:100::/:/bin/sh\n@x:x:40001:100::/:/bin/sh\n");
    let listed = m.run(["twinlock", "list", "--not-enrolled", "--csv"]).ok().to_owned();
    for name in ["=1+1", "@x"] {
        assert!(listed.contains(&format!("\n'{name},not enrolled,")), "{listed}");
    }
    let done = m.call(["twinlock", "enroll", "--from", "-", "--report", "/root/report"]);
    done.input("user\n=1+1\n").output().ok();
    assert!(m.file("/root/report").read().contains("\n'=1+1,"));
}

#[test]
fn a_list_may_come_through_a_pipe_that_has_a_name() {
    let m = machine();
    let done = m.call(["twinlock", "enroll", "--from", "/dev/stdin"]);
    let done = done.input(format!("user,key\nada,{ADA}\n")).output();
    assert_eq!(done.ok(), "ada: enrolled\n1 enrolled.\n");
}
