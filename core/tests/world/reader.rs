//! Reads codes and keys from the screen.

use twinlock_core::{
    base::{base32, time::UnixTime},
    otp::totp::step_at,
    record::{Authenticator, Period},
};

use super::apps::{authenticator, code_of};

/// Returns all backup codes on a screen. The letters of each are in groups of four, as they are shown.
pub fn codes(said: &str) -> Vec<String> {
    let is_code = |word: &&str| word.len() == 24 && word.split('-').all(|group| group.len() == 4);
    said.split_whitespace().filter(is_code).map(str::to_owned).collect()
}

/// Returns the last group of the last code on a screen.
pub fn last_group(said: &str) -> String {
    codes(said).last().map(|code| code[20..].to_owned()).unwrap_or_default()
}

/// Returns an app with the last key on a screen; `None` if there is none. A key is shown as eight groups of four
/// characters.
pub fn key(said: &str) -> Option<Authenticator> {
    let of_key = |line: &&str| {
        let groups: Vec<&str> = line.trim().split(' ').collect();
        groups.len() == 8 && groups.iter().all(|group| group.len() == 4)
    };
    let line = said.lines().rfind(of_key)?;
    Some(Authenticator { key: base32::parse(&line.replace(' ', "")).ok()?, ..authenticator() })
}

/// Returns the code of an app that was given the last key on a screen.
pub fn code_of_key(said: &str, unix: u64) -> String {
    key(said)
        .map_or_else(String::new, |key| code_of(&key, step_at(UnixTime(unix), Period::THIRTY).0))
}
