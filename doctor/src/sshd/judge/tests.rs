//! Tests the findings that follow from sshd's settings. The settings have the form in which sshd prints them.
use crate::finding::{Finding, Level};
use crate::judge::case::Reach;
use crate::judge::remedies::KEY_METHODS;
use crate::pam::load::tests::auth_stack;
use crate::pam::load::tests::tree;
use crate::pam::table::tabulate;
use crate::sshd::config::load;
use crate::sshd::effective::Effective;
use crate::sshd::judge::{SshdFacts, reach};
use crate::sshd::probe::{ProbeAccount, ProbeUsers, plan};

const PASSWORD: &str = include_str!("../../../../config/pam.d/sshd-password");
const KEY: &str = "auth required pam_twinlock.so first_factor=publickey\n";

fn judged_with(facts: &SshdFacts, stack: &str) -> Vec<Finding> {
    let stack = auth_stack(
        &tree(&[
            ("/etc/pam.d/sshd", stack),
            ("/etc/pam.d/common-account", ""),
            ("/etc/pam.d/common-session", ""),
            ("/etc/pam.d/common-password", ""),
        ]),
        "sshd",
    );
    crate::sshd::judge::judge(facts, Some(&tabulate(&stack, &|_| true)))
}

fn judge(facts: &SshdFacts) -> Vec<Finding> {
    judged_with(facts, PASSWORD)
}

const GOOD: &str = "usepam yes\nlogingracetime 300\npermitrootlogin no\npubkeyauthentication yes\npasswordauthentication no\nkbdinteractiveauthentication yes\ngssapiauthentication no\nhostbasedauthentication no\nauthenticationmethods publickey,keyboard-interactive:pam\n";

/// Returns facts about sshd. `config` is the text of a drop-in file. `base` are the settings that sshd prints.
/// `differs` names the users for whom sshd prints other settings, and those settings.
fn facts(config: &str, base: &str, differs: &[(&str, &str)]) -> SshdFacts {
    let files = tree(&[
        ("/etc/ssh/sshd_config", "Include /etc/ssh/sshd_config.d/*.conf\n"),
        ("/etc/ssh/sshd_config.d/50-house.conf", config),
    ]);
    let config = load(&files).unwrap();
    let accounts = ["root", "alice", "bob"];
    let accounts =
        accounts.map(|name| ProbeAccount { name: name.to_owned(), ..ProbeAccount::default() });
    let people = ProbeUsers { accounts: accounts.to_vec(), elsewhere: None };
    let asked = plan(&config, &people, &Effective::read(base)).probes.into_iter().map(|probe| {
        let text =
            differs.iter().find(|(user, _)| *user == probe.user).map_or(base, |(_, text)| text);
        (probe, Effective::read(text))
    });
    let asked = asked.collect();
    SshdFacts::new(config, Effective::read(base), asked)
}

fn ids(facts: &SshdFacts) -> Vec<(&'static str, Level)> {
    judge(facts).iter().map(|finding| (finding.id, finding.level)).collect()
}

fn with(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from}");
    GOOD.replace(from, to)
}

#[test]
fn the_right_settings_are_clean() {
    assert_eq!(judge(&facts("", GOOD, &[])), []);
    let both = with(
        "publickey,keyboard-interactive:pam",
        "publickey,keyboard-interactive:pam keyboard-interactive:pam",
    );
    assert_eq!(judge(&facts("", &both, &[])), []);
    assert_eq!(reach(&facts("", GOOD, &[])), Reach { without_key: false, with_key: true });
    assert_eq!(reach(&facts("", &both, &[])), Reach::EVERY);
}

const METHODS: &str = "authenticationmethods publickey,keyboard-interactive:pam";

