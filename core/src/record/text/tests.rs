//! Tests that records are parsed as they were written, and that no other text is accepted.

use crate::base::time::BootTime;
use crate::record::extras::FreshKey;
use crate::record::text::*;

const FIRST: &str = include_str!("../../../../tests/vectors/record-1.toml");

#[test]
fn the_first_version_stays_readable() {
    let record = read(FIRST).unwrap();
    assert_eq!((record.user.as_str(), record.uid), ("ada", 1000));
    assert_eq!(record.generation, Generation(0x0123_4567_89ab_cdef));
    let names: Vec<_> = record.authenticators.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["phone", "token"]);
    assert_eq!(*write(&record), FIRST);
}

#[test]
fn a_set_of_codes_is_named_and_its_absence_is_not_written() {
    let named = with_codes();
    let record = read(&named).unwrap();
    assert_eq!(record.codes, Some(SetId(0xfedc_ba98_7654_3210)));
    assert_eq!(*write(&record), named);
    assert_eq!(read(FIRST).unwrap().codes, None);
    for odd in ["FEDCBA9876543210", "fedcba987654321", ""] {
        assert!(read(&named.replace("fedcba9876543210", odd)).is_err(), "{odd}");
    }
    let (head, _) = named.split_once("\n\n").unwrap();
    let gone = format!("{head}\n{END}").replace("active", "removed");
    assert!(read(&gone).is_err(), "a tombstone has no codes");
}

fn with_codes() -> String {
    FIRST.replacen("1800000000\n", "1800000000\ncodes = \"fedcba9876543210\"\n", 1)
}

#[test]
fn what_is_read_without_toml_is_what_toml_reads() {
    let first = with_codes();
    assert!(as_written::take_apart(&first).is_some());
    assert!(as_written::take_apart(FIRST).is_some());
    for at in 0..first.len() {
        for byte in ["", "\n", "\"", "\\", "\t", "\r", "0", "9", "-", "+", "_", "=", " ", "#", "a"]
        {
            for rest in [at, at + 1] {
                let changed = format!("{}{byte}{}", &first[..at], &first[rest..]);
                if as_written::take_apart(&changed).is_some() {
                    assert_eq!(read(&changed).ok(), by_toml(&changed).ok(), "{changed}");
                }
            }
        }
    }
}

#[test]
fn odd_names_come_back() {
    let mut record = read(FIRST).unwrap();
    record.user = "DOM\\a\"b\n\u{7f}å".into();
    assert_eq!(read(&write(&record)).unwrap(), record);
}

#[test]
fn a_cut_file_is_never_a_record() {
    assert!(read(&format!("\u{feff}{FIRST}")).is_err());
    for cut in 0..FIRST.len() {
        assert!(read(&FIRST[..cut]).is_err(), "cut at {cut}");
    }
}

#[test]
fn mistakes_are_refused_with_their_line() {
    for (from, to, fault) in [
        ("version = 1", "version = 2", StoreError::Newer { version: 2 }),
        ("version = 1", "version = 2\nbrand_new = 1", StoreError::Newer { version: 2 }),
        ("version = 1", "version = 0", StoreError::Malformed { line: 0 }),
        ("uid = 1000", "uid = -1", StoreError::Malformed { line: 3 }),
        ("uid = 1000", "uid = 1000\nuid = 0", StoreError::Malformed { line: 4 }),
        ("uid = 1000", "uid = 1000\nodd = 0", StoreError::Malformed { line: 4 }),
        ("\"active\"", "\"removed\"", StoreError::Malformed { line: 0 }),
        ("\"active\"", "\"on\"", StoreError::Malformed { line: 0 }),
        ("0123456789abcdef", "0123456789abcde", StoreError::Malformed { line: 0 }),
        ("digits = 8", "digits = 9", StoreError::Malformed { line: 0 }),
        ("period = 60", "period = 0", StoreError::Malformed { line: 0 }),
        (
            "name = \"phone\"",
            "name = \"phone\"\nkind = \"none\"",
            StoreError::Malformed { line: 0 },
        ),
    ] {
        let changed = FIRST.replacen(from, to, 1);
        assert_ne!(changed, FIRST, "{from}");
        assert_eq!(read(&changed).unwrap_err(), fault, "{to}");
    }
}

#[test]
fn a_counter_has_neither_period_nor_drift() {
    let token = include_str!("../../../../tests/vectors/record-1-token.toml");
    let record = read(token).unwrap();
    assert_eq!(record.authenticators[0].moving, MovingFactor::Counter { next: 42 });
    assert_eq!(*write(&record), token);
    for more in ["period = 30", "drift = 0", "counter = 43"] {
        let changed = token.replace("kind", &format!("{more}\nkind"));
        assert!(read(&changed).is_err(), "{more}");
    }
    for missing in ["counter = 42\n", "kind = \"hotp\"\n"] {
        assert!(read(&token.replace(missing, "")).is_err(), "{missing}");
    }
}

#[test]
fn counters_come_back() {
    let mut record = read(FIRST).unwrap();
    for next in [0, 1, u64::from(u32::MAX), i64::MAX as u64, u64::MAX] {
        record.authenticators[0].moving = MovingFactor::Counter { next };
        assert_eq!(read(&write(&record)).unwrap(), record, "{next}");
    }
}

#[test]
fn one_key_stands_once() {
    let twice =
        FIRST.replace("MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    assert_ne!(twice, FIRST);
    assert!(read(&twice).is_err());
}

#[test]
fn fresh_key_is_read_as_it_is_written() {
    let fresh =
        FreshKey { mark: [0xa7; 16], boot_id: "0123456789abcdef".repeat(2), since: BootTime(90) };
    let mut record = read(FIRST).unwrap();
    record.extras.fresh_key = Some(fresh);
    let text = write(&record);
    assert!(as_written::take_apart(&text).is_some(), "{}", *text);
    assert_eq!(read(&text).unwrap(), record);
    assert_eq!(by_toml(&text).unwrap(), record);
    for (from, to) in
        [("a7a7a7", "a7a7"), ("cdef0123", "cdef012"), (".90", ".-9"), (".90", ".9x"), (".90", "")]
    {
        assert!(read(&text.replacen(from, to, 1)).is_err(), "{from} {to}");
    }
}
