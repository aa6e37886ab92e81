//! English: messages about new backup codes.

use alloc::{format, string::String};

use crate::{
    message::new_codes::{NewCodes, Why},
    text::{code_lines, wrap},
};

#[expect(clippy::too_many_lines, reason = "a match whose arms are text")]
pub(in crate::text) fn say(message: &NewCodes) -> String {
    match message {
        NewCodes::Show { why, codes } => {
            let one = codes.0.len() == 1;
            format!(
                "\n{}\n\n{}\n{}\n{}",
                wrap(&because(why, one)),
                *code_lines(codes),
                if one {
                    "It works once, without your phone, and is shown only now. Write it down\n\
                     and keep it somewhere safe, not on this computer."
                } else {
                    "Each works once, without your phone. They are shown only now: write them\n\
                     down and keep them somewhere safe, not on this computer."
                },
                if one {
                    "Type the last four letters of the code to show that you have it: "
                } else {
                    "Type the last four letters of the last code to show that you have them: "
                }
            )
        }
        NewCodes::NotTheLast { left, count: 1 } => format!(
            "\nThose are not the last four letters of the code. {}\n\
             The code's last four letters: ",
            tries(*left)
        ),
        NewCodes::NotTheLast { left, .. } => format!(
            "\nThose are not the last four letters of the last code. {}\n\
             The last four letters of the last code: ",
            tries(*left)
        ),
        NewCodes::NothingTyped { count } => format!(
            "\nNothing was typed. Type the last four letters of {}, or press Enter\n\
             once more to stop: ",
            if *count == 1 { "the code" } else { "the last code" }
        ),
        NewCodes::InForce { count: 1 } => "Your new backup code works from now on.".into(),
        NewCodes::InForce { count } => {
            format!("Your {count} new backup codes work from now on.")
        }
        NewCodes::Later => {
            "These backup codes do not work. Your next login shows you new ones.".into()
        }
        NewCodes::Unsure => {
            "It is not certain that these codes work: keep them until your next login.".into()
        }
        NewCodes::OldOneStays => {
            "Nothing was changed: the new codes do not work, and your old code still does.".into()
        }
        NewCodes::TicketStays => {
            "Nothing was changed: the new codes do not work, and your ticket still does.".into()
        }
    }
}

fn tries(left: u8) -> String {
    if left == 1 { "1 try left.".into() } else { format!("{left} tries left.") }
}

fn because(why: &Why, one: bool) -> String {
    let (are, codes) = if one { ("is", "code") } else { ("are", "codes") };
    match why {
        Why::LastTyped => {
            format!(
                "That was your last backup code. Before it is used up, here {are} your new {codes}:"
            )
        }
        Why::SetUp { user, host } => format!(
            "That code is right: two-step verification is on for {user} on {host}. In case you \
             lose your phone, here {are} your backup {codes}:"
        ),
        Why::None if one => "You have no backup code. Here is a new one:".into(),
        Why::None => "You have no backup codes. Here are new ones:".into(),
        Why::First => format!("In case you lose your phone, here {are} your backup {codes}:"),
        Why::Given { by } => {
            format!(
                "{by} has made {} for you; the old ones no longer work:",
                if one { "a new backup code" } else { "new backup codes" }
            )
        }
        Why::Wished => format!("Your new backup {codes}, in place of the old ones:"),
    }
}
