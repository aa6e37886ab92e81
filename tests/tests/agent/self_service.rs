//! Self-service: each operation with its proofs, and what refuses it.

use twinlock_tests::{Machine, codes_shown, key_shown};

use crate::{machine, password};

/// Opens a verb as ada, and gives the password.
fn begun<'m>(m: &'m Machine, words: &[&str]) -> twinlock_tests::Session<'m> {
    let mut s = m.call(words.iter().copied()).as_user("ada").open();
    s.expect("Your password: ").send_line(password());
    s
}

#[test]
fn an_ordinary_user_sees_the_own_state_without_sudo() {
    let m = machine();
    let said = m.run_as("ada", ["twinlock", "status"]);
    assert!(said.ok().starts_with("ada is enrolled; last change "), "{said:?}");
    assert!(said.ok().contains("Authenticators: "), "{said:?}");
    let said = m.run_as("ada", ["twinlock", "status", "--json"]);
    let object: serde_json::Value = serde_json::from_str(said.ok()).unwrap();
    assert_eq!(object["user"], "ada");
    assert_eq!(object["status"], "enrolled");
    for verb in ["devices", "why"] {
        assert_eq!(m.run_as("ada", ["twinlock", verb]).code, Some(0), "{verb}");
    }
    // A word is always a user.
    let other = m.run_as("ada", ["twinlock", "status", "root"]);
    assert_eq!(other.code, Some(4), "{other:?}");
    assert_eq!(m.run_as("ada", ["twinlock", "status", "ada"]).code, Some(0));
}

#[test]
fn two_codes_needed_to_change_key() {
    let m = machine();
    let old = m.otp("ada");
    let mut s = begun(&m, &["twinlock", "change"]);
    s.expect("Verification code of your app: ").send_line(&old.in_steps(-1));
    s.expect("ode"); // the key is shown
    let new = key_shown(s.expect(": ").transcript().as_str()).expect("a key is shown");
    s.send_line(&new.in_steps(0));
    s.expect("OLD key").send_line(&old.in_steps(0));
    s.expect("The new key works from now on");
    assert_eq!(s.exit_code(), Some(0), "{}", s.transcript());
    let log = m.logged("event=key_changed");
    assert!(log[0].contains("user=ada service=twinlock rhost=agent:"), "{log:?}");
    assert!(m.run(["ls", "/var/lib/twinlock/outbox"]).ok().contains("ada@key-changed"));
}

#[test]
fn backup_codes_are_shown_after_a_password_and_two_codes() {
    let m = machine();
    let mut s = begun(&m, &["twinlock", "backup-codes"]);
    s.expect("Verification code of your app: ").send_line(&m.code_in("ada", -1));
    s.expect("type one more code").send_line(&m.code("ada"));
    s.expect("last four letters");
    let codes = codes_shown(&s.transcript());
    let last = codes.last().expect("codes are shown");
    s.send_line(&last[last.len() - 4..]);
    assert_eq!(s.exit_code(), Some(0), "{}", s.transcript());
    assert!(m.run_as("ada", ["twinlock", "status"]).ok().contains("Backup codes left: 10"));
}

#[test]
fn a_wrong_password_reaches_no_code_and_five_reach_no_libpam() {
    let m = machine();
    let wrong = |words: &[&str]| {
        let mut s = m.call(["twinlock", "backup-codes"]).as_user("ada").open();
        for word in words {
            s.expect("Your password: ").send_line(word);
        }
        (s.exit_code(), s.transcript())
    };
    let (code, said) = wrong(&["no", "no", "no"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(!said.contains("Verification code"), "{said}");
    let (code, said) = wrong(&["no", "no", password()]);
    assert_eq!(code, Some(5), "{said}");
    assert!(said.contains("too often"), "{said}");
    assert!(!said.contains("Verification code"), "{said}");
}
