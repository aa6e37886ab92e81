//! Codes of an authenticator app, computed by oathtool.

use std::thread::sleep;
use std::time::{Duration, SystemTime};

use crate::command::{Done, command, output};

const PERIOD: u64 = 30;

/// An account in an authenticator app.
pub(crate) struct App {
    key: String,
}

impl App {
    /// Creates an account with this key in base32, six digits and periods of thirty seconds.
    pub(crate) fn new(key: &str) -> Self {
        Self { key: key.to_owned() }
    }

    /// Returns the code of the current period.
    pub(crate) fn code(&self) -> Done<String> {
        self.code_of(step())
    }

    /// Returns a code that is wrong in the current period, in the two periods before it, and in the three periods after
    /// it.
    pub(crate) fn wrong_code(&self) -> Done<String> {
        let now = step();
        let near = (now - 2..now + 4).map(|step| self.code_of(step)).collect::<Done<Vec<_>>>()?;
        let tried = ["000000", "111111", "222222", "333333", "444444", "555555", "666666"];
        let free = tried.iter().find(|code| !near.iter().any(|taken| taken == *code));
        free.map(|code| (*code).to_owned()).ok_or_else(|| "Every code is right.".into())
    }

    fn code_of(&self, step: u64) -> Done<String> {
        let at = format!("@{}", step * PERIOD);
        let words = ["--totp", "--base32", "--now", &at, &self.key];
        Ok(output(&mut command("oathtool", &words))?.trim().to_owned())
    }
}

/// Returns the number of the current period of thirty seconds, counted from 1970-01-01 00:00 UTC.
pub(crate) fn step() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.unwrap_or_default().as_secs() / PERIOD
}

/// Waits until the period with the number `used` is over.
pub(crate) fn wait_past(used: u64) {
    while step() == used {
        sleep(Duration::from_millis(200));
    }
}
