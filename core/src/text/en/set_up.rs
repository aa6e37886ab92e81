//! English: messages of the set-up.

use alloc::{format, string::String};

use crate::{
    message::set_up::{Beginning, Going, SameKey, SetUp},
    record::extras::AuditStamp,
    text::{clock, date, duration, minute, wrap},
};

#[expect(clippy::too_many_lines, reason = "a match whose arms are text")]
pub(in crate::text) fn say(message: &SetUp) -> String {
    match message {
        SetUp::Begin { user, reason, by, without, reset } => format!(
            "\n{}{}\n{APPS}\n{}{}",
            reset.as_ref().map(after_reset).unwrap_or_default(),
            why(user, reason.as_deref(), *without),
            ticket(*by, reset.as_ref()),
            begin(*by, *without)
        ),
        SetUp::BeginAgain { without } => {
            format!("\nThat is not the word \"start\".\n{}", begin(Beginning::Word, *without))
        }
        SetUp::TicketExpired => {
            "\nYour set-up ticket has expired. A new one is on its way to you by mail.".into()
        }
        SetUp::WrongTicket { left } => format!(
            "\nThat ticket is wrong or has expired. {}\n\
             Your set-up ticket (12 letters, Enter stops): ",
            if *left == 1 { "1 try left.".into() } else { format!("{left} tries left.") }
        ),
        SetUp::NotATicket => "\nThat is not a ticket: it has 12 letters, such as FEJT-QYCH-WGPV.\n\
             Your set-up ticket (12 letters, Enter stops): "
            .into(),
        SetUp::NeedsAPerson => {
            "Two-step verification is not set up: log in once from a terminal.".into()
        }
        SetUp::BegunBefore { at, source, key: SameKey::Same } => format!(
            "\n{}",
            wrap(&format!(
                "Set-up was begun at {} from {source}; this is the same key.",
                minute(*at)
            ))
        ),
        SetUp::BegunBefore { at, source, key: SameKey::Another } => format!(
            "\n{}",
            wrap(&format!(
                "Set-up was begun at {} from {source}, and not finished. The key shown then no \
                 longer works. If that was not you, tell your administrator.",
                minute(*at)
            ))
        ),
        SetUp::Scan => "\nIn your app, add an account and scan this QR code:\n".into(),
        SetUp::OrType { key } => format!(
            "If you cannot scan it, type this key into the app (time-based):\n    {}\n\
             (Type \"i\" if the app does not find the QR code, \"a\" for plain letters.)",
            key.as_str()
        ),
        SetUp::TypeKey { key } => format!(
            "\nIn your app, add an account and type this key (time-based):\n    {}",
            key.as_str()
        ),
        SetUp::AskCode { digits } => format!("{digits}-digit code that the app shows now: "),
        SetUp::WrongCode => {
            "\nThat code does not belong to this key. Look for the account that you have\n\
             just added to the app."
                .into()
        }
        SetUp::ClockOff { ahead } => format!(
            "\nThat code {} {}{}: set the clock of your phone by the\nnetwork, then type the code \
             shown.",
            if *ahead < 0 { "was right" } else { "will be right in" },
            duration(ahead.unsigned_abs()),
            if *ahead < 0 { " ago" } else { "" },
        ),
        SetUp::UsedCode { wait } => {
            format!("\nThat code was used already. Wait for the next one ({}).", duration(*wait))
        }
        SetUp::NotACode => "\nThat is not a code: type the digits that the app shows.".into(),
        SetUp::NothingTyped => {
            "\nNothing was typed. Type the code, or press Enter once more to stop.".into()
        }
        SetUp::TooMany { until: Some(until) } => format!(
            "Nothing was set up. Log in again before {} to go on with this key.",
            clock(*until)
        ),
        SetUp::TooMany { until: None } => {
            "Nothing was set up. Your next login starts again with another key.".into()
        }
        SetUp::NoTicket { user } => format!(
            "Nothing is set up without a ticket. Yours may be another user's, used, or\n\
             expired: ask your administrator for a new one\n\
             (twinlock invite {user})."
        ),
    }
}

const APPS: &str = "It takes about two minutes and an authenticator app, such as\n  \
                    Aegis, 2FAS, Google Authenticator  on a phone\n  \
                    Bitwarden                          on a phone or a computer\n  \
                    KeePassXC                          on a computer\n\
                    or any other app for time-based codes (TOTP).";

fn after_reset(reset: &AuditStamp) -> String {
    let (by, at) = (&reset.by, date(reset.at));
    wrap(&format!(
        "Two-step verification was reset by {by} on {at}: codes and apps set up before no longer work. Set it up again."
    )) + "\n"
}

/// Returns the sentence that says where the user finds the ticket; an empty text if set-up needs none. If the user was
/// reset, `reset` names the administrator.
fn ticket(by: Beginning, reset: Option<&AuditStamp>) -> String {
    match (by, reset) {
        (Beginning::Word, _) => String::new(),
        (Beginning::Ticket, Some(AuditStamp { by, .. })) => {
            wrap(&format!("Your ticket came to you by mail, or your administrator ({by}) has it."))
                + "\n"
        }
        (Beginning::Ticket, None) => {
            wrap("Your ticket came to you by mail, or your administrator has it.") + "\n"
        }
    }
}

fn why(user: &str, reason: Option<&str>, without: Going) -> String {
    const IS: &str = "two-step verification: besides the key or password, a code from your phone.";
    wrap(&match (reason, without) {
        (Some(reason), _) => reason.into(),
        (None, Going::No) => format!("To go on, {user} needs {IS}"),
        (None, Going::On(None)) => format!("{user} can be protected by {IS}"),
        (None, Going::On(Some(until))) => format!("From {} on, {user} needs {IS}", date(until)),
    })
}

fn begin(by: Beginning, without: Going) -> &'static str {
    match (by, without) {
        (Beginning::Word, Going::No) => "Type start to begin (Enter stops): ",
        (Beginning::Word, Going::On(_)) => {
            "Type start to set it up now, or press Enter to go on without: "
        }
        (Beginning::Ticket, Going::No) => {
            "Type your set-up ticket to begin (12 letters, Enter stops): "
        }
        (Beginning::Ticket, Going::On(_)) => {
            "Type your set-up ticket to begin, or press Enter to go on without: "
        }
    }
}
