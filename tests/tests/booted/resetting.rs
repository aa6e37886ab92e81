//! Tests the effects of a reset other than on the records: it ends sessions and forces a new password.

use twinlock_tests::{Booted, PASSWORD, Session};

const PASSWORD_ALONE: [&str; 4] =
    ["-o", "PubkeyAuthentication=no", "-o", "PreferredAuthentications=password"];

fn shell<'b>(b: &'b Booted, user: &str) -> Session<'b> {
    let mut session = b.login(user, &[]);
    session.expect("$ ");
    session
}

#[track_caller]
fn lives(session: &mut Session<'_>) {
    session.send_line("expr 40 + 2").expect("42").expect("$ ");
}

/// Resets `user` with `--end-sessions`. Returns the word in the output of the command that says what happened to the
/// user's sessions.
#[track_caller]
fn ended(b: &Booted, user: &str) -> String {
    let done = b.run(&format!("twinlock --json reset --yes --end-sessions -- '{user}'"));
    let (_, after) = done.ok().split_once("\"sessions\":\"").expect("a state of sessions");
    after.split('"').next().unwrap_or_default().to_owned()
}

#[test]
#[ignore = "boots a Debian: cargo xtask test --all"]
fn all_sessions_of_who_is_reset_end_and_nobody_elses() {
    let b = Booted::new();
    b.settings("").user("ada").user("bob").enrolled("ada").enrolled("bob");
    let (mut one, mut two, mut other) = (shell(&b, "ada"), shell(&b, "ada"), shell(&b, "bob"));
    two.send_line("sudo -i").expect("# ");
    assert_eq!(ended(&b, "ada"), "ended");
    assert_ne!(one.exit_code(), Some(0));
    assert_ne!(two.exit_code(), Some(0));
    lives(&mut other);
    b.until("nothing of ada runs on", || b.run("pgrep -u ada").stdout.is_empty());
    lives(&mut shell(&b, "ada"));
}

#[test]
#[ignore = "boots a Debian: cargo xtask test --all"]
fn an_odd_name_means_nobody_else() {
    let b = Booted::new();
    b.settings("").user("bob");
    let number = b.uid("bob");
    // Directory services allow names that useradd refuses. The first name consists of the digits of bob's uid.
    let names = [number.to_string(), "%n".to_owned(), "~bob".to_owned(), "bob.*".to_owned()];
    for (uid, name) in (3000..).zip(&names) {
        let make = format!(
            "echo '{name}:x:{uid}:100::/:/bin/sh' >>/etc/passwd && echo '{name}:$6$salt$hash:20000::::::' >>/etc/shadow &&
             echo 'otpauth://totp/x?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP' | twinlock import uri -- '{name}'"
        );
        b.run(&make).ok();
    }
    let mut session = shell(&b, "bob");
    for name in &names {
        let reset =
            format!("twinlock --json reset --yes --end-sessions --expire-password -- '{name}'");
        let done = b.run(&reset);
        assert!(done.ok().contains("\"sessions\":\"none\""), "{name}: {done:?}");
        assert!(done.stdout.contains("\"password\":\"expired\""), "{name}: {done:?}");
        let shadow = b.run("cat /etc/shadow").stdout;
        assert!(shadow.contains(&format!("\n{name}:$6$salt$hash:0:")), "{name}: {shadow}");
    }
    lives(&mut session);
    assert!(b.run("chage -l bob").ok().contains("Password expires\t\t\t\t\t: never"));
}

#[test]
#[ignore = "boots a Debian: cargo xtask test --all"]
fn a_new_password_is_chosen_at_the_next_login() {
    let b = Booted::new();
    b.settings("").user("ada").enrolled("ada");
    let done = b.run("twinlock --json reset ada --yes --expire-password");
    assert!(done.ok().contains("\"password\":\"expired\""), "{done:?}");
    assert!(b.run("LC_ALL=C chage -l ada").ok().contains("password must be changed"));
    let next = format!("{PASSWORD} staple");
    let mut session = b.login("ada", &PASSWORD_ALONE);
    session.expect("password: ").send_line(PASSWORD);
    session.expect("Current password: ").send_line(PASSWORD);
    session.expect("New password: ").send_line(&next);
    session.expect("Retype new password: ").send_line(&next);
    session.exit_code();
    let mut session = b.login("ada", &PASSWORD_ALONE);
    session.expect("password: ").send_line(&next).expect("$ ");
    lives(&mut session);
}
