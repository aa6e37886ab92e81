//! Compares codes of random keys, times and parameters with oathtool.

use std::fmt::Write;
use std::process::Command;
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use twinlock_core::base::secret::{KEY_MAX, KEY_MIN, Key};
use twinlock_core::base::time::UnixTime;
use twinlock_core::otp::hotp::{Keyed, digits_of};
use twinlock_core::record::{Algorithm, Digits, Period};
use twinlock_core::{base::base32, otp::totp::step_at};
use twinlock_tests::{Machine, Otp};

const CASES: u64 = 10_000;
const AT_ONCE: u64 = 4;
/// Latest time: the year 3058, the limit of oathtool.
const LATEST: u64 = 1 << 35;

/// SplitMix64 (Steele, Lea and Flood 2014). The values need to vary but not to be secret.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.roll() % (high - low + 1)
    }
}

#[derive(Debug)]
struct CodeCase {
    key: Vec<u8>,
    algorithm: &'static str,
    digits: u64,
    period: u64,
    time: u64,
}

impl CodeCase {
    /// Returns one test case, with a random key, period and time. `seed` selects a sequence of cases, and `number`
    /// selects the case in that sequence.
    fn of(seed: u64, number: u64) -> CodeCase {
        let mut dice = Dice(seed.wrapping_add(number.wrapping_mul(0x2545_f491_4f6c_dd1d)));
        let length = dice.between(KEY_MIN as u64, KEY_MAX as u64);
        let period = if dice.between(0, 1) == 0 { 30 } else { dice.between(1, 3600) };
        CodeCase {
            key: (0..length).map(|_| dice.roll().to_le_bytes()[0]).collect(),
            algorithm: ["SHA1", "SHA256", "SHA512"][number as usize % 3],
            digits: dice.between(6, 8),
            period,
            time: dice.between(0, LATEST),
        }
    }

    /// Returns the code that the module computes, from the key as a user would type it.
    fn ours(&self) -> String {
        let typed =
            base32::in_groups(&Key::new(self.key.clone()).expect("a length that keys have"));
        let key = base32::parse(&typed).expect("base32");
        let algorithm = match self.algorithm {
            "SHA1" => Algorithm::Sha1,
            "SHA256" => Algorithm::Sha256,
            _ => Algorithm::Sha512,
        };
        let keyed = Keyed::new(&key, algorithm).expect("a key");
        let period = Period::new(self.period).expect("a period");
        let step = step_at(UnixTime(self.time), period);
        let digits = Digits::new(self.digits).expect("six to eight");
        digits_of(keyed.truncated(step.0), digits).to_string()
    }

    fn oathtool(&self) -> String {
        let mut hex = String::new();
        self.key.iter().for_each(|byte| write!(hex, "{byte:02x}").expect("memory"));
        let output = Command::new("oathtool")
            .arg(format!("--totp={}", self.algorithm))
            .arg(format!("--digits={}", self.digits))
            .arg(format!("--time-step-size={}s", self.period))
            .arg(format!("--now=@{}", self.time))
            .arg(hex)
            .output()
            .expect("oathtool (package oathtool) cannot be started");
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "oathtool refuses {self:?}: {complaint}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}

/// Returns the seed of the random cases: the value of `TWINLOCK_TEST_SEED`, with which a failure can be reproduced, or
/// a new one.
fn seed() -> u64 {
    let given = std::env::var("TWINLOCK_TEST_SEED").ok();
    given.map_or_else(new_seed, |text| text.parse().expect("TWINLOCK_TEST_SEED is a number"))
}

fn new_seed() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    u64::try_from(since.as_nanos() & u128::from(u64::MAX)).expect("sixty-four bits")
}

#[test]
fn ten_thousand_codes_are_those_of_oathtool() {
    let seed = seed();
    let hold = |number| {
        let case = CodeCase::of(seed, number);
        let again = format!("case {number} of TWINLOCK_TEST_SEED={seed}");
        assert_eq!(case.ours(), case.oathtool(), "{again}: {case:?}");
    };
    thread::scope(|scope| {
        for first in 0..AT_ONCE {
            scope.spawn(move || (first..CASES).step_by(AT_ONCE as usize).for_each(hold));
        }
    });
}

/// Returns the codes of a hundred counters, beginning with `first`.
fn codes_of_tokens(case: &CodeCase, first: u64) -> String {
    let mut hex = String::new();
    case.key.iter().for_each(|byte| write!(hex, "{byte:02x}").expect("memory"));
    let output = Command::new("oathtool")
        .args(["--hotp", "--window=99", &format!("--digits={}", case.digits)])
        .args([format!("--counter={first}"), hex])
        .output()
        .expect("oathtool (package oathtool) cannot be started");
    assert!(output.status.success(), "oathtool refuses {case:?} {first}: {output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn codes_of_tokens_are_those_of_oathtool() {
    let seed = seed();
    for number in 0..50 {
        let case = CodeCase::of(seed, number);
        let first = case.time << (number % 20);
        let key = Key::new(case.key.clone()).expect("a length that keys have");
        let keyed = Keyed::new(&key, Algorithm::Sha1).expect("a key");
        let digits = Digits::new(case.digits).expect("six to eight");
        let ours = (first..first + 100).map(|counter| digits_of(keyed.truncated(counter), digits));
        let ours: Vec<String> = ours.map(|code| code.to_string()).collect();
        let again = format!("case {number} of TWINLOCK_TEST_SEED={seed}");
        let theirs = codes_of_tokens(&case, first);
        assert_eq!(ours, theirs.lines().collect::<Vec<_>>(), "{again}: {case:?}");
    }
}

#[test]
fn an_app_of_every_kind_gets_in() {
    let m = Machine::new();
    m.twinlock().proven("one").epoch_minutes_ago(24 * 60);
    for (number, algorithm) in ["SHA1", "SHA256", "SHA512"].into_iter().cycle().take(9).enumerate()
    {
        let name = format!("ada{number}");
        let key = base32::write(&Key::new(vec![b'x'; 10 + number * 14]).expect("a length"));
        let digits = 6 + u32::try_from(number / 3).expect("a digit");
        let period = [15, 30, 60, 300][number % 4];
        let otp = Otp { key: key.to_string(), algorithm: algorithm.to_owned(), digits, period };
        m.user(&name).enrolled_with(&name, &otp);
        for (code, expected) in [(m.wrong_code(&name), 1), (m.code(&name), 0)] {
            let login = m.pamtester("one", &name).input(format!("{code}\n")).output();
            assert_eq!(login.code, Some(expected), "{otp:?}: {:?}", m.log());
        }
    }
}
