//! Files of `pam_google_authenticator`, read as that module reads them; faults give lines and never their text.

use alloc::{string::String, vec::Vec};

use zeroize::Zeroizing;

use crate::{
    foreign::{Google, Remark, Reuse},
    format::c_number::{is_blank, number_at},
    otp::base32::{self, KeyText},
    record::{Algorithm, Digits, Moving, Parameters, Period},
    secret::Key,
};

/// The largest file that Google's module reads, in bytes.
pub const GOOGLE_MAX: usize = 64 * 1024;
/// The most scratch codes that are taken over: a set holds no more, and Google's command makes at most ten.
const SCRATCH_MAX: usize = 64;
/// Keys of fewer bits are told about (RFC 4226 section 4, R6).
const BITS_WANTED: usize = 128;

/// Why a file cannot be taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GoogleFault {
    /// Nothing in it.
    Empty,
    /// Over 64 KiB.
    TooLarge,
    /// A NUL byte.
    Nul {
        /// Where.
        line: u32,
    },
    /// The first line is not a key.
    Secret(KeyText),
    /// Neither `TOTP_AUTH` nor `HOTP_COUNTER`: only scratch codes work there.
    NoMode,
    /// `STEP_SIZE` other than 1 to 60.
    Step {
        /// Where.
        line: u32,
    },
    /// `TIME_SKEW` further off than is believed.
    Skew {
        /// Where.
        line: u32,
    },
    /// `DIGITS` or `ALGORITHM` of the fork with a value that it has not.
    Fork {
        /// Where.
        line: u32,
    },
}

/// Reads a file.
///
/// # Errors
/// [`GoogleFault`].
pub fn read(bytes: &[u8]) -> Result<Google, GoogleFault> {
    let file = File(bytes);
    file.check()?;
    let mut remarks = Vec::new();
    let key = file.key(&mut remarks)?;
    let period = file.period()?;
    let moving = file.moving()?;
    let parameters = Parameters { period, ..file.fork(&mut remarks)? };
    let window = file.window(moving, &mut remarks);
    file.other_options(&mut remarks);
    let scratch = file.scratch(&mut remarks);
    Ok(Google { key, parameters, moving, ahead: window / 2, reuse: file.reuse(), scratch, remarks })
}

/// An option line: where it stands, and what follows the key.
struct Setting<'a> {
    line: u32,
    value: &'a [u8],
}

struct File<'a>(&'a [u8]);

impl<'a> File<'a> {
    fn check(&self) -> Result<(), GoogleFault> {
        match self.0.len() {
            0 => return Err(GoogleFault::Empty),
            1..=GOOGLE_MAX => {}
            _ => return Err(GoogleFault::TooLarge),
        }
        match self.0.iter().position(|byte| *byte == 0) {
            Some(at) => Err(GoogleFault::Nul { line: self.line_at(at) }),
            None => Ok(()),
        }
    }

    fn line_at(&self, at: usize) -> u32 {
        let newlines = self.0.iter().take(at).filter(|byte| **byte == b'\n').count();
        u32::try_from(newlines).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// Every line that is not empty, with the place where it begins.
    fn lines(&self) -> impl Iterator<Item = (usize, &'a [u8])> {
        let mut next = 0;
        let lines = self.0.split(|byte| matches!(byte, b'\r' | b'\n')).map(move |line| {
            let at = next;
            next = at + line.len() + 1;
            (at, line)
        });
        lines.filter(|(_, line)| !line.is_empty())
    }

    /// The first line of a key: the one that counts.
    fn setting(&self, key: &str) -> Option<Setting<'a>> {
        self.lines().find_map(|(at, line)| {
            let rest = line.strip_prefix(b"\" ")?.strip_prefix(key.as_bytes())?;
            let ends = rest.first().is_none_or(|byte| matches!(byte, b' ' | b'\t'));
            ends.then(|| Setting { line: self.line_at(at), value: rest })
        })
    }

    fn key(&self, remarks: &mut Vec<Remark>) -> Result<Key, GoogleFault> {
        let first = self.0.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let text = first.trim_ascii_end();
        let end = text.iter().rposition(|byte| *byte != b'=').map_or(0, |last| last + 1);
        let (text, padding) = text.split_at_checked(end).unwrap_or((text, &[]));
        if !padding.is_empty() {
            remarks.push(Remark::Padding);
        }
        let key = base32::parse_leniently(text).map_err(GoogleFault::Secret)?;
        let bits = key.bytes().len() * 8;
        if bits < BITS_WANTED {
            remarks.push(Remark::ShortKey { bits });
        }
        Ok(key)
    }

    fn period(&self) -> Result<Period, GoogleFault> {
        let Some(setting) = self.setting("STEP_SIZE") else { return Ok(Period::THIRTY) };
        let fault = GoogleFault::Step { line: setting.line };
        let seconds = whole(setting.value).filter(|seconds| (1..=60).contains(seconds));
        seconds.and_then(|seconds| Period::new(seconds.unsigned_abs())).ok_or(fault)
    }

