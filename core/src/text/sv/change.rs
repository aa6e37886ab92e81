//! Swedish: messages about changes after a correct code.

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
                "Nyckeln i din app har setts av {by} den {}: den ska bytas mot en som bara du \
                 känner till.",
                date(*at)
            )),
            begin(*left)
        ),
        Change::SeenElsewhere { by, at } => wrap(&format!(
            "Nyckeln i din app har setts av {by} den {}: logga in med ssh, eller vid datorn, för \
             att byta den.",
            date(*at)
        )),
        Change::SeenAgain { left } => {
            format!("\nDet är inte ordet starta.\n{}", begin(*left))
        }
        Change::Menu { changed, authenticators } => format!(
            "\nKoden är rätt. Senaste ändring: {}.\n  \
             1  Nya reservkoder (de gamla slutar gälla)\n  \
             2  En ny autentiseringsapp (den gamla nyckeln slutar gälla)\n  \
             3  En autentiseringsapp till, utöver det du har\n  \
             {}",
            date(*changed),
            if *authenticators > 1 {
                "4  Ta bort en av dina autentiseringsappar\n  \
                 5  Fortsätt\n\
                 Välj 1-5 (Enter fortsätter): "
            } else {
                "4  Fortsätt\n\
                 Välj 1-4 (Enter fortsätter): "
            }
        ),
        Change::NoSuchChoice => "\nDet är inget av valen.".into(),
        Change::Which { names, fate } => format!(
            "\nVilken ska {}?\n{}Välj (Enter: ingen): ",
            match fate {
                Fate::Replaced => "bytas",
                Fate::Removed => "tas bort",
            },
            choices(names)
        ),
        Change::SecondCode => {
            "\nFör att ändra något behövs en kod till: nästa som appen visar, eller en\n\
             reservkod. (Enter avbryter): "
                .into()
        }
        Change::SecondOfOld => {
            "\nDen nya nyckeln fungerar. För att ta bort den gamla, skriv nästa kod från\n\
             den GAMLA nyckeln, eller en reservkod. (Enter avbryter): "
                .into()
        }
        Change::SecondOfOther => {
            "\nDen nya nyckeln fungerar. För att lägga till den, skriv nästa kod från en\n\
             app som du hade förut, eller en reservkod. (Enter avbryter): "
                .into()
        }
        Change::SecondToRemove { name } => format!(
            "\n{}",
            wrap(&format!(
                "För att ta bort {}, skriv en kod till: nästa från någon av dina appar, eller en \
                 reservkod. (Enter avbryter):",
                plain(name)
            )) + " "
        ),
        Change::Name => "\nVad ska den heta? (Enter: app): ".into(),
        Change::Added => "Den nya nyckeln gäller från och med nu, utöver de andra.".into(),
        Change::WrongSecond { left } => {
            format!("\nKoden är fel. {left} försök kvar.\nNästa kod, eller en reservkod: ")
        }
        Change::UsedSecond { wait } => format!(
            "\nKoden är redan använd. Vänta på nästa ({}).\nNästa kod, eller en reservkod: ",
            duration(*wait)
        ),
        Change::NotACode => "\nDet är inte en giltig kod.\nNästa kod, eller en reservkod: ".into(),
        Change::Replaced { entry } => wrap(&format!(
            "Den nya nyckeln gäller från och med nu, den gamla inte längre. Ta bort den äldre \
             posten {} i appen.",
            plain(entry)
        )),
        Change::Removed { entry } => {
            wrap(&format!("Nyckeln gäller inte längre. Ta bort posten {} i appen.", plain(entry)))
        }
        Change::OldKeyStays => "Inget är ändrat: den gamla nyckeln gäller än.".into(),
        Change::Unchanged => "Inget är ändrat.".into(),
        Change::Remember { address, seconds } => format!(
            "\n{}\nSkriv ja, aldrig (fråga inte igen härifrån), eller tryck Enter för nej: ",
            wrap(&format!(
                "Kom ihåg den här enheten i {}? Då behövs ingen kod från {address} med den här \
                 ssh-nyckeln.",
                span(*seconds)
            ))
        ),
    }
}

fn begin(left: u8) -> String {
    match left {
        0 => "Skriv starta för att börja (Enter avbryter): ".into(),
        1 => "Skriv starta för att börja, eller Enter för att vänta en sista gång: ".into(),
        left => format!("Skriv starta för att börja, eller Enter för att vänta ({left} till): "),
    }
}

/// Returns a duration in words if it is a number of whole days, hours or minutes; otherwise as `2 h 5 min`.
fn span(seconds: u64) -> String {
    match spelled(seconds) {
        Some(Spelled::Days(1)) => "1 dag".into(),
        Some(Spelled::Days(days)) => format!("{days} dagar"),
        Some(Spelled::Hours(1)) => "1 timme".into(),
        Some(Spelled::Hours(hours)) => format!("{hours} timmar"),
        Some(Spelled::Minutes(1)) => "1 minut".into(),
        Some(Spelled::Minutes(minutes)) => format!("{minutes} minuter"),
        None => duration(seconds),
    }
}
