//! Unit tests of `google`: files are read as pam_google_authenticator reads them.

use crate::google::*;
use alloc::{format, vec};

const KEY: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

fn with(rest: &str) -> Google {
    read(format!("{KEY}\n{rest}\" TOTP_AUTH\n").as_bytes()).unwrap()
}

fn fault(text: &str) -> GoogleError {
    read(text.as_bytes()).unwrap_err()
}

fn codes(file: &Google) -> Vec<&str> {
    file.scratch.iter().map(|code| code.as_str()).collect()
}

#[test]
fn a_file_as_the_program_writes_it() {
    let file = with(
        "\" RATE_LIMIT 3 30 1800000000\n\" WINDOW_SIZE 17\n\" STEP_SIZE 45\n\
         \" DISALLOW_REUSE 40000000 40000001\n12345678\n23456789\n",
    );
    assert_eq!(file.key.bytes(), b"12345678901234567890");
    assert_eq!((file.moving, file.parameters.period.seconds()), (MovingFactor::default(), 45));
    assert_eq!(file.reuse, Reuse::Listed { line: 5, steps: vec![40_000_000, 40_000_001] });
    assert_eq!((codes(&file), file.ahead), (vec!["12345678", "23456789"], 8));
    let remarks = [Remark::Window { line: 3, each_way: 8 }, Remark::RateLimit { line: 2 }];
    assert_eq!(file.remarks, remarks);
}

#[test]
fn keys_are_taken_as_googles_module_takes_them() {
    for text in [
        "gezd-gnbv GY3TQOJQ\tgezdgnbvgy3tqojq\r",
        "GEZDGNBVGY3TQ0JQGEZDGNBVGY3TQ0JQ",
        "GEZDGN8VGY3TQOJQGEZDGNBVGY3TQOJQ==",
    ] {
        let file = read(format!("{text}\n\" TOTP_AUTH\n").as_bytes()).unwrap();
        assert_eq!(file.key.bytes(), b"12345678901234567890", "{text}");
        let padded = file.remarks.contains(&Remark::Padding);
        assert_eq!(padded, text.ends_with('='), "{text}");
    }
    let old = read(b"GEZDGNBVGY3TQOJQAA\n\" TOTP_AUTH\n").unwrap();
    assert_eq!(old.remarks, [Remark::ShortKey { bits: 88 }]);
    for (text, at) in [("GEZ!", 4), ("GE=Z", 3), ("GE9Z", 3)] {
        assert_eq!(fault(text), GoogleError::Secret(KeyTextError::Letter { at }));
    }
    assert!(matches!(fault("GEZD\n"), GoogleError::Secret(KeyTextError::Length(_))));
    assert!(matches!(fault("\n\n"), GoogleError::Secret(KeyTextError::Length(_))));
}

#[test]
fn what_moves_the_code_is_found_where_googles_module_finds_it() {
    let moving = |rest: &str| read(format!("{KEY}\n{rest}").as_bytes()).map(|file| file.moving);
    let counter = |next| Ok(MovingFactor::Counter { next });
    let clock = |drift| Ok(MovingFactor::Clock { drift });
    assert_eq!(moving("\" HOTP_COUNTER 7\n\" TOTP_AUTH\n"), counter(7));
    assert_eq!(moving("\" HOTP_COUNTER 7\n\" HOTP_COUNTER 9\n"), counter(7));
    assert_eq!(moving("\" HOTP_COUNTER 0\n12345678 \" TOTP_AUTH"), clock(0));
    assert_eq!(moving("\" HOTP_COUNTERS 7\n"), Err(GoogleError::NoMode));
    assert_eq!(moving("\" TIME_SKEW -20\r\n\" TOTP_AUTH"), clock(-20));
    assert_eq!(moving("\" TIME_SKEW x\n\" TOTP_AUTH"), clock(0));
    let skew = moving("\" TOTP_AUTH\n\" TIME_SKEW 2881\n");
    assert_eq!(skew, Err(GoogleError::Skew { line: 3 }));
    assert_eq!(moving("\" STEP_SIZE 60\n\" TOTP_AUTH\n\" TIME_SKEW 1440\n"), clock(1440));
    let skew = moving("\" STEP_SIZE 60\n\" TOTP_AUTH\n\" TIME_SKEW 1441\n");
    assert_eq!(skew, Err(GoogleError::Skew { line: 4 }));
}

