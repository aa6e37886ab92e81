//! Tests stacks with modules of other second factors. Checks that doctor does not take them for modules that ask for a
//! password, and that doctor reports that users are asked for two codes.
use crate::judge::tests::*;

const STACK: &str = "auth requisite pam_twinlock.so first_factor=stack\n";

fn by<'a>(found: &'a [Finding], id: &str) -> &'a Finding {
    found.iter().find(|one| one.id == id).unwrap_or_else(|| panic!("{id} is not in {found:?}"))
}

/// Returns the PAM lines of the remedy, without its first line, as the text of a PAM file.
fn lines_of(remedy: &str) -> String {
    remedy.lines().skip(1).map(|line| format!("{line}\n")).collect()
}

#[test]
fn no_remedy_takes_a_code_for_a_password() {
    for module in ["pam_google_authenticator.so nullok", "pam_oath.so window=5", "pam_duo.so"] {
        let stack = format!("@include common-auth\nauth required {module}\n");
        let found = judged(&stack, NO_KEY);
        let lines = lines_of(&by(&found, "not-wired").remedy);
        let name = module.split(' ').next().unwrap();
        let jump = lines.lines().find(|line| line.contains("[success="));
        assert_eq!(jump, Some("auth [success=2 default=ignore] pam_unix.so nodelay"));
        assert!(!lines.contains(&format!("default=ignore] {name}")), "{lines}");
        assert_eq!(judged(&lines, NO_KEY), []);
    }
}

#[test]
fn a_code_in_place_of_the_password_is_a_way_in() {
    for module in ["pam_google_authenticator.so", "pam_oath.so", "pam_u2f.so", "pam_yubico.so"] {
        let jump = format!("auth [success=2 default=ignore] {module}\n");
        let found = judged(&format!("{jump}@include common-auth\n{STACK}"), NO_KEY);
        let door = by(&found, "other-code-for-password");
        assert_eq!((door.level, door.place.as_str()), (Level::WayIn, "/etc/pam.d/sshd:1"));
        assert!(door.what.contains(module) && !lines_of(&door.remedy).contains(module));
        assert_eq!(judged(&lines_of(&door.remedy), NO_KEY), []);
    }
}

#[test]
fn a_code_in_place_of_ours_is_a_way_in() {
    let after = "auth sufficient pam_twinlock.so first_factor=publickey\nauth sufficient pam_google_authenticator.so\nauth required pam_deny.so\n";
    assert_eq!(by(&judged(after, KEY_ONLY), "other-code-instead").level, Level::WayIn);
    let alone = judged(after, Reach::EVERY);
    assert_eq!(by(&alone, "other-code-alone").level, Level::WayIn);
    assert_eq!(by(&alone, "other-code-alone").place, "/etc/pam.d/sshd:2");
    let before = "auth sufficient pam_oath.so\n@include common-auth\n";
    let found = judged(&format!("{before}{STACK}"), NO_KEY);
    assert_eq!(by(&found, "other-code-alone").level, Level::WayIn);
}

#[test]
fn a_thing_that_is_asked_for_as_well_is_no_way_in() {
    let held = format!("auth required pam_u2f.so\n{PASSWORD}");
    assert_eq!(judged(&held, NO_KEY), []);
}

#[test]
fn a_leftover_line_is_to_be_deleted() {
    let code = "auth required pam_google_authenticator.so nullok\n";
    for (stack, reach) in [
        (format!("@include common-auth\n{STACK}{code}"), NO_KEY),
        (format!("{KEY}{code}"), KEY_ONLY),
        (format!("{KEY}auth sufficient pam_google_authenticator.so nullok\n"), KEY_ONLY),
    ] {
        let found = judged(&stack, reach);
        assert_eq!(found.len(), 1, "{found:?}");
        let one = by(&found, "code-asked-twice");
        let line = "Delete that line, `pam_google_authenticator.so nullok` ";
        assert!(one.remedy.starts_with(line), "{}", one.remedy);
        assert_eq!(one.place, format!("/etc/pam.d/sshd:{}", stack.lines().count()));
    }
    let hands_on = "auth required pam_google_authenticator.so forward_pass\nauth required pam_unix.so use_first_pass\n";
    let found = judged(&format!("{hands_on}{STACK}"), NO_KEY);
    let lines = lines_of(&by(&found, "code-asked-twice").remedy);
    assert_eq!(judged(&lines, NO_KEY), []);
}