/// Replacements in correct settings (old text, new text), and the findings that they cause (name, level).
type Mutation = (&'static [(&'static str, &'static str)], &'static [(&'static str, Level)]);

const MUTATIONS: [Mutation; 19] = [
    (&[("usepam yes", "usepam no")], &[("usepam-no", Level::LockOut)]),
    (
        &[("kbdinteractiveauthentication yes", "kbdinteractiveauthentication no")],
        &[("prompts-off", Level::LockOut)],
    ),
    (&[(METHODS, "authenticationmethods any")], &[("key-alone", Level::WayIn)]),
    (
        &[(METHODS, ""), ("gssapiauthentication no", "gssapiauthentication yes")],
        &[("key-alone", Level::WayIn), ("gssapi-alone", Level::WayIn)],
    ),
    (
        &[(METHODS, ""), ("hostbasedauthentication no", "hostbasedauthentication yes")],
        &[("key-alone", Level::WayIn), ("hostbased-alone", Level::WayIn)],
    ),
    (
        &[(METHODS, ""), ("passwordauthentication no", "passwordauthentication yes")],
        &[("key-alone", Level::WayIn), ("password-method", Level::Warning)],
    ),
    (
        &[(METHODS, ""), ("usepam yes", "usepam no")],
        &[("usepam-no", Level::WayIn), ("key-alone", Level::WayIn)],
    ),
    (&[(":pam\n", ":pam publickey\n")], &[("key-alone", Level::WayIn)]),
    (&[(":pam\n", ":pam gssapi-with-mic\n")], &[("method-off", Level::Warning)]),
    (
        &[
            (":pam\n", ":pam gssapi-with-mic\n"),
            ("gssapiauthentication no", "gssapiauthentication yes"),
        ],
        &[("gssapi-alone", Level::WayIn)],
    ),
    (
        &[
            ("publickey,keyboard-interactive:pam", "publickey,password"),
            ("passwordauthentication no", "passwordauthentication yes"),
        ],
        &[("password-method", Level::LockOut)],
    ),
    (
        &[("publickey,keyboard-interactive:pam", "publickey,password")],
        &[("method-off", Level::LockOut)],
    ),
    (&[(":pam", ":bsdauth")], &[("device-unsupported", Level::LockOut)]),
    (&[("pubkeyauthentication yes", "pubkeyauthentication no")], &[("method-off", Level::LockOut)]),
    (
        &[
            (METHODS, "kerberosauthentication yes"),
            ("passwordauthentication no", "passwordauthentication yes"),
            ("pubkeyauthentication yes", "pubkeyauthentication no"),
        ],
        &[("kerberos-alone", Level::WayIn), ("password-method", Level::Warning)],
    ),
    (&[("logingracetime 300", "logingracetime 30")], &[("grace-short", Level::Warning)]),
    (&[("logingracetime 300", "logingracetime 120")], &[("grace-short", Level::Warning)]),
    (&[("logingracetime 300", "logingracetime 0")], &[]),
    (
        &[("permitrootlogin no", "permitrootlogin prohibit-password")],
        &[("root-shut-out", Level::Note)],
    ),
];

#[test]
fn each_wrong_setting_is_found() {
    for (changes, expected) in MUTATIONS {
        let mut text = GOOD.to_owned();
        for (from, to) in changes {
            assert!(text.contains(from), "{from}");
            text = text.replace(from, to);
        }
        assert_eq!(ids(&facts("", &text, &[])), expected, "{text}");
    }
}

#[test]
fn a_match_block_makes_an_exception_that_is_named() {
    let config =
        "UsePAM yes\nMatch User bob Address 203.0.113.0/24\n  AuthenticationMethods publickey\n";
    let robot = with("publickey,keyboard-interactive:pam", "publickey");
    let found = judge(&facts(config, GOOD, &[("bob", &robot)]));
    let [one] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((one.id, one.level), ("match-without-code", Level::WayIn));
    assert_eq!(one.place, "/etc/ssh/sshd_config.d/50-house.conf:3");
    assert_eq!(
        one.what,
        "user bob can log in with a key alone by the Match block at /etc/ssh/sshd_config.d/50-house.conf:2 (User bob Address 203.0.113.0/24)."
    );
}

#[test]
fn a_match_block_for_everybody_is_no_exception() {
    let config = "Match Address 0.0.0.0/0\n  AuthenticationMethods publickey\n";
    let open = with("publickey,keyboard-interactive:pam", "publickey");
    let all = [("alice", open.as_str()), ("bob", &open), ("root", GOOD)];
    assert_eq!(ids(&facts(config, GOOD, &all)), [("key-alone", Level::WayIn)]);
}

#[test]
fn a_match_block_that_closes_everything_clears_the_base() {
    let open = with(
        "authenticationmethods publickey,keyboard-interactive:pam",
        "authenticationmethods any",
    );
    let all = [("alice", GOOD), ("bob", GOOD), ("root", GOOD)];
    let found = judge(&facts(&format!("Match all\n  {KEY_METHODS}\n"), &open, &all));
    assert_eq!(found, []);
}

#[test]
fn prompts_off_for_one_person_locks_that_person_out() {
    let config = "Match User bob\n  KbdInteractiveAuthentication no\n";
    let off = with("kbdinteractiveauthentication yes", "kbdinteractiveauthentication no");
    let found = judge(&facts(config, GOOD, &[("bob", &off)]));
    let [one] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((one.id, one.level), ("prompts-off", Level::LockOut));
    assert_eq!(one.place, "/etc/ssh/sshd_config.d/50-house.conf:2");
}

#[test]
fn remedies_name_a_file_that_sorts_first() {
    let text = with(
        "authenticationmethods publickey,keyboard-interactive:pam",
        "authenticationmethods any",
    );
    let found = judge(&facts("UsePAM yes\n", &text, &[]));
    let remedy = &found.first().unwrap().remedy;
    assert!(
        remedy.contains(KEY_METHODS) && remedy.contains("/etc/ssh/sshd_config.d/10-twinlock.conf"),
        "{remedy}"
    );
}

#[test]
fn remedies_change_the_line_that_sets_it() {
    let house = "/etc/ssh/sshd_config.d/50-house.conf";
    let then = "then run `sshd -t` and reload sshd.";
    for (config, change, remedy) in [
        (
            "\nUsePAM no\n",
            ("usepam yes", "usepam no"),
            format!("Change the line at {house}:2 to `UsePAM yes`, {then}"),
        ),
        (
            "ChallengeResponseAuthentication no\n",
            ("kbdinteractiveauthentication yes", "kbdinteractiveauthentication no"),
            format!("Change the line at {house}:1 to `KbdInteractiveAuthentication yes`, {then}"),
        ),
        (
            "LoginGraceTime 30\n",
            ("logingracetime 300", "logingracetime 30"),
            format!("Change the line at {house}:1 to `LoginGraceTime 300`, {then}"),
        ),
        (
            "PasswordAuthentication yes\n",
            (
                "usepam yes",
                "usepam yes\npasswordauthentication yes\nauthenticationmethods publickey,password",
            ),
            format!(
                "Change the line at {house}:1 to `PasswordAuthentication no`, write `{KEY_METHODS}` into /etc/ssh/sshd_config.d/10-twinlock.conf (before any other file that sets it), {then}"
            ),
        ),
    ] {
        let found = judge(&facts(config, &with(change.0, change.1), &[]));
        let [one] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(one.remedy, remedy);
    }
}

#[test]
fn an_example_address_is_called_one() {
    let found =
        judge(&facts("", GOOD, &[("root", &with("rootlogin no", "rootlogin without-password"))]));
    let [one] = found.as_slice() else { panic!("{found:?}") };
    let start = "For user root from 203.0.113.7 (an example address): ";
    assert!(one.what.starts_with(start), "{}", one.what);
}

#[test]
fn a_key_that_the_line_sees_too_late_locks_out() {
    let later = with("publickey,keyboard-interactive:pam", "keyboard-interactive:pam,publickey");
    let levels = |settings: &str| {
        let found = judged_with(&facts("", settings, &[]), KEY);
        found.iter().map(|one| (one.id, one.level)).collect::<Vec<_>>()
    };
    assert_eq!(levels(&later), [("key-after-code", Level::LockOut)]);
    let two = with(":pam\n", ":pam keyboard-interactive,publickey\n");
    assert_eq!(levels(&two), [("key-after-code", Level::Warning)]);
    assert_eq!(judge(&facts("", &later, &[])), []);
}

#[test]
fn one_line_of_methods_in_a_report() {
    let any = with(METHODS, "");
    let text = any.replace("passwordauthentication no", "passwordauthentication yes");
    let found = judge(&facts("", &text, &[]));
    let said: Vec<_> = found.iter().filter(|one| one.remedy.contains("`Authentication")).collect();
    assert_eq!(said.len(), 2);
    let both =
        "`AuthenticationMethods publickey,keyboard-interactive:pam keyboard-interactive:pam`";
    assert!(said.iter().all(|one| one.remedy.contains(both)), "{said:?}");
}