    /// A counter that is not above 0 is none; a counter wins over the clock.
    fn moving(&self) -> Result<Moving, GoogleFault> {
        let leading = |value| number_at(value).map_or(0, |number| number.value);
        let counter = self.setting("HOTP_COUNTER").map_or(0, |setting| leading(setting.value));
        if counter > 0 {
            return Ok(Moving::Counter { next: counter.unsigned_abs() });
        }
        // Anywhere, not only where a line begins.
        if !self.0.windows(11).any(|part| part == b"\" TOTP_AUTH") {
            return Err(GoogleFault::NoMode);
        }
        let Some(setting) = self.setting("TIME_SKEW") else { return Ok(Moving::default()) };
        let drift = i32::try_from(leading(setting.value)).ok();
        let period = self.period()?;
        let drift = drift.filter(|drift| period.believes(*drift));
        let fault = GoogleFault::Skew { line: setting.line };
        drift.map(|drift| Moving::Clock { drift }).ok_or(fault)
    }

    fn fork(&self, remarks: &mut Vec<Remark>) -> Result<Parameters, GoogleFault> {
        let mut parameters = Parameters::default();
        if let Some(setting) = self.setting("DIGITS") {
            let digits = whole(setting.value).and_then(|digits| u64::try_from(digits).ok());
            let fault = GoogleFault::Fork { line: setting.line };
            parameters.digits = digits.and_then(Digits::new).ok_or(fault)?;
            remarks.push(Remark::Fork { line: setting.line });
        }
        if let Some(setting) = self.setting("ALGORITHM") {
            let name = str::from_utf8(setting.value.trim_ascii()).unwrap_or_default();
            let fault = GoogleFault::Fork { line: setting.line };
            parameters.algorithm = Algorithm::named(name).ok_or(fault)?;
            remarks.push(Remark::Fork { line: setting.line });
        }
        Ok(parameters)
    }

    /// How many steps or counters are taken; what cannot be read is Google's default.
    fn window(&self, moving: Moving, remarks: &mut Vec<Remark>) -> u8 {
        const USUAL: u8 = 3;
        let Some(Setting { line, value }) = self.setting("WINDOW_SIZE") else { return USUAL };
        let size = whole(value).and_then(|size| u8::try_from(size).ok());
        let Some(size) = size.filter(|size| (1..=100).contains(size)) else {
            remarks.push(Remark::UnreadableOption { line });
            return USUAL;
        };
        remarks.push(match moving {
            // Of an even number, one more lies ahead than behind.
            Moving::Clock { .. } => Remark::Window { line, each_way: size / 2 },
            Moving::Counter { .. } => Remark::LookAhead { line, counters: size },
        });
        size
    }

    fn reuse(&self) -> Reuse {
        let Some(Setting { line, value }) = self.setting("DISALLOW_REUSE") else {
            return Reuse::Allowed;
        };
        let words = value.split(|byte| is_blank(*byte)).filter(|word| !word.is_empty());
        let steps: Option<Vec<u64>> =
            words.map(|word| whole(word).and_then(|step| u64::try_from(step).ok())).collect();
        match steps {
            Some(steps) => Reuse::Listed { line, steps },
            None => Reuse::Unreadable { line },
        }
    }

    fn other_options(&self, remarks: &mut Vec<Remark>) {
        const NEEDED: [&[u8]; 8] = [
            b"TOTP_AUTH",
            b"HOTP_COUNTER",
            b"STEP_SIZE",
            b"WINDOW_SIZE",
            b"DISALLOW_REUSE",
            b"TIME_SKEW",
            b"DIGITS",
            b"ALGORITHM",
        ];
        let mut last_logins = None;
        for (at, line) in self.lines() {
            let Some(rest) = line.strip_prefix(b"\"") else { continue };
            let line = self.line_at(at);
            let mut words = rest.split(|byte| is_blank(*byte));
            let word = words.find(|word| !word.is_empty()).unwrap_or_default();
            match word {
                b"RATE_LIMIT" => remarks.push(Remark::RateLimit { line }),
                b"RESETTING_TIME_SKEW" => remarks.push(Remark::SkewUnderWay { line }),
                [b'L', b'A', b'S', b'T', _] => last_logins = last_logins.or(Some(line)),
                word if NEEDED.contains(&word) => {}
                _ => remarks.push(Remark::UnknownOption { line }),
            }
        }
        remarks.extend(last_logins.map(|line| Remark::LastLogins { line }));
    }

