//! Texts for users, in the configured language.
//!
//! May use: `base`, `event`, `message`, `policy`, `record`.

mod en;
mod sv;

use alloc::string::String;

use zeroize::Zeroizing;

use crate::{
    base::time::UnixTime,
    message::{
        Message,
        change::Change,
        new_codes::{Codes, NewCodes},
        own_account::OwnAccount,
        role::RoleMessage,
        set_up::SetUp,
    },
    policy::Language,
};

/// Returns, in `language`, the text of a login message.
#[must_use]
pub fn login(language: Language, message: &Message) -> String {
    match language {
        Language::English => en::login::say(message),
        Language::Swedish => sv::login::say(message),
    }
}

/// Returns, in `language`, the text of a set-up message.
#[must_use]
pub fn set_up(language: Language, message: &SetUp) -> String {
    match language {
        Language::English => en::set_up::say(message),
        Language::Swedish => sv::set_up::say(message),
    }
}

/// Returns, in `language`, the text of a message about new backup codes. The text contains the codes.
#[must_use]
pub fn new_codes(language: Language, message: &NewCodes) -> Zeroizing<String> {
    Zeroizing::new(match language {
        Language::English => en::new_codes::say(message),
        Language::Swedish => sv::new_codes::say(message),
    })
}

/// Returns, in `language`, the text of a message about a change that the user can make after a correct code.
#[must_use]
pub fn change(language: Language, message: &Change) -> String {
    match language {
        Language::English => en::change::say(message),
        Language::Swedish => sv::change::say(message),
    }
}

/// Returns, in `language`, the text of a message of the agent to a user about their own account.
#[must_use]
pub fn own_account(language: Language, message: &OwnAccount) -> String {
    match language {
        Language::English => en::own_account::say(message),
        Language::Swedish => sv::own_account::say(message),
    }
}

/// Returns, in `language`, the text of a message of the agent to a member of a role.
#[must_use]
pub fn role(language: Language, message: &RoleMessage) -> String {
    match language {
        Language::English => en::role::say(message),
        Language::Swedish => sv::role::say(message),
    }
}

/// Returns a duration for display in whole days if it is at least two days, and otherwise as [`duration`] does.
fn ago(seconds: u64) -> String {
    const DAY: u64 = 86_400;
    if seconds < 2 * DAY { duration(seconds) } else { alloc::format!("{} d", seconds / DAY) }
}

/// Returns a duration for display, such as `17 s`, `4 min 10 s`, `2 h 5 min`. These units are used in English and
/// Swedish.
#[must_use]
pub fn duration(seconds: u64) -> String {
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => alloc::format!("{seconds} s"),
        (0, minutes, 0) => alloc::format!("{minutes} min"),
        (0, minutes, seconds) => alloc::format!("{minutes} min {seconds} s"),
        (hours, 0, _) => alloc::format!("{hours} h"),
        (hours, minutes, _) => alloc::format!("{hours} h {minutes} min"),
    }
}

/// A whole number of days, hours or minutes, which each language writes out in words.
enum Spelled {
    Days(u64),
    Hours(u64),
    Minutes(u64),
}

/// Returns a duration as a whole number of days, hours or minutes, in the largest unit possible; `None` if it is 0 or
/// not a whole number of minutes.
fn spelled(seconds: u64) -> Option<Spelled> {
    let whole = |unit: u64| (seconds > 0 && seconds.is_multiple_of(unit)).then(|| seconds / unit);
    whole(86_400)
        .map(Spelled::Days)
        .or_else(|| whole(3600).map(Spelled::Hours))
        .or_else(|| whole(60).map(Spelled::Minutes))
}

/// Returns a time of day for display, such as `14:03:27 UTC`.
fn clock(at: UnixTime) -> String {
    let (hours, minutes, seconds) = at.clock();
    alloc::format!("{hours:02}:{minutes:02}:{seconds:02} UTC")
}

/// Returns a time of day without seconds for display, such as `14:03 UTC`.
fn minute(at: UnixTime) -> String {
    let (hours, minutes, _) = at.clock();
    alloc::format!("{hours:02}:{minutes:02} UTC")
}

/// Returns a date for display, such as `2026-03-02`.
fn date(at: UnixTime) -> String {
    let (year, month, day) = at.date();
    alloc::format!("{year:04}-{month:02}-{day:02}")
}

/// Returns backup codes for display, one per line. Numbers the lines if there are several.
fn code_lines(codes: &Codes) -> Zeroizing<String> {
    let mut lines = Zeroizing::new(String::with_capacity(codes.0.len() * 40));
    for (number, code) in (1..).zip(&codes.0) {
        if codes.0.len() == 1 {
            lines.push_str("    ");
        } else {
            lines.push_str(&alloc::format!("{number:>4}  "));
        }
        lines.push_str(code);
        lines.push('\n');
    }
    lines
}

/// Returns choices for display, one per line, each with its number from 1.
fn choices(names: &[String]) -> String {
    let line = |(number, name): (usize, &String)| alloc::format!("  {number}  {}\n", plain(name));
    (1..).zip(names).map(line).collect()
}

/// Returns at most 60 characters of a name, without terminal control characters.
fn plain(name: &str) -> String {
    name.chars().filter(|letter| !letter.is_control()).take(60).collect()
}

/// Wraps a text into lines of at most 76 characters.
fn wrap(text: &str) -> String {
    let mut wrapped = String::with_capacity(text.len() + 8);
    let mut column = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > 76 {
            wrapped.push('\n');
            column = 0;
        } else if column > 0 {
            wrapped.push(' ');
            column += 1;
        }
        wrapped.push_str(word);
        column += length;
    }
    wrapped
}

#[cfg(test)]
mod tests;
