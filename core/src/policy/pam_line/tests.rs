//! Tests PAM lines as administrators write them, and their effect.

use crate::{
    base::request::Claim,
    policy::{
        Echo, Field, NotEnrolled, Policy, Resync,
        pam_line::{Debug, FirstPass, Given, PamLine, PamLineError, Task, over, read},
    },
};
use alloc::{format, vec::Vec};

fn line(arguments: &[&str]) -> Result<PamLine, PamLineError> {
    read(arguments.iter().copied())
}

#[test]
fn each_argument_is_read() {
    let read =
        line(&["first_factor=stack", "prompt=Code, please: ", "echo", "config=/etc/x", "debug"]);
    let read = read.unwrap();
    assert_eq!(read.task, Task::Ask(Claim::Stack));
    assert_eq!(read.prompt.as_deref(), Some("Code, please: "));
    assert_eq!((read.echo, read.debug), (Echo::Shown, Debug::Wordy));
    assert_eq!(read.config.as_deref(), Some("/etc/x"));
    assert_eq!(line(&["probe=publickey"]).unwrap().task, Task::ProbePublickey);
    for claim in ["publickey", "follows", "failed"] {
        let argument = format!("first_factor={claim}");
        let Task::Ask(read) = line(&[&argument]).unwrap().task else { panic!() };
        assert_eq!(read.word(), claim);
    }
}

#[test]
fn what_is_not_understood_is_refused_with_a_sentence() {
    for (arguments, says) in [
        (&[][..], "auth required pam_twinlock.so first_factor=publickey"),
        (&["nulok", "first_factor=stack"], "unknown argument nulok"),
        (&["first_factor=password"], "none of publickey, stack"),
        (&["first_factor=stack", "probe=publickey"], "exclude"),
        (&["first_factor=failed", "first_factor=stack"], "first_factor= stands twice"),
        (&["probe=publickey", "probe=publickey"], "probe= stands twice"),
        (&["first_factor=stack", "config=/a", "config=/b"], "config= stands twice"),
        (&["probe=stack"], "unknown argument probe=stack"),
        (&["first_factor=stack", "config=x"], "whole path"),
        (&["first_factor=stack", "echo=yes"], "unknown argument echo=yes"),
        (&["first_factor=stack", "a\nb"], "a?b"),
    ] {
        let PamLineError(sentence) = line(arguments).unwrap_err();
        assert!(sentence.contains(says), "{sentence}");
        assert!(!sentence.contains('\n'));
    }
}

#[test]
fn arguments_of_pam_google_authenticator_mean_the_same() {
    let read = line(&[
        "first_factor=follows",
        "authtok_prompt=Your code: ",
        "nullok",
        "noskewadj",
        "no_increment_hotp",
        "echo_verification_code",
        "try_first_pass",
    ]);
    let read = read.unwrap();
    assert_eq!(read.prompt.as_deref(), Some("Your code: "));
    assert_eq!((read.echo, read.resync), (Echo::Shown, Resync::Off));
    assert_eq!((read.first_pass, read.not_enrolled), (FirstPass::Tried, NotEnrolled::Allow));
    assert_eq!(line(&["first_factor=stack", "echo-verification-code"]).unwrap().echo, Echo::Shown);
}

#[test]
fn what_would_not_mean_the_same_is_refused_with_what_to_write() {
    for (argument, says) in [
        ("secret=/etc/ga/${USER}", "twinlock import"),
        ("usersfile=/etc/users.oath", "twinlock import"),
        ("user=root", "read as root"),
        ("allowed_perm=0640", "root alone"),
        ("no_strict_owner", "root alone"),
        ("grace_period=3600", "[[rule]]"),
        ("allow_readonly", "tmpfs"),
        ("digits=6", "each record"),
        ("window=5", "window = 5 into twinlock.toml"),
        ("window=20", "window = 1 into twinlock.toml"),
        ("alwaysok", "twinlock verify"),
    ] {
        let PamLineError(sentence) = line(&["first_factor=stack", argument]).unwrap_err();
        assert!(sentence.contains(says), "{sentence}");
        assert!(sentence.starts_with(argument.split('=').next().unwrap()), "{sentence}");
    }
}