#[test]
fn codes_end_at_the_first_odd_line() {
    let file = with("12345678\n\n  23456789\n\" X\n34567890 \n45678901\n12345678\n");
    assert_eq!(codes(&file), ["12345678", "23456789"]);
    assert_eq!(
        file.remarks,
        [Remark::UnknownOption { line: 5 }, Remark::DeadCodes { line: 6, count: 2 }]
    );
    let file = with("02345678\n");
    assert_eq!((codes(&file), file.remarks.len()), (vec![], 1));
    assert_eq!(codes(&with("12345678\r\n12345678\n23456789\n")), ["12345678", "23456789"]);
}

#[test]
fn what_cannot_be_used_is_told_with_its_line() {
    assert_eq!(fault(""), GoogleError::Empty);
    assert_eq!(fault(&"A".repeat(GOOGLE_MAX + 1)), GoogleError::TooLarge);
    assert_eq!(fault("A\nB\0"), GoogleError::Nul { line: 2 });
    assert_eq!(fault(KEY), GoogleError::NoMode);
    for size in ["0", "61", "x", "30x", ""] {
        let text = format!("{KEY}\n\" TOTP_AUTH\n\" STEP_SIZE {size}\n");
        assert_eq!(fault(&text), GoogleError::Step { line: 3 }, "{size}");
    }
    let file = with("\" DISALLOW_REUSE 1 x\n\" WINDOW_SIZE 101\n\" LAST1 h 1\n\" LAST0 h 1\n");
    assert_eq!(file.reuse, Reuse::Unreadable { line: 2 });
    let last = Remark::LastLogins { line: 4 };
    assert_eq!(file.remarks, [Remark::UnreadableOption { line: 3 }, last]);
}

#[test]
fn what_nobody_reads_keeps_the_file() {
    let keeps = |rest: &str| with(rest).remarks.iter().any(|remark| remark.keeps_source());
    for rest in [
        "\" STEP_SIZE 30\n\" STEP_SIZE 60\n",
        "\" WINDOW_SIZE 3 17\n",
        "\" TIME_SKEW x\n",
        "\" TIME_SKEW 2 x\n",
        "\" WINDOW_SIZE x\n",
        "\" LOST_AND_FOUND\n",
        "\"WINDOW_SIZE 3\n",
        "# GEZDGNBVGY3TQOJQ\n",
        "OLDKEYOLDKEYOLDK\n12345678\n",
        "12345678 # Ada's last\n",
        "\" RATE_LIMIT 3 30 1800000000 spare key JBSWY3DPEHPK3PXP\n",
        "\" RATE_LIMIT 3 30 JBSWY3DPEHPK3PXP\n",
        "\" RATE_LIMIT 3\n",
        "\" RATE_LIMIT spare\n",
        "\"RATE_LIMIT 3 30\n",
        "\" LAST0 spare key JBSWY3DPEHPK3PXP\n",
        "\" LAST0 h 1 JBSWY3DPEHPK3PXP\n",
        "\" LAST0 JBSWY3DPEHPK3PXP\n",
        "\" LAST0 spare=JBSWY3DPEHPK3PXP 1\n",
        "\" LAST1 h 1\n\" LAST2 h x\n",
        "\" LASTX h 1\n",
        "\" RESETTING_TIME_SKEW spare key JBSWY3DPEHPK3PXP\n",
        "\" RESETTING_TIME_SKEW 60000000+1 60000001-\n",
        "\" RESETTING_TIME_SKEW 60000000\n",
    ] {
        assert!(keeps(rest), "{rest}");
    }
    for rest in [
        "",
        "\r\n",
        "\" RATE_LIMIT 3 30\n\" WINDOW_SIZE 17\n\" LAST0 h 1\n\" TIME_SKEW 2\n\" DISALLOW_REUSE 1 2 3\n12345678\n",
        "\" RATE_LIMIT 3 30 1800000000 1800000010\n\" LAST9 2001:db8::1%eth0 1800000000\n\" LAST/ h 1\n",
        "\" RESETTING_TIME_SKEW 60000000+1 60000001-2 \n",
        "\" RESETTING_TIME_SKEW \n",
    ] {
        assert!(!keeps(rest), "{rest}");
    }
}

#[test]
fn a_forks_parameters_are_taken() {
    let file = with("\" DIGITS 8\n\" ALGORITHM sha256\n");
    assert_eq!(file.parameters.digits.get(), 8);
    assert_eq!(file.parameters.algorithm, Algorithm::Sha256);
    let nine = format!("{KEY}\n\" DIGITS 9\n\" TOTP_AUTH");
    assert_eq!(fault(&nine), GoogleError::Fork { line: 2 });
}
