//! A person who reads the screen: the key and the codes that it shows, and what is typed because of them.

use crate::codes::Otp;
use crate::machine::Machine;

/// Letters of a backup code as it is shown, and of its last group.
const CODE: usize = 24;
const GROUP: usize = 4;

/// The last key that a screen shows, as typed into an app.
pub fn key_shown(screen: &str) -> Option<Otp> {
    let line = screen.lines().map(bare).rfind(|line| is_key(line))?;
    Some(Otp::new(&line.replace(' ', "")))
}

/// All backup codes that a screen shows, in order.
pub fn codes_shown(screen: &str) -> Vec<String> {
    screen.split_whitespace().filter(|word| is_code(word)).map(str::to_owned).collect()
}

/// A line without what plink puts in front of it, and without its margins.
pub(crate) fn bare(line: &str) -> &str {
    line.strip_prefix("| ").unwrap_or(line).trim()
}

/// Whether this is a key as it is shown: eight groups of four.
pub(crate) fn is_key(line: &str) -> bool {
    let base32 = |group: &str| {
        group.len() == GROUP && group.bytes().all(|b| matches!(b, b'A'..=b'Z' | b'2'..=b'7'))
    };
    line.split(' ').count() == 8 && line.split(' ').all(base32)
}

/// Whether this is a backup code as it is shown: five groups of four letters.
pub(crate) fn is_code(word: &str) -> bool {
    let letters =
        |group: &str| group.len() == GROUP && group.bytes().all(|b| b.is_ascii_uppercase());
    word.len() == CODE && word.split('-').all(letters)
}

impl Machine {
    /// What `user` types who reads the screen: `<code>` is the code that the own app shows, `<next>` and `<later>` the
    /// two after it, `<wrong>` none of its codes, `<first>` and `<second>` those of the key on the screen, `<never>` none
    /// of that key's, `<slow>` one seven minutes old, `<group>` the last group of the last code there. Everything else is
    /// typed as it is.
    pub fn typed(&self, user: &str, (screen, word): (&str, &str)) -> String {
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
