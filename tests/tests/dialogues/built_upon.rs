//! Pauses a login right after it has stored a new record, and changes the record by another command meanwhile. Checks
//! that the change of the login is stored, and that everything to which the record refers exists.

use std::time::Duration;

use twinlock_tests::{LOGGED_IN, PASSWORD, PROMPT, codes_shown};

use crate::people::{OPEN, server, with_codes};

/// strace options that pause the login at its second rename, which stores the record. The first rename stores the code
/// set.
const STOP: [&str; 2] = ["-e", "inject=renameat2:signal=SIGSTOP:when=2"];

#[test]
fn a_renewed_last_code_is_in_force_although_a_bypass_was_given_meanwhile() {
    let m = server("en", &format!("{OPEN}[backup_codes]\ncount = 1\n"));
    m.shipped_pam("login");
    let old = with_codes(&m).remove(0);
    let mut held = m.login("ada").strace("/tmp/trace", &STOP).open();
    held.expect("assword").expect(": ").send_line(PASSWORD);
    held.expect(PROMPT).send_line(&old);
    held.expect("show that you have it: ");
    let new = codes_shown(&held.transcript()).remove(0);
    held.send_line(&new[20..]);
    let stopped = || m.file("/tmp/trace").read().contains("stopped by SIGSTOP");
    for _ in 0..1000 {
        if stopped() {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(stopped(), "{}", held.transcript());
    let bypass = ["bypass", "ada", "--yes", "--reason", "test", "--break-glass", "test"];
    m.call([&["twinlock"][..], &bypass].concat()).without_a_login().output().ok();
    for pid in m.pids("login") {
        m.signal("CONT", pid);
    }
    held.expect(LOGGED_IN);
    let (source, mut caller) = ("192.0.2.99", m.caller());
    assert!(!caller.gets_in(source, &[&old]), "{}", caller.screen());
    assert_eq!(caller.login("bare", "ada", source), twinlock_tests::Next::Asks);
    assert_eq!(caller.type_all(&[&new]), twinlock_tests::Next::Asks, "{}", caller.screen());
    assert!(caller.screen().contains("last backup code"), "{}", caller.screen());
}
