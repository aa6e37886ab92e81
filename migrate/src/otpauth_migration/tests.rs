//! Unit tests of `otpauth_migration`, with genuine exports of Google Authenticator and texts that resemble one.

use crate::otpauth_migration::*;
use alloc::{format, vec};
use base64ct::{Base64, Encoding};

const KEY: &[u8] = b"12345678901234567890";

fn field(tag: u8, bytes: &[u8]) -> Vec<u8> {
    let mut field = vec![tag << 3 | 2, u8::try_from(bytes.len()).unwrap()];
    field.extend(bytes);
    field
}

fn account(key: &[u8], [algorithm, digits, kind]: [u8; 3]) -> Vec<u8> {
    let mut account = [field(1, key), field(2, b"box:ada"), field(3, b"box")].concat();
    account.extend([0x20, algorithm, 0x28, digits, 0x30, kind]);
    account
}

fn uri(payload: &[u8]) -> String {
    let data =
        Base64::encode_string(payload).replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    format!("otpauth-migration://offline?data={data}")
}

fn one(account: &[u8]) -> Result<Authenticator, MovedKeyError> {
    let mut found = read(&uri(&field(1, account))).unwrap();
    assert_eq!((found.accounts.len(), found.accounts[0].label.as_str()), (1, "box:ada"));
    found.accounts.remove(0).authenticator
}

#[test]
fn what_the_app_shows_is_read() {
    // From the app's own documentation: "Hello!" with the bytes DE AD BE EF, which is too short for a key here.
    let shown = "otpauth-migration://offline?data=CjEKCkhlbGxvId6tvu8SGEV4YW1wbGU6YWxpY2VAZ29vZ2xlLmNvbRoHRXhhbXBsZTAC";
    let found = read(shown).unwrap();
    assert_eq!(found.accounts[0].label, "Example:alice@google.com");
    let one = found.accounts[0].authenticator.as_ref().unwrap();
    assert_eq!((one.name.as_str(), one.key.bytes()), ("Example", &b"Hello!\xde\xad\xbe\xef"[..]));
    assert_eq!((one.parameters, one.moving), (Parameters::default(), MovingFactor::default()));
    assert_eq!(found.batch, MigrationBatch { id: 0, index: 0, size: 1 });
    let batch = [field(1, &account(KEY, [1, 1, 2])), vec![0x10, 1, 0x18, 3, 0x20, 2, 0x28, 77]];
    assert_eq!(
        read(&uri(&batch.concat())).unwrap().batch,
        MigrationBatch { id: 77, index: 2, size: 3 }
    );
}

#[test]
fn every_kind_of_account_and_no_other() {
    for (numbers, algorithm, digits) in [
        ([0, 0, 2], Algorithm::Sha1, 6),
        ([1, 1, 2], Algorithm::Sha1, 6),
        ([2, 2, 2], Algorithm::Sha256, 8),
        ([3, 1, 2], Algorithm::Sha512, 6),
    ] {
        let found = one(&account(KEY, numbers)).unwrap();
        assert_eq!(
            (found.parameters.algorithm, found.parameters.digits.get()),
            (algorithm, digits)
        );
        assert_eq!((found.key.bytes(), found.moving), (KEY, MovingFactor::default()));
    }
    let token = [account(KEY, [1, 1, 1]), vec![0x38, 0x80, 0x01]].concat();
    assert_eq!(one(&token).unwrap().moving, MovingFactor::Counter { next: 128 });
    let negative = [&account(KEY, [1, 1, 1])[..], &[0x38], &[0xff; 9], &[1]].concat();
    assert_eq!(one(&negative), Err(MovedKeyError::Counter));
    for (numbers, fault) in [
        ([4, 1, 2], MovedKeyError::Algorithm),
        ([9, 1, 2], MovedKeyError::Algorithm),
        ([1, 3, 2], MovedKeyError::Digits),
        ([1, 1, 0], MovedKeyError::Kind),
        ([1, 1, 3], MovedKeyError::Kind),
    ] {
        assert_eq!(one(&account(KEY, numbers)), Err(fault));
    }
    assert_eq!(one(&account(&KEY[..9], [1, 1, 2])), Err(MovedKeyError::Key(KeyLengthError(9))));
}

