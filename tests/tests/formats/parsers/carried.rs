//! Checks for each format of data that leaves a host or an app (exports, QR codes of Google's app, lists of users)
//! that a value which is written and parsed again is unchanged.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use twinlock_core::base::secret::Key;
use twinlock_core::base::time::{Step, UnixTime};
use twinlock_core::ledger::{KeyId, Used};
use twinlock_core::record::code_set::{CodeSet, Cost, Digest, Recipe, Shape};
use twinlock_core::record::extras::{AuditStamp, KeyDisclosure, RecordExtras};
use twinlock_core::record::{
    Algorithm, Authenticator, Generation, MovingFactor, Period, Record, SetId, State,
};
use twinlock_migrate::export::{self, CarriedCodes, Export};
use twinlock_migrate::merge::{self, Arrival, Carried, Wanted};
use twinlock_migrate::otpauth_migration;
use twinlock_migrate::user_list::{ParserStop, UserListParser, UserRow};

use super::{any_record, cases, key};

fn instant() -> impl Strategy<Value = UnixTime> {
    (0..=i64::MAX.unsigned_abs()).prop_map(UnixTime)
}

prop_compose! {
    fn audit()(by in "[a-z][a-zå @.=\"'#\\\\-]{0,30}", at in instant()) -> AuditStamp {
        AuditStamp { by, at }
    }
}

prop_compose! {
    fn extras()(
        mail in option::of("[a-z]{1,9}@[a-z]{1,9}"),
        changed in option::of(instant()),
        reset in option::of(audit()),
        owed_codes in option::of(audit()),
    ) -> RecordExtras {
        RecordExtras { mail, changed, reset, owed_codes, ..RecordExtras::default() }
    }
}

/// Makes generated extras consistent with the record: a removed user has no reset, and no backup codes that must be
/// shown.
fn fitting(record: &Record, extras: RecordExtras) -> RecordExtras {
    match record.state {
        State::Removed => RecordExtras { reset: None, owed_codes: None, ..extras },
        State::Active | State::Pending => extras,
    }
}

prop_compose! {
    fn codes()(
        since in instant(),
        shape in select(vec![Shape::Digits8, Shape::Letters20]),
        (memory, passes) in (8..=64 * 1024_u32, 1..=10_u32),
        salt in any::<[u8; 16]>(),
        hashes in vec(any::<[u8; 32]>(), 1..=64),
        spent in vec((0..64_u8, instant()), 0..9),
    ) -> CarriedCodes {
        let cost = Cost::new(memory, passes).expect("a cost that is believed");
        let spent = spent.into_iter().filter(|(place, _)| usize::from(*place) < hashes.len()).collect();
        let hashes = hashes.into_iter().map(|bytes| Digest::new(bytes.into())).collect();
        CarriedCodes { since, set: CodeSet { shape, recipe: Recipe { salt, cost }, hashes }, spent }
    }
}

prop_compose! {
    fn any_export()(
        at in instant(),
        mut record in any_record(),
        extras in extras(),
        codes in codes(),
        used in vec((any::<[u8; 16]>(), any::<u64>(), instant()), 0..20),
        moved in option::of((0..=i64::MAX.unsigned_abs(), audit(), any::<u8>())),
    ) -> Export {
        record.extras = fitting(&record, extras);
        if let (Some((next, audit, postponed)), Some(one)) = (moved, record.authenticators.first_mut()) {
            // A counter has no period, so the record has the default one.
            one.parameters.period = Period::THIRTY;
            one.moving = MovingFactor::Counter { next };
            one.seen = Some(KeyDisclosure { audit, postponed });
        }
        let codes = record.codes.map(|SetId(_)| codes);
        let used = used.into_iter().map(|(mark, step, at)| (Used { mark: KeyId(mark), step: Step(step) }, at));
        Export { at, record, codes, used: used.collect() }
    }
}

/// Encodes a number as protobuf does.
fn number(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number > 0x7f {
        bytes.push(u8::try_from(number & 0x7f).expect("seven bits") | 0x80);
        number >>= 7;
    }
    bytes.push(u8::try_from(number).expect("seven bits"));
    bytes
}

fn field(tag: u64, bytes: &[u8]) -> Vec<u8> {
    let length = u64::try_from(bytes.len()).expect("a length");
    [number(tag << 3 | 2), number(length), bytes.to_vec()].concat()
}

/// Returns the content of a QR code of Google's app, with each byte as `%XX`.
fn exported_by_google(accounts: &[(Key, String, [u64; 4])]) -> String {
    let mut payload = Vec::new();
    for (key, issuer, numbers) in accounts {
        let mut account =
            [field(1, key.bytes()), field(2, b"ada"), field(3, issuer.as_bytes())].concat();
        for (tag, value) in (4..).zip(numbers) {
            account.extend([number(tag << 3), number(*value)].concat());
        }
        payload.extend(field(1, &account));
    }
    format!("otpauth-migration://offline?data={}", base64(&payload))
}

