//! Fuzz targets for texts that represent a value: records, settings, PAM lines, URIs, keys, answers and log lines.

use twinlock_core::answer::{self, Answer};
use twinlock_core::base::request::Source;
use twinlock_core::base::secret::Typed;
use twinlock_core::base::time::Step;
use twinlock_core::event::{Accepted, Event, Kind};
use twinlock_core::policy::{Field, Policy, roles::Roles};
use twinlock_core::record::{Authenticator, Digits, MovingFactor, State};
use twinlock_core::{base::base32 as keys, otp::otpauth as uris};
use twinlock_core::{
    event::log_line,
    policy::{pam_line as line, settings as sets},
    record::{code_set_text as sets_of_codes, text as records},
};

use super::{is_one_harmless_line, text};

pub(crate) fn record(bytes: &[u8]) {
    let Ok(found) = records::read(&text(bytes)) else { return };
    assert!(found.authenticators.len() <= records::AUTHENTICATORS_MAX);
    found.authenticators.iter().for_each(holds_what_authenticators_have);
    assert_eq!(found.state == State::Active, !found.authenticators.is_empty());
    let written = records::write(&found);
    let again = records::read(&written).expect("what was written is read");
    assert_eq!(again, found);
    assert_eq!(*records::write(&again), *written);
}

/// Checks that a set of backup codes is accepted only in the form in which it is written.
pub(crate) fn codes(bytes: &[u8]) {
    let text = text(bytes);
    if let Ok(found) = sets_of_codes::read(&text) {
        assert_eq!(sets_of_codes::write(&found).as_str(), text);
    }
}

fn holds_what_authenticators_have(one: &Authenticator) {
    assert!((10..=128).contains(&one.key.bytes().len()));
    assert!((6..=8).contains(&one.parameters.digits.get()));
    assert!((1..=3600).contains(&one.parameters.period.seconds()));
    if let MovingFactor::Clock { drift } = one.moving {
        assert!(drift.unsigned_abs() <= 2880);
    }
}

pub(crate) fn settings(bytes: &[u8]) {
    let text = text(bytes);
    match sets::read(&text) {
        Ok(policy) => is_within_bounds(&policy),
        Err(mistake) => {
            let lines = text.lines().count() + 1;
            assert!(usize::try_from(mistake.line).expect("a line") <= lines);
            assert!(!mistake.what.contains('\n'), "{}", mistake.what);
        }
    }
}

/// Parses a roles file. Checks that, whatever the file contains, the values of each role are within their limits.
pub(crate) fn roles(bytes: &[u8]) {
    let text = text(bytes);
    match Roles::read(&text) {
        Ok(roles) => {
            assert!(!roles.protected.is_empty());
            assert!(
                roles.groups().all(|group| !group.is_empty() && !group.contains(char::is_control))
            );
            for role in &roles.roles {
                is_one_harmless_line(&role.name);
                assert!(!role.verbs.is_empty() && role.group != role.over, "{role:?}");
                assert!((60..=8 * 3600).contains(&role.bypass_for), "{role:?}");
                assert!((1..=1000).contains(&role.per_day), "{role:?}");
            }
        }
        Err(mistake) => {
            let lines = text.lines().count() + 1;
            assert!(usize::try_from(mistake.line).expect("a line") <= lines);
            assert!(!mistake.what.contains('\n'), "{}", mistake.what);
        }
    }
}

fn is_within_bounds(policy: &Policy) {
    assert!(policy.window <= 10 && (1..=10).contains(&policy.tries));
    assert!((1..=100).contains(&policy.throttle.in_a_row));
    assert!((1..=100).contains(&policy.throttle.free));
    assert!((6..=8).contains(&policy.new_keys.digits.get()));
    assert!((10..=300).contains(&policy.new_keys.period.seconds()));
    for path in [&policy.places.records, &policy.places.ledger] {
        assert!(path.starts_with('/') && !path.contains("/../") && !path.contains('\0'));
    }
}

/// Parses the arguments of a PAM line. Each line of the input is one argument.
pub(crate) fn pam_line(bytes: &[u8]) {
    let text = text(bytes);
    let arguments: Vec<&str> = text.lines().collect();
    match line::read(arguments.iter().copied()) {
        Ok(found) => {
            let says = |begin: &str| arguments.iter().any(|one| one.starts_with(begin));
            let asks = matches!(found.task, line::Task::Ask(_));
            assert_eq!(asks, says("first_factor="), "{text:?}");
            assert_eq!(!asks, says("probe="), "{text:?}");
        }
        Err(fault) => is_one_harmless_line(&fault.0),
    }
}

pub(crate) fn otpauth(bytes: &[u8]) {
    let Ok(found) = uris::parse(&text(bytes)) else { return };
    holds_what_authenticators_have(&found);
    assert!(!found.name.is_empty() && found.name.chars().count() <= 40);
    assert!(!found.name.contains(char::is_control));
    if found.moving == MovingFactor::default() {
        let label = uris::Label { issuer: &found.name, account: "ada" };
        let uri = uris::write(&label, &found.key, found.parameters);
        is_one_harmless_line(&uri);
        assert_eq!(uris::parse(&uri), Ok(found));
    }
}

pub(crate) fn base32(bytes: &[u8]) {
    let Ok(key) = keys::parse(&text(bytes)) else { return };
    assert!((10..=128).contains(&key.bytes().len()));
    assert_eq!(keys::parse(&keys::write(&key)).ok().as_ref(), Some(&key));
    assert_eq!(keys::parse(&keys::in_groups(&key)).ok().as_ref(), Some(&key));
}

pub(crate) fn answer(bytes: &[u8]) {
    let text = text(bytes);
    let lengths = || [6, 7, 8].into_iter().filter_map(Digits::new);
    if let Answer::Code(code) = answer::read(&Typed::new(text.clone())) {
        // The parsed code has exactly the digits that were typed.
        let typed: String = text.chars().filter(char::is_ascii_digit).collect();
        let held: String = lengths().map(|length| code.of_length(length)).collect();
        assert_eq!(typed, held + code.bypass().unwrap_or_default());
    }
    for field in [Field::Given, Field::PasswordAndCode] {
        let Answer::Code(code) = answer::read_field(field, &Typed::new(text.clone())) else {
            continue;
        };
        for length in lengths() {
            let held = code.of_length(length);
            assert!(text.ends_with(held) && held.bytes().all(|byte| byte.is_ascii_digit()));
            assert!(held.is_empty() || held.len() == usize::from(length.get()));
            assert!(field == Field::Given || held.len() < text.len());
        }
    }
}

/// Checks that names that users choose cannot forge a log line. Each line of the input is one such name.
pub(crate) fn log_line(bytes: &[u8]) {
    let text = text(bytes);
    let mut lines = text.split('\n').map(str::to_owned);
    let mut next = || lines.next().unwrap_or_default();
    let event = Event {
        kind: Kind::Accepted,
        user: Some(next()),
        service: next(),
        source: Source::Tty(next()).label(),
        first_factor: "stack",
        accepted: Some(Accepted::App {
            authenticator: next(),
            step: Step(1),
            resynced: None,
            length: 6,
        }),
        reason: None,
    };
    let line = log_line::write(&event);
    is_one_harmless_line(&line);
    assert!(line.len() < 2048);
    assert_eq!(line.split(' ').count(), 7, "{line}");
    assert!(line.split(' ').all(|pair| pair.matches('=').count() == 1), "{line}");
    let values = [next(), next()];
    let said =
        log_line::of_administration("enrolled", &[("user", &values[0]), ("via", &values[1])]);
    is_one_harmless_line(&said);
}
