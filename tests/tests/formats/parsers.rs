//! Checks for each file format that a value which is written and parsed again is unchanged.

mod carried;

use std::net::IpAddr;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use twinlock_core::base::account::Folder;
use twinlock_core::base::request::{Source, SourceLabel};
use twinlock_core::base::secret::Key;
use twinlock_core::base::time::{BootTime, Step, UnixTime};
use twinlock_core::event::{Accepted, Event, Kind};
use twinlock_core::ledger::{Budget, Epoch, KeyId, Refused, Stretch, Try, Used};
use twinlock_core::record::extras::RecordExtras;
use twinlock_core::record::{
    Algorithm, Authenticator, Digits, Generation, MovingFactor, Parameters, Period, Record, SetId,
    State,
};
use twinlock_core::{base::base32, otp::otpauth};
use twinlock_core::{
    event::log_line,
    ledger::{epoch_text, names},
    record::text,
};

fn cases(cases: u32) -> ProptestConfig {
    // proptest keeps no file of failures: it prints a failure in its smallest form.
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

fn letters(most: usize) -> impl Strategy<Value = String> {
    vec(any::<char>(), 0..=most).prop_map(String::from_iter)
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
        Authenticator { name, key, parameters, moving: MovingFactor::Clock { drift }, seen: None }
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
        // A record may contain a key only once, so a random duplicate, which is rare, is dropped.
        while at < authenticators.len() {
            let twin = authenticators[..at].iter().any(|one| one.key == authenticators[at].key);
            if twin { drop(authenticators.remove(at)) } else { at += 1 }
        }
        let state = if authenticators.is_empty() { State::Removed } else { State::Active };
        let (generation, since) = (Generation(generation), UnixTime(since));
        let codes = set.filter(|_| state == State::Active);
        Record { user, uid, state, generation, since, authenticators, codes, extras: RecordExtras::default() }
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

fn is_one_harmless_line(text: &str) {
    assert!(text.bytes().all(|byte| (0x20..0x7f).contains(&byte)), "{text:?}");
}

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn a_record_comes_back_and_a_cut_one_does_not(record in any_record(), at in any::<usize>()) {
        let text = text::write(&record);
        prop_assert_eq!(text::read(&text).expect("what was written"), record);
        let cut = text.get(..at % text.len()).unwrap_or_default();
        prop_assert!(text::read(cut).is_err(), "{}", cut);
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
        prop_assert!(read.key == key && read.parameters == parameters && read.moving == MovingFactor::default());
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
        let used = Used { mark: KeyId(mark), step: Step(number) };
        let name = names::used_name(&used);
        prop_assert_eq!(names::read_used(&name), Some(used));
        let budget = if proven { Budget::Proven } else { Budget::Unproven };
        let charged = Try { budget, day: number, slot, source: source.clone() };
        let other = names::try_name(&charged);
        prop_assert_eq!(names::read_try(&other), Some(charged));
        let refused = Refused { at: UnixTime(number), reason: word.clone(), service: word, source };
        let text = names::write_refused(&refused);
        let read = names::read_refused(&text).expect("what was written");
        prop_assert!(read.at == refused.at && read.source == refused.source);
        for text in [&name, &other, &text] {
            // A link with such a short target is stored in its inode, so it can be created on a full disk.
            prop_assert!(text.len() <= 128, "{}", text);
            is_one_harmless_line(text);
        }
        prop_assert!(!name.contains('/') && !other.contains('/'));
    }

    #[test]
    fn an_epoch_comes_back(
        boot in "[0-9a-f]{32}",
        (begun, mark) in any::<(u64, u64)>(),
        ahead in vec(any::<(u32, u32)>(), 0..5),
    ) {
        let stretch = |(from, long): (u32, u32)| {
            let from = UnixTime(from.into());
            Stretch { from, until: from.plus(long.into()) }
        };
        let ahead = ahead.into_iter().map(stretch).collect();
        let epoch = Epoch { boot_id: boot, begun: BootTime(begun), mark: UnixTime(mark), ahead };
        prop_assert_eq!(epoch_text::read(&epoch_text::write(&epoch)), Some(epoch));
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