    /// The codes that work: up to the first line that is neither an option nor a code.
    fn scratch(&self, remarks: &mut Vec<Remark>) -> Vec<Zeroizing<String>> {
        let begin = self.0.iter().position(|byte| *byte == b'\n').unwrap_or(self.0.len());
        let mut below = self.lines().skip_while(|(at, _)| *at < begin);
        let mut codes: Vec<Zeroizing<String>> = Vec::new();
        let mut too_many = 0;
        // Blanks in front of a code may hold the end of a line, in front of an option not.
        let mut blank = false;
        let odd = below.find(|(_, line)| {
            let is_option = line.starts_with(b"\"") && !blank;
            blank = line.iter().all(|byte| is_blank(*byte));
            let code = scratch_code(line);
            let is_code = code.is_some();
            match code.filter(|code| !codes.contains(code)) {
                Some(_) if codes.len() == SCRATCH_MAX => too_many += 1,
                more => codes.extend(more),
            }
            !(is_option || is_code || blank)
        });
        if too_many > 0 {
            remarks.push(Remark::TooManyCodes { count: too_many });
        }
        if let Some((at, _)) = odd {
            let count = below.filter(|(_, line)| scratch_code(line).is_some()).count();
            remarks.push(Remark::DeadCodes { line: self.line_at(at), count });
        }
        codes
    }
}

/// A number of eight digits with nothing behind it.
fn scratch_code(line: &[u8]) -> Option<Zeroizing<String>> {
    let number = number_at(line).filter(|number| number.rest.is_empty())?;
    let is_code = (10_000_000..100_000_000).contains(&number.value);
    is_code.then(|| Zeroizing::new(alloc::format!("{}", number.value)))
}

/// A whole number, with blanks at most behind it.
fn whole(text: &[u8]) -> Option<i64> {
    let number = number_at(text)?;
    let ends = number.rest.first().is_none_or(|byte| is_blank(*byte));
    ends.then_some(number.value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{format, vec};

    const KEY: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    fn with(rest: &str) -> Google {
        read(format!("{KEY}\n{rest}\" TOTP_AUTH\n").as_bytes()).unwrap()
    }

    fn fault(text: &str) -> GoogleFault {
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
        assert_eq!((file.moving, file.parameters.period.seconds()), (Moving::default(), 45));
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
            assert_eq!(fault(text), GoogleFault::Secret(KeyText::Letter { at }));
        }
        assert!(matches!(fault("GEZD\n"), GoogleFault::Secret(KeyText::Length(_))));
        assert!(matches!(fault("\n\n"), GoogleFault::Secret(KeyText::Length(_))));
    }

    #[test]
    fn what_moves_the_code_is_found_where_googles_module_finds_it() {
        let moving = |rest: &str| read(format!("{KEY}\n{rest}").as_bytes()).map(|file| file.moving);
        let counter = |next| Ok(Moving::Counter { next });
        let clock = |drift| Ok(Moving::Clock { drift });
        assert_eq!(moving("\" HOTP_COUNTER 7\n\" TOTP_AUTH\n"), counter(7));
        assert_eq!(moving("\" HOTP_COUNTER 7\n\" HOTP_COUNTER 9\n"), counter(7));
        assert_eq!(moving("\" HOTP_COUNTER 0\n12345678 \" TOTP_AUTH"), clock(0));
        assert_eq!(moving("\" HOTP_COUNTERS 7\n"), Err(GoogleFault::NoMode));
        assert_eq!(moving("\" TIME_SKEW -20\r\n\" TOTP_AUTH"), clock(-20));
        assert_eq!(moving("\" TIME_SKEW x\n\" TOTP_AUTH"), clock(0));
        let skew = moving("\" TOTP_AUTH\n\" TIME_SKEW 2881\n");
        assert_eq!(skew, Err(GoogleFault::Skew { line: 3 }));
        assert_eq!(moving("\" STEP_SIZE 60\n\" TOTP_AUTH\n\" TIME_SKEW 1440\n"), clock(1440));
        let skew = moving("\" STEP_SIZE 60\n\" TOTP_AUTH\n\" TIME_SKEW 1441\n");
        assert_eq!(skew, Err(GoogleFault::Skew { line: 4 }));
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
        assert_eq!(fault(""), GoogleFault::Empty);
        assert_eq!(fault(&"A".repeat(GOOGLE_MAX + 1)), GoogleFault::TooLarge);
        assert_eq!(fault("A\nB\0"), GoogleFault::Nul { line: 2 });
        assert_eq!(fault(KEY), GoogleFault::NoMode);
        for size in ["0", "61", "x", "30x", ""] {
            let text = format!("{KEY}\n\" TOTP_AUTH\n\" STEP_SIZE {size}\n");
            assert_eq!(fault(&text), GoogleFault::Step { line: 3 }, "{size}");
        }
        let file = with("\" DISALLOW_REUSE 1 x\n\" WINDOW_SIZE 101\n\" LAST1 h 1\n\" LAST0 h 1\n");
        assert_eq!(file.reuse, Reuse::Unreadable { line: 2 });
        let last = Remark::LastLogins { line: 4 };
        assert_eq!(file.remarks, [Remark::UnreadableOption { line: 3 }, last]);
    }

    #[test]
    fn a_forks_parameters_are_taken() {
        let file = with("\" DIGITS 8\n\" ALGORITHM sha256\n");
        assert_eq!(file.parameters.digits.get(), 8);
        assert_eq!(file.parameters.algorithm, Algorithm::Sha256);
        let nine = format!("{KEY}\n\" DIGITS 9\n\" TOTP_AUTH");
        assert_eq!(fault(&nine), GoogleFault::Fork { line: 2 });
    }
}