#[test]
fn what_restricts_is_written_again() {
    let before = "auth required pam_access.so\nauth requisite pam_faillock.so preauth\nauth required pam_u2f.so cue\n";
    let count = "auth [default=die] pam_faillock.so authfail\n";
    let stack = format!(
        "{before}auth [success=2 default=ignore] pam_unix.so\n{count}auth requisite pam_deny.so\nauth sufficient pam_faillock.so authsucc\nauth optional pam_cap.so\n"
    );
    let found = judged(&stack, NO_KEY);
    let remedy = &by(&found, "not-wired").remedy;
    let lines = lines_of(remedy);
    assert!(lines.starts_with(before), "{lines}");
    let failed = "auth [success=3 default=ignore] pam_unix.so nodelay\nauth [default=ignore] pam_faillock.so authfail\nauth [default=die] pam_twinlock.so";
    assert!(lines.contains(failed), "{lines}");
    assert!(lines.contains("pam_permit.so\nauth required pam_faillock.so authsucc\n"), "{lines}");
    assert!(remedy.contains("Left out: pam_cap.so at /etc/pam.d/sshd:8 (it refuses no login)"));
    assert_eq!(judged(&lines, NO_KEY), []);
}

#[test]
fn a_line_that_binds_some_people_is_named() {
    let stack = "auth sufficient pam_unix.so\nauth requisite pam_succeed_if.so uid >= 1000\nauth required pam_sss.so\n";
    let remedy = by(&judged(stack, NO_KEY), "not-wired").remedy.clone();
    assert!(
        remedy.contains("pam_succeed_if.so at /etc/pam.d/sshd:2 (it applies only to some users")
    );
    assert!(!lines_of(&remedy).contains("pam_succeed_if"));
}

#[test]
fn a_password_behind_a_key_is_kept() {
    let stack = "auth required pam_google_authenticator.so forward_pass\nauth required pam_unix.so use_first_pass\n";
    let found = judged(stack, KEY_ONLY);
    let remedy = &by(&found, "not-wired").remedy;
    assert!(remedy.contains("10-twinlock-key-and-password.conf"), "{remedy}");
    assert!(
        remedy.contains("pam_google_authenticator.so at /etc/pam.d/sshd:1 (it asks for a code")
    );
    let lines = lines_of(remedy);
    assert!(lines.contains("pam_unix.so nodelay") && !lines.contains("probe="), "{lines}");
    assert_eq!(judged(&lines, KEY_ONLY), []);
}

#[test]
fn arguments_are_corrected_before_anything_is_rewritten() {
    for wrong in ["publickey prompt", "pubkey", "publickey probe=publickey"] {
        let mut found = judged(&KEY.replace("=publickey\n", &format!("={wrong}\n")), KEY_ONLY);
        found.sort_by(Finding::in_report);
        let first = found.first().unwrap();
        assert!(["wrong-arguments", "unknown-argument"].contains(&first.id), "{found:?}");
        let shut = by(&found, "nobody-gets-in");
        assert!(
            shut.remedy
                .starts_with(&format!("Correct the arguments of the line at {} ", first.place))
        );
        assert!(!found.iter().any(|one| one.remedy.contains("in place of all auth lines")));
    }
}

#[test]
fn one_code_does_for_one_line() {
    let again = "auth required pam_twinlock.so first_factor=publickey\n";
    for stack in [
        format!("{KEY}{again}"),
        format!("{again}{KEY}"),
        format!("{KEY}auth optional pam_env.so\n{again}"),
    ] {
        let found = judged(&stack, KEY_ONLY);
        assert!(found.iter().any(|one| one.level == Level::LockOut), "{stack}: {found:?}");
    }
    let sufficient = again.replace("required", "sufficient");
    let jump = again.replace("required", "[success=1 default=ignore]");
    for stack in
        [format!("{sufficient}{again}"), format!("{jump}{again}auth required pam_permit.so\n")]
    {
        let found = judged(&stack, KEY_ONLY);
        assert!(found.iter().all(|one| one.level != Level::LockOut), "{stack}: {found:?}");
    }
}
