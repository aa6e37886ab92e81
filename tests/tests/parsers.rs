//! Whatever bytes a parser is given, it answers; and what was written is read back as it was.

use std::net::IpAddr;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use twinlock_core::account::Folder;
use twinlock_core::answer::{self, Answer};
use twinlock_core::event::{Accepted, Event, Kind};
use twinlock_core::format::{codes, epoch, ledger_names, log_line, pam_line, record, settings};
use twinlock_core::ledger::{Budget, Epoch, Mark, Refused, Try, Used};
use twinlock_core::otp::{base32, otpauth};
use twinlock_core::policy::{Field, Policy};
use twinlock_core::record::{
    Algorithm, Authenticator, Digits, Generation, Moving, Parameters, Period, Record, SetId, State,
};
use twinlock_core::request::{Source, SourceLabel};
use twinlock_core::secret::{Key, Typed};
use twinlock_core::time::{BootTime, Step, UnixTime};

const RECORD: &str = include_str!("../vectors/record-1.toml");
const CODES: &str = include_str!("../vectors/codes-1.toml");
const SETTINGS: &str = include_str!("../../config/twinlock.toml.reference");
const URI: &str = "otpauth://totp/box:ada?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=box\
                   &algorithm=SHA256&digits=8&period=60";
/// What mutations are made of: bytes at which parsers turn.
const PIECES: [&str; 24] = [
    "\"",
    "'''",
    "\"\"\"",
    "[",
    "]]",
    "[[authenticator]]\n",
    "{",
    "}",
    "=",
    "\n",
    "\r\n",
    "\0",
    "\u{feff}",
    "#",
    "\\u0000",
    "\\",
    "%",
    "&secret=",
    "-1",
    "99999999999999999999",
    "1e9",
    "2027-02-31",
    ".",
    "\u{202e}",
];

