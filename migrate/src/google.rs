//! Parses files of `pam_google_authenticator` as that module does. Errors contain line numbers and never the text of a
//! line.

use alloc::{string::String, vec::Vec};

use zeroize::Zeroizing;

use crate::{
    c_number::{is_blank, number_at},
    source::{Google, Remark, Reuse},
};
use twinlock_core::{
    base::{
        base32::{self, KeyTextError},
        secret::Key,
    },
    record::{Algorithm, Digits, MovingFactor, Parameters, Period},
};

/// Maximum file size in bytes, as in Google's module.
pub const GOOGLE_MAX: usize = 64 * 1024;
/// Maximum number of imported scratch codes, which is also the maximum of a code set. Google's command makes at most
/// ten.
const SCRATCH_MAX: usize = 64;
/// Number of key bits (RFC 4226 section 4, R6) below which a remark tells the administrator that the key is short.
const BITS_WANTED: usize = 128;

/// Options whose values are imported.
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

/// Why a file cannot be imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GoogleError {
    /// The file is empty.
    Empty,
    /// The file is over 64 KiB.
    TooLarge,
    /// The file contains a NUL byte.
    Nul {
        /// Number of the line in the file, from 1.
        line: u32,
    },
    /// The first line is not a key.
    Secret(KeyTextError),
    /// The file has neither `TOTP_AUTH` nor `HOTP_COUNTER`, so Google's module accepts only its scratch codes.
    NoMode,
    /// The value of `STEP_SIZE` is not a number of seconds from 1 to 60.
    Step {
        /// Number of the line in the file, from 1.
        line: u32,
    },
    /// `TIME_SKEW` is more than 2880 steps, which is implausible.
    Skew {
        /// Number of the line in the file, from 1.
        line: u32,
    },
    /// `DIGITS` or `ALGORITHM`, which a fork of Google's module reads, has an invalid value.
    Fork {
        /// Number of the line in the file, from 1.
        line: u32,
    },
}

impl core::fmt::Display for GoogleError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Empty => "it is empty",
            Self::TooLarge => "it is over 64 KiB",
            Self::Nul { .. } => "it has a NUL byte, for which Google's module refuses it",
            Self::Secret(error) => return error.fmt(f),
            Self::NoMode => {
                "it has neither TOTP_AUTH nor HOTP_COUNTER, so app codes are not accepted"
            }
            Self::Step { .. } => "STEP_SIZE is not 1 to 60, for which Google's module refuses it",
            Self::Skew { .. } => "TIME_SKEW is more than 2880 steps (a day): the clock is wrong",
            Self::Fork { .. } => "DIGITS or ALGORITHM has a value that no app has",
        })
    }
}

impl core::error::Error for GoogleError {}

/// Parses the content of a file.
///
/// # Errors
/// [`GoogleError`] if the file cannot be imported.
pub fn read(bytes: &[u8]) -> Result<Google, GoogleError> {
    let file = GoogleText(bytes);
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

/// An option line: the line number, and the text after the option's name.
struct OptionLine<'a> {
    line: u32,
    value: &'a [u8],
}

struct GoogleText<'a>(&'a [u8]);

impl<'a> GoogleText<'a> {
    fn check(&self) -> Result<(), GoogleError> {
        match self.0.len() {
            0 => return Err(GoogleError::Empty),
            1..=GOOGLE_MAX => {}
            _ => return Err(GoogleError::TooLarge),
        }
        match self.0.iter().position(|byte| *byte == 0) {
            Some(at) => Err(GoogleError::Nul { line: self.line_at(at) }),
            None => Ok(()),
        }
    }

    fn line_at(&self, at: usize) -> u32 {
        let newlines = self.0.iter().take(at).filter(|byte| **byte == b'\n').count();
        u32::try_from(newlines).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// Returns every non-empty line with its offset in bytes.
    fn lines(&self) -> impl Iterator<Item = (usize, &'a [u8])> {
        let mut next = 0;
        let lines = self.0.split(|byte| matches!(byte, b'\r' | b'\n')).map(move |line| {
            let at = next;
            next = at + line.len() + 1;
            (at, line)
        });
        lines.filter(|(_, line)| !line.is_empty())
    }

    /// Returns the first line that sets the option `key`; `None` if there is none. Google's module ignores repetitions
    /// of an option.
    fn setting(&self, key: &str) -> Option<OptionLine<'a>> {
        self.lines().find_map(|(at, line)| {
            let rest = line.strip_prefix(b"\" ")?.strip_prefix(key.as_bytes())?;
            let ends = rest.first().is_none_or(|byte| matches!(byte, b' ' | b'\t'));
            ends.then(|| OptionLine { line: self.line_at(at), value: rest })
        })
    }

