//! A user who reads the screen: finds keys and codes on it, and decides what to type.

use crate::codes::Otp;
use crate::machine::Machine;

/// Length in characters of a backup code as it is shown.
const CODE: usize = 24;
const GROUP: usize = 4;

/// Returns an account with the last key on the screen; `None` if there is no key.
pub fn key_shown(screen: &str) -> Option<Otp> {
    let line = screen.lines().map(bare).rfind(|line| is_key(line))?;
    Some(Otp::new(&line.replace(' ', "")))
}

/// Returns all backup codes on the screen, in order.
pub fn codes_shown(screen: &str) -> Vec<String> {
    screen.split_whitespace().filter(|word| is_code(word)).map(str::to_owned).collect()
}

/// Returns the line without the prefix that plink adds, and without blanks at both ends.
pub(crate) fn bare(line: &str) -> &str {
    line.strip_prefix("| ").unwrap_or(line).trim()
}

/// Returns whether the line is a key as it is shown: eight groups of four characters.
pub(crate) fn is_key(line: &str) -> bool {
    let base32 = |group: &str| {
        group.len() == GROUP && group.bytes().all(|b| matches!(b, b'A'..=b'Z' | b'2'..=b'7'))
    };
    line.split(' ').count() == 8 && line.split(' ').all(base32)
}

/// Returns whether the word is a backup code as it is shown: five groups of four letters.
pub(crate) fn is_code(word: &str) -> bool {
    let letters =
        |group: &str| group.len() == GROUP && group.bytes().all(|b| b.is_ascii_uppercase());
    word.len() == CODE && word.split('-').all(letters)
}

impl Machine {
    /// Returns what `user` types for a word. `<code>` is the app's current code, `<next>` and `<later>` are the two
    /// codes after it, and `<wrong>` is an invalid code. `<first>` and `<second>` are codes of the key on the screen,
    /// and `<never>` is an invalid code of that key. `<slow>` is a code from seven minutes ago, and `<group>` the last
    /// group of the last backup code on the screen. Any other word is returned unchanged.
    pub fn typed(&self, user: &str, screen: &str, word: &str) -> String {
        match word {
            "<code>" => self.code(user),
            "<next>" => self.code_in(user, 1),
            "<later>" => self.code_in(user, 2),
            "<wrong>" => self.wrong_code(user),
            "<slow>" => key_shown(screen).map_or_else(String::new, |otp| otp.in_steps(-15)),
            "<first>" => key_shown(screen).map_or_else(String::new, |otp| otp.in_steps(0)),
            "<never>" => key_shown(screen).map_or_else(String::new, |otp| otp.wrong()),
            "<second>" => key_shown(screen).map_or_else(String::new, |otp| otp.in_steps(1)),
            "<group>" => codes_shown(screen)
                .last()
                .map(|code| code[CODE - GROUP..].to_owned())
                .unwrap_or_default(),
            _ => word.to_owned(),
        }
    }
}
