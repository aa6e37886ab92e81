//! Whatever stands in another module's file, the reader answers, and what it says of a fault holds nothing of the text.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use twinlock_core::format::{google, oath};
use twinlock_core::takeover::{self, Moment};
use twinlock_core::time::UnixTime;

/// Pieces at which the readers turn.
const PIECES: [&[u8]; 24] = [
    b"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
    b"\n",
    b"\r",
    b"\" TOTP_AUTH",
    b"\" HOTP_COUNTER 7",
    b"\" STEP_SIZE ",
    b"\" TIME_SKEW -",
    b"\" DISALLOW_REUSE 59999999 60000001 ",
    b"\" WINDOW_SIZE 100",
    b"\" DIGITS 8",
    b"12345678\n",
    b"\"",
    b" ",
    b"\t",
    b"=",
    b"\0",
    b"\xff",
    b"-",
    b"99999999999999999999",
    b"HOTP",
    b"/T30",
    b"/E/8",
    b" ada - 3132333435363738393031323334353637383930 ",
    b"9",
];

fn text() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => select(PIECES.to_vec()).prop_map(<[u8]>::to_vec),
        1 => vec(any::<u8>(), 0..8),
    ];
    vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

fn moment(now: u64) -> Moment {
    Moment { now: UnixTime(now), changed: UnixTime(now / 2), window: 1 }
}

proptest! {
    // No file of failures is kept: what fails is printed in its smallest form.
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_file_breaks_the_reader_of_googles(text in text(), now in any::<u64>()) {
        let Ok(file) = google::read(&text) else { return Ok(()) };
        let (key, steps) = (file.key.bytes().to_vec(), file.scratch.len());
        let takeover = takeover::of_google(file, moment(now)).expect("a key of any length");
        prop_assert_eq!(takeover.authenticators.len(), 1);
        prop_assert_eq!(takeover.authenticators[0].key.bytes(), key.as_slice());
        prop_assert_eq!(takeover.scratch.len(), steps);
        prop_assert!(takeover.scratch.iter().all(|code| code.len() == 8));
    }

    #[test]
    fn no_file_breaks_the_reader_of_oaths(text in text(), now in any::<u64>()) {
        let read = oath::read(&text);
        let lines = read.iter().map(|one| match one {
            Ok(token) => token.line,
            Err(fault) => fault.line,
        });
        prop_assert!(lines.collect::<Vec<_>>().is_sorted());
        let tokens: Vec<_> = read.into_iter().filter_map(Result::ok).collect();
        let takeover = takeover::of_oath(tokens, UnixTime(now));
        let names = takeover.authenticators.iter().map(|one| one.name.clone());
        let names: std::collections::BTreeSet<String> = names.collect();
        prop_assert_eq!(names.len(), takeover.authenticators.len());
    }
}