#[test]
fn one_field_is_for_a_password_that_follows() {
    let follows = "auth required pam_twinlock.so first_factor=follows";
    for argument in ["try_first_pass", "use_first_pass", "forward_pass"] {
        assert!(line(&["first_factor=follows", argument]).is_ok());
        for other in [
            "first_factor=stack",
            "first_factor=publickey",
            "first_factor=failed",
            "probe=publickey",
        ] {
            let PamLineError(sentence) = line(&[other, argument]).unwrap_err();
            assert!(sentence.contains(&format!("{follows} {argument}")), "{sentence}");
        }
    }
    for (arguments, says) in [
        (["try_first_pass", "use_first_pass"], "exclude each other"),
        (["forward_pass", "echo"], "take echo out"),
        (["authtok_prompt=a", "prompt=b"], "prompt= stands twice"),
        (
            ["prompt=[Verification", "code:"],
            "write [prompt=TEXT], with the brackets around all of it",
        ),
    ] {
        let [one, other] = arguments;
        let PamLineError(sentence) = line(&["first_factor=follows", one, other]).unwrap_err();
        assert!(sentence.contains(says), "{sentence}");
    }
}

#[test]
fn what_an_answer_holds() {
    use Given::{Nothing, Something};
    for (arguments, given, field) in [
        (&[][..], Something, Field::Code),
        (&["try_first_pass"], Something, Field::Given),
        (&["try_first_pass"], Nothing, Field::Code),
        (&["use_first_pass"], Something, Field::Given),
        (&["use_first_pass"], Nothing, Field::Missing),
        (&["forward_pass"], Something, Field::PasswordAndCode),
        (&["forward_pass", "try_first_pass"], Nothing, Field::PasswordAndCode),
        (&["forward_pass", "use_first_pass"], Something, Field::PasswordAndCode),
        (&["forward_pass", "use_first_pass"], Nothing, Field::Missing),
    ] {
        let all: Vec<&str> = ["first_factor=follows"].iter().chain(arguments).copied().collect();
        assert_eq!(line(&all).unwrap().field(given), field, "{arguments:?}");
    }
}

#[test]
fn the_stricter_of_line_and_settings_wins() {
    let read = |settings: &str| crate::policy::settings::read(settings).unwrap();
    let nullok = line(&["first_factor=stack", "nullok", "noskewadj"]).unwrap();
    let over = |line: &PamLine, settings: &str| over(line, Given::Nothing, read(settings));
    assert_eq!(over(&nullok, "").not_enrolled, NotEnrolled::Allow);
    assert_eq!(over(&nullok, "").resync, Resync::Off);
    assert_eq!(over(&nullok, "not_enrolled = \"deny\"").not_enrolled, NotEnrolled::Deny);
    let plain = line(&["first_factor=stack"]).unwrap();
    assert_eq!(over(&plain, "").not_enrolled, NotEnrolled::Deny);
    assert_eq!(over(&plain, "not_enrolled = \"allow\"").not_enrolled, NotEnrolled::Allow);
    let field = line(&["first_factor=follows", "forward_pass"]).unwrap();
    let policy = over(&field, "prompt = \"Code: \"\necho = true");
    assert_eq!((policy.prompt, policy.echo), (None, Echo::Hidden));
}

#[test]
fn smaller_number_of_tries_counts() {
    for (settings, argument, tries) in [
        (3, "tries=1", 1),
        (3, "tries=3", 3),
        (1, "tries=3", 1),
        (2, "tries=10", 2),
        (10, "tries=2", 2),
    ] {
        let line = line(&["first_factor=stack", argument]).unwrap();
        let policy = Policy { tries: settings, ..Policy::default() };
        assert_eq!(over(&line, Given::Nothing, policy).tries, tries, "{settings} {argument}");
    }
    let line = line(&["first_factor=stack"]).unwrap();
    let policy = Policy { tries: 7, ..Policy::default() };
    assert_eq!(over(&line, Given::Nothing, policy).tries, 7);
}
