//! Tests the agent as the units of its package start it: through its socket unit, and in the sandbox of its service.

use twinlock_tests::{Booted, PASSWORD};

#[test]
#[ignore = "boots a Debian: cargo xtask test --all"]
fn a_user_changes_backup_codes_through_the_socket_and_the_sandbox() {
    let b = Booted::new();
    b.settings("").user("ada").enrolled("ada");
    assert_eq!(b.run("systemctl is-active twinlock-agent.socket").stdout.trim(), "active");
    let status = b.ssh("ada", "twinlock status", "");
    assert!(status.ok().starts_with("ada is enrolled"), "{status:?}");
    // The listener ends when it is idle, and the socket starts it again.
    b.run("systemctl stop twinlock-agent.service").ok();
    assert_eq!(b.ssh("ada", "twinlock why", "").code, Some(0));

    let mut s = b.login("ada", &[]);
    s.expect("$ ").send_line("twinlock backup-codes");
    s.expect("Your password: ").send_line(PASSWORD);
    s.expect("Verification code of your app: ").send_line(&b.code("ada"));
    s.expect("one more code").send_line(&b.code("ada"));
    s.expect("last four letters");
    let codes = twinlock_tests::codes_shown(&s.transcript());
    let last = codes.last().expect("codes are shown");
    s.send_line(&last[last.len() - 4..]).expect("$ ");
    assert!(b.ssh("ada", "twinlock status", "").ok().contains("Backup codes left: 10"));
    assert_eq!(b.logged("event=codes_renewed user=ada service=twinlock").len(), 1);

    // A wrong password is refused by the real stack of Debian.
    let mut s = b.login("ada", &[]);
    s.expect("$ ").send_line("twinlock change").expect("Your password: ");
    s.send_line("wrong").expect("not accepted");
    let exposure = b.run("systemd-analyze security --no-pager twinlock-agent.service | tail -1");
    let level: f64 = exposure
        .ok()
        .split_whitespace()
        .find_map(|word| word.parse().ok())
        .unwrap_or_else(|| panic!("no figure in {exposure:?}"));
    assert!(level < 2.5, "{exposure:?}");
}
