//! Other modules for a second factor: they are no password, and people are not asked twice.
use super::*;

const STACK: &str = "auth requisite pam_twinlock.so first_factor=stack\n";

fn by<'a>(found: &'a [Finding], id: &str) -> &'a Finding {
    found.iter().find(|one| one.id == id).unwrap_or_else(|| panic!("{id} is not in {found:?}"))
}

/// The lines of a remedy, as a stack.
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
