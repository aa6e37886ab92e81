//! English: messages of a login.

use alloc::{format, string::String};

use crate::{
    event::Resynced,
    message::{Message, Ways},
    text::{clock, date, duration},
};

#[expect(clippy::too_many_lines, reason = "a match whose arms are text")]
pub(in crate::text) fn say(message: &Message) -> String {
    match message {
        Message::AskCode => "Verification code (? for other ways): ".into(),
        Message::AskCodeOrTicket => "Verification code or ticket (? for other ways): ".into(),
        Message::AskTicket => "Ticket for new backup codes (12 letters): ".into(),
        Message::AskPasswordAndCode => "Password & verification code: ".into(),
        Message::OtherWays(Ways::Everybodys) => "\nOther ways to sign in:\n  \
             1  Code from your authenticator app\n  \
             2  One-time backup code\n  \
             3  Stop\n\
             Choose 1-3: "
            .into(),
        Message::OtherWays(Ways::WithCodes) => "\nOther ways to sign in:\n  \
             1  Code from your authenticator app\n  \
             2  One-time backup code\n  \
             3  Stop\n  \
             4  Sign in and change something: new backup codes, a new app\n\
             Choose 1-4: "
            .into(),
        Message::OtherWays(Ways::AppOnly) => "\nOther ways to sign in:\n  \
             1  Code from your authenticator app\n  \
             3  Stop\n  \
             4  Sign in and change something: new backup codes, a new app\n\
             No phone at hand? Your administrator can help (twinlock bypass, twinlock\n\
             reset).\n\
             Choose 1, 3 or 4: "
            .into(),
        Message::OtherWays(Ways::WithTicket) => "\nOther ways to sign in:\n  \
             1  Code from your authenticator app\n  \
             3  Stop\n  \
             4  Sign in and change something: new backup codes, a new app\n  \
             5  Ticket for new backup codes, from a mail or your administrator\n\
             Choose 1, 3, 4 or 5: "
            .into(),
        Message::AskBackupCode => "One-time backup code: ".into(),
        Message::NotAccepted => "That was not accepted.".into(),
        Message::Wrong { left: 0 } => "That code is wrong.".into(),
        Message::Wrong { left: 1 } => "That code is wrong. 1 try left.".into(),
        Message::Wrong { left } => format!("That code is wrong. {left} tries left."),
        Message::NotACode => "That is not a code. The app shows 6 to 8 digits.".into(),
        Message::NoBypass => {
            "You have no valid bypass code (nine digits). The app shows 6 to 8 digits.".into()
        }
        Message::NoTicket => {
            "You have no valid ticket (twelve letters) here.".into()
        }
        Message::NoSuchWay(Ways::Everybodys) => {
            "That was none of the choices (1, 2 or 3). Type ? to see them again.".into()
        }
        Message::NoSuchWay(Ways::WithCodes) => {
            "That was none of the choices (1, 2, 3 or 4). Type ? to see them again.".into()
        }
        Message::NoSuchWay(Ways::AppOnly) => {
            "That was none of the choices (1, 3 or 4). Type ? to see them again.".into()
        }
        Message::NoSuchWay(Ways::WithTicket) => {
            "That was none of the choices (1, 3, 4 or 5). Type ? to see them again.".into()
        }
        Message::NotAChoice => "\nThat is none of the choices.".into(),
        Message::Replayed { wait: 0 } => {
            "That code was used already. Type the one shown now (token: press its button).".into()
        }
        Message::Replayed { wait } => {
            format!("That code was used already. Wait for the next one ({}).", duration(*wait))
        }
        Message::Spent => "That backup code was used already: each works once.".into(),
        Message::CodesLeft { left: 0 } => "That was your last backup code.".into(),
        Message::CodesLeft { left: 1 } => "You have 1 backup code left.".into(),
        Message::CodesLeft { left } => format!("You have {left} backup codes left."),
        Message::FewCodesLeft { left: 0 } => "That was your last backup code.".into(),
        Message::FewCodesLeft { left } => format!(
            "You have {} left. For new ones, type ? at the next login, then 4.",
            if *left == 1 { "1 backup code".into() } else { format!("{left} backup codes") }
        ),
        Message::BeforeEpoch { ahead: Some(until), .. } => format!(
            "The clock of this machine was ahead until {}, {}.\n\
             Ask your administrator (twinlock epoch now).",
            date(*until),
            clock(*until)
        ),
        Message::BeforeEpoch { wait: 600.., .. } => {
            "The clock of this machine does not match its list of used codes.\nAsk your administrator (twinlock why).".into()
        }
        Message::BeforeEpoch { wait, .. } => format!(
            "This machine has just started and cannot know whether that code was used.\n\
             Wait for a newer one ({}).",
            duration(*wait)
        ),
        Message::ClockOff { ahead: 0, wait: Some(wait) } => format!(
            "Your app's clock is right again, but this machine has not adjusted to it yet.\n\
             Wait {}, then type two codes in a row.",
            duration(*wait)
        ),
        Message::ClockOff { ahead: 0, wait: None } => {
            "Your app's clock is right again, but this machine has not adjusted to it yet.\n\
             Ask your administrator (twinlock why)."
                .into()
        }
        Message::ClockOff { ahead, wait } => format!(
            "That code {} {}{}: check the clock of your phone.{}",
            if *ahead < 0 { "was right" } else { "will be right in" },
            duration(ahead.unsigned_abs()),
            if *ahead < 0 { " ago" } else { "" },
            wait.map_or_else(String::new, |wait| format!(
                "\nOr wait {}, then type two codes in a row.",
                duration(wait)
            ))
        ),
        Message::Resynced(Resynced::Clock { seconds: 0, .. }) => {
            "The clock of your phone is right again, and this machine has noted it.".into()
        }
        Message::Resynced(Resynced::Clock { seconds, .. }) => format!(
            "\nThe clock of your phone is about {} {}. This machine has noted it,\n\
             but let your phone set its clock by the network.",
            duration(seconds.unsigned_abs()),
            if *seconds < 0 { "slow" } else { "fast" }
        ),
        Message::Resynced(Resynced::Counter { skipped }) => format!(
            "\nThe button of your token was pressed {skipped} times without a login.\n\
             This machine has noted it: one code is enough again."
        ),
        Message::Throttled { until, wait } => {
            format!("Too many wrong codes. Try again at {} (in {}).", clock(*until), duration(*wait))
        }
        Message::Locked { user } => format!(
            "Too many wrong codes in a row. Sign in from a place you have used before,\n\
             or ask your administrator (twinlock unlock {user})."
        ),
        Message::NotEnrolled { user } => format!(
            "\nThis machine asks for a code from an authenticator app, and none is set up.\n\
             Ask your administrator (twinlock enroll {user}).\n\
             Press Enter to end: "
        ),
        Message::RecordUnreadable { user } => format!(
            "\nYour record cannot be read. Ask your administrator\n\
             (twinlock why {user}).\n\
             Press Enter to end: "
        ),
        Message::RecordUnwritable { user } => format!(
            "\nThat code is right, but this machine cannot record that it is used.\n\
             Ask your administrator (twinlock why {user}).\n\
             Press Enter to end: "
        ),
        Message::CallerNotRoot => "\nThis program does not run as root, so it cannot check codes.\n\
             Ask your administrator (reason caller_not_root in the log).\n\
             Press Enter to end: "
            .into(),
        Message::MachineFault { user } => format!(
            "\nThis machine cannot check codes just now. Ask your administrator\n\
             (twinlock why {user}).\n\
             Press Enter to end: "
        ),
        Message::Overtaken => {
            "Your account was changed at the same time, from elsewhere: log in again.".into()
        }
        Message::Elsewhere => {
            "This program cannot ask all that is needed: log in by ssh or at the console.".into()
        }
        Message::PressEnter => "Press Enter to end: ".into(),
    }
}