    fn key(&self, remarks: &mut Vec<Remark>) -> Result<Key, GoogleError> {
        let first = self.0.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let text = first.trim_ascii_end();
        let end = text.iter().rposition(|byte| *byte != b'=').map_or(0, |last| last + 1);
        let (text, padding) = text.split_at_checked(end).unwrap_or((text, &[]));
        if !padding.is_empty() {
            remarks.push(Remark::Padding);
        }
        let key = base32::parse_leniently(text).map_err(GoogleError::Secret)?;
        let bits = key.bytes().len() * 8;
        if bits < BITS_WANTED {
            remarks.push(Remark::ShortKey { bits });
        }
        Ok(key)
    }

    fn period(&self) -> Result<Period, GoogleError> {
        let Some(setting) = self.setting("STEP_SIZE") else { return Ok(Period::THIRTY) };
        let fault = GoogleError::Step { line: setting.line };
        let seconds = whole(setting.value).filter(|seconds| (1..=60).contains(seconds));
        seconds.and_then(|seconds| Period::new(seconds.unsigned_abs())).ok_or(fault)
    }

    /// Returns the counter if it is above 0; otherwise the clock with the error (drift) that Google's module has
    /// learned.
    fn moving(&self) -> Result<MovingFactor, GoogleError> {
        let leading = |value| number_at(value).map_or(0, |number| number.value);
        let counter = self.setting("HOTP_COUNTER").map_or(0, |setting| leading(setting.value));
        if counter > 0 {
            return Ok(MovingFactor::Counter { next: counter.unsigned_abs() });
        }
        // Google's module accepts the option anywhere in the file, not only at the start of a line.
        if !self.0.windows(11).any(|part| part == b"\" TOTP_AUTH") {
            return Err(GoogleError::NoMode);
        }
        let Some(setting) = self.setting("TIME_SKEW") else { return Ok(MovingFactor::default()) };
        let drift = i32::try_from(leading(setting.value)).ok();
        let period = self.period()?;
        let drift = drift.filter(|drift| period.believes(*drift));
        let fault = GoogleError::Skew { line: setting.line };
        drift.map(|drift| MovingFactor::Clock { drift }).ok_or(fault)
    }

    fn fork(&self, remarks: &mut Vec<Remark>) -> Result<Parameters, GoogleError> {
        let mut parameters = Parameters::default();
        if let Some(setting) = self.setting("DIGITS") {
            let digits = whole(setting.value).and_then(|digits| u64::try_from(digits).ok());
            let fault = GoogleError::Fork { line: setting.line };
            parameters.digits = digits.and_then(Digits::new).ok_or(fault)?;
            remarks.push(Remark::Fork { line: setting.line });
        }
        if let Some(setting) = self.setting("ALGORITHM") {
            let name = str::from_utf8(setting.value.trim_ascii()).unwrap_or_default();
            let fault = GoogleError::Fork { line: setting.line };
            parameters.algorithm = Algorithm::named(name).ok_or(fault)?;
            remarks.push(Remark::Fork { line: setting.line });
        }
        Ok(parameters)
    }

    /// Returns the value of `WINDOW_SIZE`, the number of accepted steps or counters, 1 to 100. If the option is missing
    /// or invalid, returns Google's default, 3.
    fn window(&self, moving: MovingFactor, remarks: &mut Vec<Remark>) -> u8 {
        const USUAL: u8 = 3;
        let Some(OptionLine { line, value }) = self.setting("WINDOW_SIZE") else { return USUAL };
        let size = whole(value).and_then(|size| u8::try_from(size).ok());
        let Some(size) = size.filter(|size| (1..=100).contains(size)) else {
            remarks.push(Remark::UnreadableOption { line });
            return USUAL;
        };
        remarks.push(match moving {
            // An even window has one more step ahead than behind, so half of it is the number of steps ahead.
            MovingFactor::Clock { .. } => Remark::Window { line, each_way: size / 2 },
            MovingFactor::Counter { .. } => Remark::LookAhead { line, counters: size },
        });
        size
    }