fn base64(bytes: &[u8]) -> String {
    let letters: Vec<char> =
        ('A'..='Z').chain('a'..='z').chain('0'..='9').chain(['+', '/']).collect();
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits =
            (0..3).fold(0_usize, |bits, at| bits << 8 | usize::from(*three.get(at).unwrap_or(&0)));
        for place in 0..=three.len() {
            match letters[bits >> (18 - 6 * place) & 63] {
                '+' => text.push_str("%2B"),
                '/' => text.push_str("%2F"),
                letter => text.push(letter),
            }
        }
    }
    text
}

/// Quotes a field as spreadsheets do.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn an_export_comes_back_and_is_taken_as_it_is(export in any_export(), at in any::<usize>()) {
        let text = export::write(&export);
        let read = export::read(&text).expect("what was written");
        prop_assert_eq!(&read, &export);
        prop_assert_eq!(export::write(&read), text.clone());
        let cut = text.get(..at % text.len()).unwrap_or_default();
        prop_assert!(export::read(cut).is_err());
        let arrival = Arrival {
            codes_since: None,
            now: UnixTime(i64::MAX.unsigned_abs()),
            fresh: Generation(1),
            wanted: Wanted::Newer,
        };
        let mut expected = export.record;
        // An import drops a drift of more than a day, because no clock is off by so much.
        for one in &mut expected.authenticators {
            let period = i64::try_from(one.parameters.period.seconds()).expect("seconds");
            if (i64::from(one.drift()) * period).unsigned_abs() > 86_400 {
                one.moving = MovingFactor::default();
            }
        }
        let taken = merge::onto(None, read.record, arrival);
        prop_assert_eq!(taken, Ok(Carried::Replaces(Box::new(expected))));
    }

    #[test]
    fn a_record_that_names_a_set_is_nothing_without_it(record in any_record(), extras in extras()) {
        let extras = fitting(&record, extras);
        let carried = export::carried(Record { extras, ..record });
        let text = export::write(&Export { at: UnixTime(1), record: carried, codes: None, used: Vec::new() });
        prop_assert_eq!(export::read(&text).is_ok(), !text.contains("\ncodes = "));
    }

    #[test]
    fn accounts_of_googles_app_come_back(
        keys in vec(key(), 1..10), issuer in "[A-Za-z][a-z0-9 ]{0,20}[a-z]", counter in 0..=i64::MAX.unsigned_abs(),
        kinds in vec((1..=3_u64, 1..=2_u64, 1..=2_u64), 10),
    ) {
        let accounts: Vec<_> = keys.into_iter().zip(kinds).map(|(key, (algorithm, digits, kind))| {
            (key, issuer.clone(), [algorithm, digits, kind, if kind == 1 { counter } else { 0 }])
        }).collect();
        let found = otpauth_migration::read(&exported_by_google(&accounts)).expect("what the app shows");
        prop_assert_eq!(found.accounts.len(), accounts.len());
        for (one, (key, issuer, [algorithm, digits, kind, counter])) in found.accounts.iter().zip(&accounts) {
            prop_assert_eq!(&one.label, &format!("{issuer}:ada"));
            let Ok(Authenticator { key: read, parameters, moving, .. }) = &one.authenticator else {
                panic!("an account that can be used")
            };
            prop_assert!(read == key);
            let algorithms = [Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512];
            prop_assert_eq!(Some(&parameters.algorithm), algorithms.get(usize::try_from(algorithm - 1)?));
            prop_assert_eq!(u64::from(parameters.digits.get()), digits * 2 + 4);
            let wanted = if *kind == 1 { MovingFactor::Counter { next: *counter } } else { MovingFactor::default() };
            prop_assert_eq!(*moving, wanted);
        }
    }

    #[test]
    fn a_list_of_people_comes_back_in_pieces_of_any_size(
        people in vec((".{0,30}", ".{0,30}", ".{0,60}"), 0..20), size in 1..200_usize, crlf in any::<bool>(),
    ) {
        let end = if crlf { "\r\n" } else { "\n" };
        let mut text = format!("\u{feff}mail,\"user\",KEY{end}");
        for (user, mail, key) in &people {
            text += &format!("{},{},{}{end}", quoted(mail), quoted(user), quoted(key));
        }
        let (mut list, mut read, mut at) = (UserListParser::default(), Vec::new(), 0);
        loop {
            let piece = text.as_bytes().get(at..(at + size).min(text.len())).unwrap_or_default();
            let (used, found) = list.read(piece);
            at += used;
            match found {
                ParserStop::Row => {
                    let UserRow { user, mail, key } = list.row().expect("a row that was written");
                    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
                    read.push((user.to_owned(), text(mail), text(key)));
                }
                ParserStop::End => break,
                ParserStop::More | ParserStop::Head(_) => {}
                ParserStop::NoHead => panic!("the columns are named"),
            }
        }
        let tidy = |text: &String| text.trim().to_owned();
        let wanted: Vec<_> = people.iter().map(|(a, b, c)| (tidy(a), tidy(b), tidy(c))).collect();
        prop_assert_eq!(read, wanted);
    }
}
