//! Tests the QR code of a key during a login, as a phone sees it: light on dark, dark on light, and in ASCII.

use twinlock_tests::{First, key_shown, photographed, scanned};

use crate::people::{OPEN, server, ssh};

#[test]
fn the_picture_holds_the_key_that_stands_below_it() {
    let m = server("en", OPEN);
    let mut all = ssh(&m, First::Key);
    let mut before = all.answer(&["start"]).next_prompt().len();
    let key = key_shown(&all.screen()).expect("a key").key;
    let uri = format!("otpauth://totp/twinbox:ada?secret={key}&issuer=twinbox");
    assert_eq!(scanned(&photographed(&all.screen())).as_ref(), Some(&uri));
    for drawn in ["i", "a", "i"] {
        let all = all.answer(&[drawn]).next_prompt();
        let (again, light) = (&all[before..], drawn);
        before = all.len();
        let seen = photographed(again);
        assert!(again.contains(if light == "a" { "##" } else { "scan" }), "{again}");
        // `photographed` assumes a dark screen. A QR code for a light screen is read from the negative.
        let read = scanned(&seen).or_else(|| scanned(&negative(&seen)));
        assert_eq!(read.as_ref(), Some(&uri), "{drawn}: {again}");
    }
}

/// Returns the picture of a terminal with dark text on a light screen.
fn negative(picture: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(picture);
    let (head, rows) = text.split_at(text.find("\n1\n").expect("a picture") + 3);
    let swapped = rows.chars().map(|pixel| match pixel {
        '0' => '1',
        '1' => '0',
        other => other,
    });
    format!("{head}{}", swapped.collect::<String>()).into_bytes()
}
