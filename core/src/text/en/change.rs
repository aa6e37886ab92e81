//! English: messages about changes after a correct code.

use alloc::{format, string::String};

use crate::{
    message::change::{Change, Fate},
    text::{Spelled, choices, date, duration, plain, spelled, wrap},
};

#[expect(clippy::too_many_lines, reason = "a match whose arms are text")]
pub(in crate::text) fn say(message: &Change) -> String {
    match message {
        Change::Seen { by, at, left } => format!(
            "\n{}\n{}",
            wrap(&format!(
                "The key in your app was seen by {by} on {}: replace it with one that only you \
                 know.",
                date(*at)
            )),
            begin(*left)
        ),
        Change::SeenElsewhere { by, at } => wrap(&format!(
            "The key in your app was seen by {by} on {}: to replace it, log in by ssh or at the \
             console.",
            date(*at)
        )),
        Change::SeenAgain { left } => {
            format!("\nThat is not the word \"start\".\n{}", begin(*left))
        }
        Change::Menu { changed, authenticators } => format!(
            "\nThat code is right. Last change: {}.\n  \
             1  New backup codes (the old ones stop working)\n  \
             2  A new authenticator app (the old key stops working)\n  \
             3  One more authenticator, in addition to what you have\n  \
             {}",
            date(*changed),
            if *authenticators > 1 {
                "4  Remove one of your authenticators\n  \
                 5  Go on\n\
                 Choose 1-5 (Enter goes on): "
            } else {
                "4  Go on\n\
                 Choose 1-4 (Enter goes on): "
            }
        ),
        Change::NoSuchChoice => "\nThat is none of the choices.".into(),
        Change::Which { names, fate } => format!(
            "\nWhich one is to be {}?\n{}Choose (Enter: none): ",
            match fate {
                Fate::Replaced => "replaced",
                Fate::Removed => "removed",
            },
            choices(names)
        ),
        Change::SecondCode => {
            "\nTo change anything, type one more code: the next that your app shows,\n\
             or a backup code. (Enter stops): "
                .into()
        }
        Change::SecondOfOld => {
            "\nThe new key works. To remove the old one, type the next code of the OLD key,\n\
             or a backup code. (Enter stops): "
                .into()
        }
        Change::SecondOfOther => {
            "\nThe new key works. To add it, type the next code of an app that you had\n\
             before, or a backup code. (Enter stops): "
                .into()
        }
        Change::SecondToRemove { name } => format!(
            "\n{}",
            wrap(&format!(
                "To remove {}, type the next code of any of your apps, or a backup code. (Enter \
                 stops):",
                plain(name)
            )) + " "
        ),
        Change::Name => "\nWhat should it be called? (Enter: app): ".into(),
        Change::Added => "The new key works from now on, in addition to the others.".into(),
        Change::WrongSecond { left } => format!(
            "\nThat code is wrong. {}\nThe next code, or a backup code: ",
            if *left == 1 { "1 try left.".into() } else { format!("{left} tries left.") }
        ),
        Change::UsedSecond { wait } => format!(
            "\nThat code was used already. Wait for the next one ({}).\n\
             The next code, or a backup code: ",
            duration(*wait)
        ),
        Change::NotACode => "\nThat is not a code.\nThe next code, or a backup code: ".into(),
        Change::Replaced { entry } => wrap(&format!(
            "The new key works from now on, the old one no longer. In your app, delete the \
             older entry {}.",
            plain(entry)
        )),
        Change::Removed { entry } => wrap(&format!(
            "That key no longer works. In the app, delete the entry {}.",
            plain(entry)
        )),
        Change::OldKeyStays => "Nothing was changed: the old key still works.".into(),
        Change::Unchanged => "Nothing was changed.".into(),
        Change::Remember { address, seconds } => format!(
            "\n{}\nType yes, never (do not ask again from here), or press Enter for no: ",
            wrap(&format!(
                "Remember this device for {}? Then no code is asked for from {address} with this \
                 ssh key.",
                span(*seconds)
            ))
        ),
    }
}

fn begin(left: u8) -> String {
    match left {
        0 => "Type start to begin (Enter stops): ".into(),
        1 => "Type start to begin, or press Enter to put it off once more: ".into(),
        left => {
            format!("Type start to begin, or press Enter to put it off ({left} more times): ")
        }
    }
}

/// Returns a duration in words if it is a number of whole days, hours or minutes; otherwise as `2 h 5 min`.
fn span(seconds: u64) -> String {
    match spelled(seconds) {
        Some(Spelled::Days(1)) => "1 day".into(),
        Some(Spelled::Days(days)) => format!("{days} days"),
        Some(Spelled::Hours(1)) => "1 hour".into(),
        Some(Spelled::Hours(hours)) => format!("{hours} hours"),
        Some(Spelled::Minutes(1)) => "1 minute".into(),
        Some(Spelled::Minutes(minutes)) => format!("{minutes} minutes"),
        None => duration(seconds),
    }
}
