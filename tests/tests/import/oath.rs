//! Imports a users file that pam_oath has rewritten at a login. Checks that the same tokens keep working.

use std::process::Command;

use twinlock_tests::{Finished, Machine, Otp};

const FILE: &str = "/etc/users.oath";
/// Keys of ada, bob and cy in the notations of pam_oath and of an app.
const HEX: [&str; 3] = [
    "3132333435363738393031323334353637383930",
    "6162636465666768696a6162636465666768696a",
    "7172737475767778797a7172737475767778797a",
];
const BASE32: [&str; 3] = [
    "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
    "MFRGGZDFMZTWQ2LKMFRGGZDFMZTWQ2LK",
    "OFZHG5DVOZ3XQ6L2OFZHG5DVOZ3XQ6L2",
];

fn machine(lines: &str) -> Machine {
    let m = Machine::new();
    m.user("ada").user("bob").user("cy").bare();
    m.pam("oath", &format!("auth required pam_oath.so usersfile={FILE} window=5\n"));
    m.file(FILE).write(lines).mode(0o600);
    m
}

fn oath(m: &Machine, user: &str, code: &str) -> bool {
    let typed = m.pamtester("oath", user).input(format!("{code}\n")).output();
    typed.stdout.contains("successfully authenticated")
}

fn ours(m: &Machine, user: &str, code: &str) -> bool {
    m.asked(user, code).code == Some(0)
}

fn import(m: &Machine, words: &str) -> Finished {
    m.run(format!("twinlock import oath {words}").split(' '))
}

fn counted(key: &str, counter: u64, digits: u32) -> String {
    let mut oathtool = Command::new("oathtool");
    oathtool.args(["--hotp", "-c", &counter.to_string(), "-d", &digits.to_string(), key]);
    let output = oathtool.output().expect("oathtool");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[test]
fn clocks_go_on_where_pam_oath_left_them() {
    let line = |kind: &str, user: &str, hex: &str| format!("{kind}\t{user}\t-\t{hex}\n");
    let text = line("HOTP/T30", "ada", HEX[0]) + &line("HOTP/T60/8", "bob", HEX[1]);
    let m = machine(&text);
    m.app("ada", &Otp::new(BASE32[0]));
    m.app("bob", &Otp { digits: 8, period: 60, ..Otp::new(BASE32[1]) });
    let codes = ["ada", "bob"].map(|user| m.code(user));
    assert!(oath(&m, "ada", &codes[0]) && oath(&m, "bob", &codes[1]));
    let said = import(&m, FILE);
    let wanted = "ada: imported\n  app: 160-bit key, 6 digits every 30 s, SHA1\n  1 used step\n\
                  bob: imported\n  app: 160-bit key, 8 digits every 60 s, SHA1\n  1 used step\n\
                  2 imported. The source files were kept; --remove-source deletes them.\n";
    assert_eq!(said.ok(), wanted);
    for (user, code) in ["ada", "bob"].into_iter().zip(codes) {
        assert!(!ours(&m, user, &code), "{user}");
        assert!(ours(&m, user, &m.code_in(user, 1)), "{user}");
    }
}

#[test]
fn counters_go_on_to_the_digit() {
    let m = machine(&format!("HOTP ada - {}\nHOTP/E/8 bob - {} 40\n", HEX[0], HEX[1]));
    assert!(oath(&m, "ada", &counted(HEX[0], 0, 6)) && oath(&m, "ada", &counted(HEX[0], 3, 6)));
    assert!(!oath(&m, "ada", &counted(HEX[0], 3, 6)), "pam_oath refuses it as the last one");
    let said = import(&m, FILE);
    assert!(said.ok().contains("  token: 160-bit key, 6 digits, next counter 4\n"), "{said:?}");
    assert!(said.stdout.contains("  token: 160-bit key, 8 digits, next counter 40\n"), "{said:?}");
    for (counter, right) in [(3, false), (4, true), (4, false), (5, true)] {
        assert_eq!(ours(&m, "ada", &counted(HEX[0], counter, 6)), right, "{counter}");
    }
    assert!(!ours(&m, "bob", &counted(HEX[1], 39, 8)) && ours(&m, "bob", &counted(HEX[1], 40, 8)));
}

#[test]
fn what_is_left_behind_is_told_and_stops_nobody_else() {
    let [one, two, three] = HEX;
    let m = machine(&format!(
        "# the tokens\nHOTP/T30 ada hunter2 {one}\nHOTP ada + {two} 7\nHOTP/T30 ada - {one}\n\
         HOTP zoe - {three}\nHOTP/T45 bob - {two}\nHOTP/T30 cy - 00\nHOTP/T30 cy - {three}\n"
    ));
    let said = import(&m, FILE);
    assert_eq!(said.code, Some(1));
    let expected = [
        "ada: imported\n  app: 160-bit key, 6 digits every 30 s, SHA1\n  token: 160-bit key, 6 digits, next counter 7\n",
        "  line 2: a password in clear text is not imported",
        "  line 3: the password that goes before the code (+) stays",
        "  line 4: the same key as line 2; left out\n",
        "zoe: not imported: there is no account zoe.",
        "bob: not imported: /etc/users.oath, line 6: a type that twinlock does not know.",
        "cy: imported\n",
        "  /etc/users.oath, line 7: the key has 1 bytes; 10 to 128 can be used.",
        "2 imported, 2 not imported.",
    ];
    let told = said.stdout.replace("\n    ", " ");
    for part in expected {
        assert!(told.contains(part), "{part}: {told}");
    }
    for secret in [one, two, three, "hunter2"] {
        assert!(!said.stdout.contains(secret) && !m.log().join("\n").contains(secret), "{secret}");
    }
    assert!(ours(&m, "ada", &counted(two, 7, 6)));
    m.app("cy", &Otp::new(BASE32[2]));
    assert!(ours(&m, "cy", &m.code("cy")));
    let again = import(&m, &format!("{FILE} --user ada"));
    assert_eq!(again.code, Some(0), "{again:?}");
    let none = import(&m, &format!("{FILE} --user dee"));
    assert_eq!(none.code, Some(3), "{none:?}");
}

#[test]
fn the_file_goes_when_nobody_needs_it_any_more() {
    let text = format!("HOTP ada - {}\nHOTP bob - {}\n", HEX[0], HEX[1]);
    let m = machine(&format!("{text}HOTP zoe - {}\n", HEX[2]));
    let said = import(&m, &format!("{FILE} --remove-source"));
    assert_eq!(said.code, Some(3), "{said:?}");
    let sum = said.stdout.replace('\n', " ");
    assert!(sum.ends_with("/etc/users.oath is kept: users in it still need it. "), "{sum}");
    m.file(FILE).write(&text);
    let said = import(&m, &format!("{FILE} --remove-source --user ada"));
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(m.file(FILE).exists());
    m.file(FILE).mode(0o644);
    let open = import(&m, FILE);
    assert_eq!(open.code, Some(1), "{open:?}");
    assert!(open.stderr.contains("is accessible to other\nusers"), "{open:?}");
    m.file(FILE).mode(0o600);
    let said = import(&m, &format!("{FILE} --remove-source"));
    assert!(said.ok().ends_with("/etc/users.oath is deleted.\n"), "{said:?}");
    assert!(!m.file(FILE).exists());
}