#[test]
fn base64_is_taken_as_it_comes() {
    let payload = field(1, &account(&[0xfb; 10], [1, 1, 2]));
    let plain = Base64::encode_string(&payload);
    for data in [
        plain.clone(),
        plain.replace('+', " "),
        plain.replace('+', "-").replace('/', "_"),
        plain.trim_end_matches('=').into(),
    ] {
        let found = read(&format!("  OTPAUTH-Migration://offline?x=1&data={data}\n")).unwrap();
        assert_eq!(found.accounts[0].authenticator.as_ref().unwrap().key.bytes(), [0xfb; 10]);
    }
}

#[test]
fn what_is_no_export_is_refused() {
    let data = |payload: &[u8]| read(&uri(payload)).unwrap_err();
    for (text, fault) in [
        ("otpauth://totp/x?data=AA", MigrationError::SingleKey),
        ("otpauth-migration://offline?", MigrationError::Data),
        ("otpauth-migration://offline?data=A", MigrationError::Data),
        ("otpauth-migration://offline?data=%4", MigrationError::Data),
        ("otpauth-migration://offline?data=AA&data=AA", MigrationError::Data),
        ("otpauth-migration://offline?data=", MigrationError::Accounts),
    ] {
        assert_eq!(read(text).unwrap_err(), fault, "{text}");
    }
    assert_eq!(read(&" ".repeat(URI_MAX + 1)).unwrap_err(), MigrationError::TooLong);
    assert_eq!(data(&field(1, b"").repeat(ACCOUNTS_MAX + 1)), MigrationError::Accounts);
    let whole = field(1, &account(KEY, [1, 1, 2]));
    for cut in 1..whole.len() {
        assert_eq!(data(&whole[..cut]), MigrationError::Payload, "{cut}");
    }
    for odd in [
        // A group; tag 0; a number of eleven bytes; a length beyond the end; an account that is a number.
        &[0x0b][..],
        &[0x02, 0],
        &[0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
        &[0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f],
        &[0x08, 1],
    ] {
        assert_eq!(data(odd), MigrationError::Payload, "{odd:?}");
    }
    let beyond = [&whole[..], &[0x18, 2, 0x20, 2]].concat();
    assert_eq!(data(&beyond), MigrationError::Payload);
}

#[test]
fn labels_steer_no_terminal() {
    let hostile = [field(1, KEY), field(2, b"a\x1b[2J\n\xff\xe2\x80\xaeb"), vec![0x30, 2]].concat();
    let found = read(&uri(&field(1, &hostile))).unwrap();
    assert_eq!(found.accounts[0].label, "a2Jb");
    let long = [field(1, KEY), field(3, &[b'x'; 100]), vec![0x30, 2]].concat();
    assert_eq!(read(&uri(&field(1, &long))).unwrap().accounts[0].label.len(), 40);
}

#[test]
fn equal_keys_are_folded() {
    let one = |key: &[u8], name: &str, kind: u8, counter: u8| {
        let mut account = [field(1, key), field(2, name.as_bytes())].concat();
        account.extend([0x20, 1, 0x28, 1, 0x30, kind, 0x38, counter]);
        field(1, &account)
    };
    let other = b"abcdefghijabcdefghij";
    let all = [
        one(KEY, "ada", 2, 0),
        one(other, "ada", 2, 0),
        one(KEY, "ada", 2, 0),
        one(KEY, "Ada (old)", 2, 0),
        one(KEY, "ada", 1, 7),
        one(KEY, "ada", 1, 9),
        one(KEY, "ada", 1, 3),
        one(b"short", "bad", 2, 0),
        one(b"short", "bad", 2, 0),
    ];
    let found = folded(read(&uri(&all.concat())).unwrap().accounts);
    let labels: Vec<_> = found.iter().map(|one| one.label.as_str()).collect();
    assert_eq!(labels, ["ada", "ada", "ada", "bad", "bad"]);
    assert_eq!(found[0].other_labels, ["Ada old"]);
    let token = found[2].authenticator.as_ref().unwrap();
    assert_eq!(token.moving, MovingFactor::Counter { next: 9 });
}

#[test]
fn other_text_is_named() {
    let line = uri(&field(1, &account(KEY, [1, 1, 2])));
    for (text, fault) in [
        ("otpauth://totp/x?secret=A".into(), MigrationError::SingleKey),
        ("QR-Code:otpauth://totp/x?secret=A".into(), MigrationError::SingleKey),
        (format!("\u{feff}{line}"), MigrationError::ByteOrderMark),
        (format!("QR-Code:{line}"), MigrationError::Prefix),
        (format!("{line}&amp;x=1"), MigrationError::Html),
        ("http://x".into(), MigrationError::Scheme),
    ] {
        assert_eq!(read(&text).unwrap_err(), fault, "{text}");
    }
}