    fn reuse(&self) -> Reuse {
        let Some(OptionLine { line, value }) = self.setting("DISALLOW_REUSE") else {
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
        let mut last_logins = None;
        let mut met: Vec<&[u8]> = Vec::new();
        for (at, line) in self.lines() {
            let Some(rest) = line.strip_prefix(b"\"") else { continue };
            let line = self.line_at(at);
            let mut words = rest.split(|byte| is_blank(*byte));
            let word = words.find(|word| !word.is_empty()).unwrap_or_default();
            let odd = Remark::UnreadableOption { line };
            if !is_read_whole(rest) && !remarks.contains(&odd) {
                remarks.push(odd);
            }
            match word {
                b"RATE_LIMIT" => remarks.push(Remark::RateLimit { line }),
                b"RESETTING_TIME_SKEW" => remarks.push(Remark::SkewUnderWay { line }),
                word if is_last_login(word) => last_logins = last_logins.or(Some(line)),
                word if NEEDED.contains(&word) && met.contains(&word) => {
                    remarks.push(Remark::RepeatedOption { line });
                }
                word if NEEDED.contains(&word) => met.push(word),
                _ => remarks.push(Remark::UnknownOption { line }),
            }
        }
        remarks.extend(last_logins.map(|line| Remark::LastLogins { line }));
    }

    /// Returns the valid scratch codes. Google's module stops reading at the first line that is neither an option nor a
    /// code.
    fn scratch(&self, remarks: &mut Vec<Remark>) -> Vec<Zeroizing<String>> {
        let begin = self.0.iter().position(|byte| *byte == b'\n').unwrap_or(self.0.len());
        let mut below = self.lines().skip_while(|(at, _)| *at < begin);
        let mut codes: Vec<Zeroizing<String>> = Vec::new();
        let mut too_many = 0;
        // The newline counts as a blank before a code, but not before an option.
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

/// Returns whether an option has a form that Google's module writes: no value for a switch, only numbers, or the name
/// of a hash. The import has then read the whole option, so that nothing is lost if the file is removed. Also returns
/// `true` for every unknown option, because the caller reports these separately.
fn is_read_whole(option: &[u8]) -> bool {
    let words = option.split(|byte| is_blank(*byte)).filter(|word| !word.is_empty());
    let words: Vec<&[u8]> = words.collect();
    let Some((word, values)) = words.split_first() else { return true };
    // Google's module expects one blank between the quotation mark and the word.
    let is_read = option.strip_prefix(b" ").is_some_and(|option| option.starts_with(word));
    let is_whole = match (*word, values) {
        (b"TOTP_AUTH", values) => values.is_empty(),
        // The list of used codes has a remark of its own.
        (b"DISALLOW_REUSE", _) => true,
        (b"ALGORITHM", values) => values.len() == 1,
        (b"RATE_LIMIT", values) => values.len() >= 2 && values.iter().all(|value| is_digits(value)),
        (b"RESETTING_TIME_SKEW", values) => values.iter().all(|value| is_step_and_skew(value)),
        (word, [host, time]) if is_last_login(word) => is_host(host) && is_digits(time),
        (b"HOTP_COUNTER" | b"STEP_SIZE" | b"WINDOW_SIZE" | b"TIME_SKEW" | b"DIGITS", [number]) => {
            whole(number).is_some()
        }
        (word, _) => !(is_last_login(word) || NEEDED.contains(&word)),
    };
    is_read && is_whole
}

/// Returns whether an option name is `LAST0` to `LAST9`, or `LAST/`, which Google's module writes after the clock was
/// set back.
fn is_last_login(word: &[u8]) -> bool {
    matches!(word, [b'L', b'A', b'S', b'T', b'0'..=b'9' | b'/'])
}

fn is_digits(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}

/// Returns whether a text names a client as Google's module writes it: a host name, or an address with an optional
/// zone.
fn is_host(text: &[u8]) -> bool {
    let is_part =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'%' | b'.' | b'-');
    text.len() <= 255 && text.iter().all(is_part)
}

/// Returns whether a text is a step and the signed number of steps by which the phone was off, such as `60000000-2`.
fn is_step_and_skew(text: &[u8]) -> bool {
    let sign = text.iter().position(|byte| matches!(byte, b'+' | b'-'));
    let parts = sign.and_then(|at| text.split_at_checked(at));
    parts
        .is_some_and(|(step, skew)| is_digits(step) && is_digits(skew.get(1..).unwrap_or_default()))
}

/// Parses a scratch code, which is a line of exactly eight digits; `None` for any other line.
fn scratch_code(line: &[u8]) -> Option<Zeroizing<String>> {
    let number = number_at(line).filter(|number| number.rest.is_empty())?;
    let is_code = (10_000_000..100_000_000).contains(&number.value);
    is_code.then(|| Zeroizing::new(alloc::format!("{}", number.value)))
}

/// Parses a text that contains only a number and blanks; `None` for any other text.
fn whole(text: &[u8]) -> Option<i64> {
    let number = number_at(text)?;
    let ends = number.rest.first().is_none_or(|byte| is_blank(*byte));
    ends.then_some(number.value)
}

#[cfg(test)]
mod tests;
