//! An authenticator app, as far as typing its codes goes: oathtool.

use std::thread::sleep;
use std::time::{Duration, SystemTime};

use crate::command::{Done, command, output};

const PERIOD: u64 = 30;

/// The app's account.
pub(crate) struct App {
    key: String,
}

impl App {
    /// An account with a key in base32.
    pub(crate) fn new(key: &str) -> Self {
        Self { key: key.to_owned() }
    }

    /// The code that is shown now.
    pub(crate) fn code(&self) -> Done<String> {
        self.code_of(step())
    }

    /// A code that is none of those that would be taken now or in a while.
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

/// The number of the period that is running.
pub(crate) fn step() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.unwrap_or_default().as_secs() / PERIOD
}

/// Waits until another period than this one is running.
pub(crate) fn wait_past(used: u64) {
    while step() == used {
        sleep(Duration::from_millis(200));
    }
}
