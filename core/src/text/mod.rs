//! Words for people, in the language of the settings.

mod en;
pub mod mail;
mod sv;

use alloc::string::String;

use crate::{message::Message, policy::Language};

/// What is said during a login.
#[must_use]
pub fn login(language: Language, message: &Message) -> String {
    match language {
        Language::English => en::login::say(message),
        Language::Swedish => sv::login::say(message),
    }
}

/// A duration for eyes: `17 s`, `4 min 10 s`, `2 h 5 min`; the units are those of both languages.
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

/// A time of day for eyes.
fn clock(at: crate::time::UnixTime) -> String {
    let (hours, minutes, seconds) = at.clock();
    alloc::format!("{hours:02}:{minutes:02}:{seconds:02} UTC")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Resynced;
    use crate::message::Ways;
    use crate::time::UnixTime;

    fn all() -> [Message; 34] {
        let user = || "a".repeat(32);
        [
            Message::AskCode,
            Message::AskPasswordAndCode,
            Message::OtherWays(Ways::All),
            Message::OtherWays(Ways::AppOnly),
            Message::AskBackupCode,
            Message::NotAccepted,
            Message::Wrong { left: 2 },
            Message::Wrong { left: 1 },
            Message::Wrong { left: 0 },
            Message::NotACode,
            Message::NoSuchWay(Ways::All),
            Message::NoSuchWay(Ways::AppOnly),
            Message::Replayed { wait: 17 },
            Message::BeforeEpoch { wait: 599 },
            Message::BeforeEpoch { wait: 86_399 },
            Message::Replayed { wait: 0 },
            Message::Spent,
            Message::CodesLeft { left: 0 },
            Message::CodesLeft { left: 1 },
            Message::CodesLeft { left: 9 },
            Message::ClockOff { ahead: -86_370, wait: Some(86_370) },
            Message::ClockOff { ahead: 570, wait: None },
            Message::ClockOff { ahead: 570, wait: Some(86_370) },
            Message::ClockOff { ahead: 0, wait: Some(86_370) },
            Message::ClockOff { ahead: 0, wait: None },
            Message::Resynced(Resynced::Clock { steps: -2879, seconds: -86_370 }),
            Message::Resynced(Resynced::Clock { steps: 0, seconds: 0 }),
            Message::Resynced(Resynced::Counter { skipped: 99 }),
            Message::MachineFault { user: user() },
            Message::Throttled { until: UnixTime(1_800_000_000), wait: 900 },
            Message::Locked { user: user() },
            Message::NotEnrolled { user: user() },
            Message::RecordUnreadable { user: user() },
            Message::RecordUnwritable { user: user() },
        ]
    }

    #[test]
    fn lines_fit_a_terminal_and_prompts_their_clients() {
        for language in [Language::English, Language::Swedish] {
            for message in all() {
                let said = login(language, &message);
                let longest = said.lines().map(|line| line.chars().count()).max();
                assert!(longest.unwrap() <= 78, "{said}");
                assert!(said.len() < 1024 && !said.contains('\u{1b}'));
            }
        }
    }

    #[test]
    fn durations_read_well() {
        for (seconds, text) in [
            (0, "0 s"),
            (17, "17 s"),
            (60, "1 min"),
            (250, "4 min 10 s"),
            (7500, "2 h 5 min"),
            (3600, "1 h"),
        ] {
            assert_eq!(duration(seconds), text);
        }
    }
}
