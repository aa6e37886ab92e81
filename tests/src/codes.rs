//! Codes of authenticator apps and tokens, computed by oathtool, which shares no code with twinlock.

use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// An account in an authenticator app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Otp {
    /// The account's key in base32.
    pub key: String,
    /// Hash algorithm: SHA1, SHA256 or SHA512.
    pub algorithm: String,
    /// Number of digits of a code.
    pub digits: u32,
    /// Length of a step in seconds.
    pub period: u64,
}

/// Returns the present time in seconds since 1970-01-01 00:00 UTC. A shift by [`crate::Call::clock`] does not affect
/// it.
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.expect("a clock after 1970").as_secs()
}

impl Otp {
    /// Creates an account with the usual parameters: SHA1, six digits, steps of thirty seconds.
    pub fn new(key: &str) -> Otp {
        Otp { key: key.to_owned(), algorithm: "SHA1".to_owned(), digits: 6, period: 30 }
    }

    /// Returns the code that is shown at `time`, in seconds since 1970-01-01 00:00 UTC.
    pub fn at(&self, time: u64) -> String {
        let output = Command::new("oathtool")
            .arg(format!("--totp={}", self.algorithm))
            .args(["--base32", "--digits", &self.digits.to_string()])
            .arg(format!("--time-step-size={}s", self.period))
            .arg(format!("--now=@{time}"))
            .arg(&self.key)
            .output()
            .expect("oathtool (package oathtool) cannot be started");
        let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "oathtool refuses {self:?}: {complaint}");
        said
    }

    /// Returns the code of the step that is `steps` steps after the present one, or before it if `steps` is negative.
    ///
    /// For an earlier step, first waits until at least half of the present step is left, so that the code stays valid
    /// for some time.
    pub fn in_steps(&self, steps: i64) -> String {
        if steps < 0 {
            let left = self.period - now() % self.period;
            if left * 2 < self.period {
                std::thread::sleep(Duration::from_secs(left));
            }
        }
        self.near(steps)
    }

    /// Returns a code that is wrong in the present step and in the ten steps before and after it.
    pub fn wrong(&self) -> String {
        let near: Vec<String> = (-10..=10).map(|steps| self.near(steps)).collect();
        let digits = usize::try_from(self.digits).expect("a few digits");
        let shapes = (b'0'..=b'9').map(|digit| char::from(digit).to_string().repeat(digits));
        let mut free = shapes.filter(|code| !near.contains(code));
        free.next().expect("ten steps each way leave a code free")
    }

    fn near(&self, steps: i64) -> String {
        let offset = steps * i64::try_from(self.period).expect("a period");
        self.at(now().checked_add_signed(offset).expect("a time after 1970"))
    }

    /// Returns an `otpauth://` line for the account, with the account name `user`.
    pub fn uri(&self, user: &str) -> String {
        let Otp { key, algorithm, digits, period } = self;
        format!(
            "otpauth://totp/twinbox:{user}?secret={key}&issuer=twinbox\
             &algorithm={algorithm}&digits={digits}&period={period}"
        )
    }
}

/// A hardware token with a button (HOTP, RFC 4226), whose codes depend on a counter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The token's key in base32.
    pub key: String,
    /// Number of digits of a code.
    pub digits: u32,
}

impl Token {
    /// Creates a token with codes of six digits.
    pub fn new(key: &str) -> Token {
        Token { key: key.to_owned(), digits: 6 }
    }

    /// Returns the code for this value of the counter.
    pub fn at(&self, counter: u64) -> String {
        let output = Command::new("oathtool")
            .args(["--hotp", "--base32", "--digits", &self.digits.to_string()])
            .args(["-c", &counter.to_string(), &self.key])
            .output()
            .expect("oathtool (package oathtool) cannot be started");
        assert!(output.status.success(), "oathtool refuses {self:?}: {output:?}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Returns an `otpauth://` line for the token, with the account name `user`. `counter` is the counter of the next
    /// code.
    pub fn uri(&self, user: &str, counter: u64) -> String {
        let Token { key, digits } = self;
        format!(
            "otpauth://hotp/twinbox:{user}?secret={key}&issuer=twinbox&digits={digits}&counter={counter}"
        )
    }
}