fn cases(cases: u32) -> ProptestConfig {
    // No file of failures is kept: what fails is printed in its smallest form.
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

fn bytes() -> impl Strategy<Value = String> {
    vec(any::<u8>(), 0..512).prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn letters(most: usize) -> impl Strategy<Value = String> {
    vec(any::<char>(), 0..=most).prop_map(String::from_iter)
}

/// A valid text with some of its bytes replaced, cut out, doubled or followed by something else.
fn mutated(text: &'static str) -> impl Strategy<Value = String> {
    let change = (any::<usize>(), 0_usize..40, select(&PIECES[..]), 0..4_u8);
    vec(change, 1..6).prop_map(move |changes| {
        let mut bytes = text.as_bytes().to_vec();
        for (at, length, piece, kind) in changes {
            let start = at % (bytes.len() + 1);
            let end = (start + length).min(bytes.len());
            let part = bytes[start..end].to_vec();
            let (range, put) = match kind {
                0 => (start..start, piece.as_bytes().to_vec()),
                1 => (start..end, Vec::new()),
                2 => (start..end, piece.as_bytes().to_vec()),
                _ => (end..end, part),
            };
            bytes.splice(range, put);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

fn soup() -> impl Strategy<Value = String> {
    let words = RECORD.split(' ').chain(SETTINGS.split(' ')).chain(PIECES).collect::<Vec<_>>();
    vec(select(words), 0..60).prop_map(|words| words.join(" "))
}

fn text(valid: &'static str) -> impl Strategy<Value = String> {
    prop_oneof![3 => mutated(valid), 1 => bytes(), 1 => soup()]
}

prop_compose! {
    fn key()(bytes in vec(any::<u8>(), 10..=128)) -> Key {
        Key::new(bytes).expect("a length that keys have")
    }
}

prop_compose! {
    fn parameters()(
        algorithm in select(vec![Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512]),
        digits in 6..=8_u64,
        period in 1..=3600_u64,
    ) -> Parameters {
        Parameters {
            algorithm,
            digits: Digits::new(digits).expect("6 to 8"),
            period: Period::new(period).expect("1 to 3600"),
        }
    }
}

prop_compose! {
    fn authenticator()(
        name in letters(30), key in key(), parameters in parameters(), drift in -2880..=2880_i32,
    ) -> Authenticator {
        Authenticator { name, key, parameters, moving: Moving::Clock { drift } }
    }
}

prop_compose! {
    fn any_record()(
        user in letters(40),
        uid in any::<u32>(),
        generation in any::<u64>(),
        since in 0..=i64::MAX.unsigned_abs(),
        mut authenticators in vec(authenticator(), 0..5),
        set in option::of(any::<u64>().prop_map(SetId)),
    ) -> Record {
        let mut at = 0;
        // One key stands once: a twin of random bytes is rare, and is left out.
        while at < authenticators.len() {
            let twin = authenticators[..at].iter().any(|one| one.key == authenticators[at].key);
            if twin { drop(authenticators.remove(at)) } else { at += 1 }
        }
        let state = if authenticators.is_empty() { State::Removed } else { State::Active };
        let (generation, since) = (Generation(generation), UnixTime(since));
        let codes = set.filter(|_| state == State::Active);
        Record { user, uid, state, generation, since, authenticators, codes }
    }
}

fn source() -> impl Strategy<Value = SourceLabel> {
    let source = prop_oneof![
        any::<IpAddr>().prop_map(Source::address),
        any::<u32>().prop_map(Source::Uid),
        letters(60).prop_map(Source::Tty),
        Just(Source::Unknown),
    ];
    source.prop_map(|source| source.label())
}

fn holds_what_authenticators_have(one: &Authenticator) {
    assert!((10..=128).contains(&one.key.bytes().len()));
    assert!((6..=8).contains(&one.parameters.digits.get()));
    assert!((1..=3600).contains(&one.parameters.period.seconds()));
    assert!(one.drift().unsigned_abs() <= 2880);
}

fn is_one_harmless_line(text: &str) {
    assert!(text.bytes().all(|byte| (0x20..0x7f).contains(&byte)), "{text:?}");
}

proptest! {
    #![proptest_config(cases(4000))]

    #[test]
    fn no_text_breaks_the_reader_of_sets(text in text(CODES)) {
        if let Ok(found) = codes::read(&text) {
            let again = codes::write(&found).to_string();
            prop_assert_eq!(again, text, "read otherwise than written");
        }
    }

    #[test]
    fn no_text_breaks_the_record_reader(text in text(RECORD)) {
        if let Ok(found) = record::read(&text) {
            found.authenticators.iter().for_each(holds_what_authenticators_have);
            prop_assert_eq!(found.state == State::Active, !found.authenticators.is_empty());
            let again = record::read(&record::write(&found));
            prop_assert_eq!(again.expect("what was written"), found);
        }
    }

    #[test]
    fn no_text_breaks_the_settings_reader(text in text(SETTINGS)) {
        match settings::read(&text) {
            Ok(policy) => is_within_bounds(&policy),
            Err(mistake) => {
                let lines = text.lines().count() + 1;
                prop_assert!(usize::try_from(mistake.line).expect("a line") <= lines);
                prop_assert!(!mistake.what.contains('\n'), "{}", mistake.what);
            }
        }
    }

    #[test]
    fn no_text_breaks_the_uri_reader(text in text(URI)) {
        if let Ok(found) = otpauth::parse(&text) {
            holds_what_authenticators_have(&found);
            prop_assert!(!found.name.is_empty() && found.name.chars().count() <= 40);
            prop_assert!(!found.name.contains(char::is_control));
        }
    }

    #[test]
    fn no_text_breaks_the_key_reader(text in prop_oneof![bytes(), "[a-z2-7 =-]{0,260}"]) {
        if let Ok(key) = base32::parse(&text) {
            prop_assert!((10..=128).contains(&key.bytes().len()));
        }
    }

    #[test]
    fn no_answer_breaks_its_reader(text in prop_oneof![
        bytes(), "[0-9 -]{0,12}", letters(600), ".{0,20}[0-9]{0,9}",
    ]) {
        let lengths = || [6, 7, 8].into_iter().filter_map(Digits::new);
        if let Answer::Code(code) = answer::read(&Typed::new(text.clone())) {
            let held: String = lengths().map(|length| code.of_length(length)).collect();
            prop_assert!((6..=8).contains(&held.len()));
            prop_assert!(held.bytes().all(|byte| byte.is_ascii_digit()));
        }
        for field in [Field::Given, Field::PasswordAndCode] {
            let Answer::Code(code) = answer::read_field(field, &Typed::new(text.clone())) else {
                continue;
            };
            for length in lengths() {
                let held = code.of_length(length);
                prop_assert!(text.ends_with(held) && held.bytes().all(|byte| byte.is_ascii_digit()));
                prop_assert!(held.is_empty() || held.len() == usize::from(length.get()));
                prop_assert!(field == Field::Given || held.len() < text.len());
            }
        }
    }

    #[test]
    fn no_name_breaks_the_ledger(text in prop_oneof![
        bytes(), letters(60), "used\\.[0-9a-fA-F]{30,34}\\.[0-9+-]{0,22}",
        "try\\.(proven|unproven|x)\\.[0-9+-]{0,21}\\.[0-9]{0,11}\\.[a-z0-9:._-]{0,66}",
        "[0-9]{0,21} [a-z_]{0,9} [a-z]{0,9} [a-z0-9:.]{0,70}",
        "[0-9a-f]{31,33}\\.[0-9]{0,21}\\.[0-9]{0,21}",
    ]) {
        let _ = ledger_names::read_refused(&text);
        let _ = ledger_names::read_instant(&text);
        let _ = epoch::boot_id(&text);
        if let Some(found) = epoch::read(&text) {
            prop_assert_eq!(epoch::read(&epoch::write(&found)), Some(found));
        }
        if let Some(used) = ledger_names::read_used(&text) {
            prop_assert_eq!(ledger_names::read_used(&ledger_names::used_name(&used)), Some(used));
        }
        if let Some(charged) = ledger_names::read_try(&text) {
            let again = ledger_names::read_try(&ledger_names::try_name(&charged));
            prop_assert_eq!(again, Some(charged));
        }
        if let Some(name) = Folder::name_of(&text) {
            let folder = Folder::of(&name).expect("a name that was read");
            prop_assert_eq!(folder.as_str(), text.as_str());
        }
    }

    #[test]
    fn no_argument_breaks_the_pam_line(arguments in vec(prop_oneof![
        3 => select(vec![
            "first_factor=stack", "first_factor=publickey", "first_factor=", "probe=publickey",
            "echo", "debug", "config=/etc/x", "prompt=Code: ", "first_factor=follows", "nullok",
            "forward_pass", "use_first_pass", "try_first_pass", "secret=/etc/x", "noskewadj",
        ]).prop_map(str::to_owned),
        1 => letters(80),
    ], 0..5)) {
        match pam_line::read(arguments.iter().map(String::as_str)) {
            Ok(line) => {
                let says = |text: &str| arguments.iter().any(|one| one.starts_with(text));
                let asks = matches!(line.task, pam_line::Task::Ask(_));
                prop_assert_eq!(asks, says("first_factor="));
                prop_assert_eq!(!asks, says("probe="));
                prop_assert!(!says("forward_pass") || says("first_factor=follows"));
            }
            Err(fault) => is_one_harmless_line(&fault.0),
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

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn a_record_comes_back_and_a_cut_one_does_not(record in any_record(), at in any::<usize>()) {
        let text = record::write(&record);
        prop_assert_eq!(record::read(&text).expect("what was written"), record);
        let cut = text.get(..at % text.len()).unwrap_or_default();
        prop_assert!(record::read(cut).is_err(), "{}", cut);
    }

    #[test]
    fn a_uri_comes_back(
        issuer in letters(60), account in letters(60), key in key(), parameters in parameters(),
    ) {
        let label = otpauth::Label { issuer: &issuer, account: &account };
        let uri = otpauth::write(&label, &key, parameters);
        is_one_harmless_line(&uri);
        let read = otpauth::parse(&uri).expect("what was written");
        prop_assert_eq!(read.name, otpauth::tidy_name(&issuer));
        prop_assert!(read.key == key && read.parameters == parameters && read.moving == Moving::default());
    }

    #[test]
    fn a_key_comes_back(key in key()) {
        prop_assert!(base32::parse(&base32::write(&key)).is_ok_and(|read| read == key));
        prop_assert!(base32::parse(&base32::in_groups(&key)).is_ok_and(|read| read == key));
    }

    #[test]
    fn names_of_the_ledger_come_back(
        mark in any::<[u8; 16]>(), number in any::<u64>(), slot in any::<u32>(),
        proven in any::<bool>(), source in source(), word in letters(40),
    ) {
        let used = Used { mark: Mark(mark), step: Step(number) };
        let name = ledger_names::used_name(&used);
        prop_assert_eq!(ledger_names::read_used(&name), Some(used));
        let budget = if proven { Budget::Proven } else { Budget::Unproven };
        let charged = Try { budget, day: number, slot, source: source.clone() };
        let other = ledger_names::try_name(&charged);
        prop_assert_eq!(ledger_names::read_try(&other), Some(charged));
        let refused = Refused { at: UnixTime(number), reason: word.clone(), service: word, source };
        let text = ledger_names::write_refused(&refused);
        let read = ledger_names::read_refused(&text).expect("what was written");
        prop_assert!(read.at == refused.at && read.source == refused.source);
        for text in [&name, &other, &text] {
            // Short links lie in the inode: a full disk refuses none.
            prop_assert!(text.len() <= 128, "{}", text);
            is_one_harmless_line(text);
        }
        prop_assert!(!name.contains('/') && !other.contains('/'));
    }

    #[test]
    fn an_epoch_comes_back(boot in "[0-9a-f]{32}", begun in any::<u64>(), mark in any::<u64>()) {
        let epoch = Epoch { boot_id: boot, begun: BootTime(begun), mark: UnixTime(mark) };
        prop_assert_eq!(epoch::read(&epoch::write(&epoch)), Some(epoch));
    }

    #[test]
    fn a_name_becomes_one_plain_component_and_comes_back(name in letters(90)) {
        if let Ok(folder) = Folder::of(&name) {
            let text = folder.as_str();
            prop_assert!(!text.starts_with('.') && (1..=255).contains(&text.len()));
            prop_assert!(!text.contains(['/', '\0']) && text.is_ascii());
            prop_assert_eq!(Folder::name_of(text), Some(name));
        }
    }

    #[test]
    fn nothing_breaks_a_log_line(
        user in letters(300), service in letters(300), name in letters(300), source in source(),
    ) {
        let event = Event {
            kind: Kind::Accepted,
            user: Some(user),
            service,
            source,
            first_factor: "stack",
            accepted: Some(Accepted::App {
                authenticator: name,
                step: Step(1),
                resynced: None,
                length: 6,
            }),
            reason: None,
        };
        let line = log_line::write(&event);
        is_one_harmless_line(&line);
        prop_assert!(line.len() < 2048);
        prop_assert_eq!(line.split(' ').count(), 7, "{}", line);
        prop_assert!(line.split(' ').all(|pair| pair.matches('=').count() == 1), "{}", line);
    }
}
