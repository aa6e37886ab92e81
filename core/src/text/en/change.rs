//! English: what is said when somebody changes something behind a right code, or has to.

use alloc::{format, string::String};

use crate::{
    message::change::Change,
    text::{choices, date, duration, wrap},
};

#[expect(clippy::too_many_lines, reason = "a match whose arms are text")]
pub(in crate::text) fn say(message: &Change) -> String {
    match message {
        Change::Seen { by, at, left } => format!(
            "\n{}\n{}",
            wrap(&format!(
                "The key in your app was seen by {by} on {}: it is to be replaced by one that \
                 only you know.",
                date(*at)
            )),
            match left {
                0 => "Type start to begin (Enter stops): ".into(),
                1 => "Type start to begin, or press Enter to put it off once more: ".into(),
                left => {
                    format!(
                        "Type start to begin, or press Enter to put it off ({left} more times): "
                    )
                }
            }
        ),
        Change::Menu { changed } => format!(
            "\nThat code is right. Last change: {}.\n  \
             1  New backup codes (the old ones stop working)\n  \
             2  A new authenticator app (the old key stops working)\n  \
             3  One more authenticator, beside those that you have\n  \
             4  Go on\n\
             Choose 1-4: ",
            date(*changed)
        ),
        Change::Which { names } => {
            format!("\nWhich one is to be replaced?\n{}Choose: ", choices(names))
        }
        Change::SecondCode => {
            "\nTo change anything takes one more code: the next that your app shows,\n\
             or a backup code. (Enter stops): "
                .into()
        }
        Change::SecondOfOld => {
            "\nThe new key works. To drop the old one, type one more code of the OLD key,\n\
             the next that the app shows, or a backup code. (Enter stops): "
                .into()
        }
        Change::SecondOfOther => {
            "\nThe new key works. To add it, type one more code of an app that you had\n\
             before, the next that it shows, or a backup code. (Enter stops): "
                .into()
        }
        Change::Name => "\nWhat is it to be called? (Enter: app): ".into(),
        Change::Added => "The new key works from now on, beside the others.".into(),
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
        Change::Replaced => "The new key works from now on, the old one no more.".into(),
        Change::OldKeyStays => "Nothing was changed: the old key still works.".into(),
        Change::Unchanged => "Nothing was changed.".into(),
        Change::Remember { address, seconds } => format!(
            "\n{}\nType yes (Enter: no): ",
            wrap(&format!(
                "Ask for no code from {address} with this ssh key for {}?",
                duration(*seconds)
            ))
        ),
    }
}
