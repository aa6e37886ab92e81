//! The codes of an authenticator app, computed by oathtool.

use std::thread::sleep;
use std::time::{Duration, SystemTime};

use crate::command::{Done, command, output};

const PERIOD: u64 = 30;

/// An account in an authenticator app.
pub(crate) struct App {
    key: String,
}

impl App {
    /// Returns an account with a key in base32.
    pub(crate) fn new(key: &str) -> Self {
        Self { key: key.to_owned() }
    }

    /// Returns the current code.
    pub(crate) fn code(&self) -> Done<String> {
        self.code_of(step())
    }

    /// Returns a code that is not accepted now or in the next periods.
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

/// Returns the number of the current period of thirty seconds.
pub(crate) fn step() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.unwrap_or_default().as_secs() / PERIOD
}

/// Waits until the period number `used` is over.
pub(crate) fn wait_past(used: u64) {
    while step() == used {
        sleep(Duration::from_millis(200));
    }
}
