//! Swedish: what is said when somebody changes something behind a right code, or has to.

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
                "Nyckeln i din app har setts av {by} den {}: den ska bytas mot en som bara du \
                 känner till.",
                date(*at)
            )),
            match left {
                0 => "Skriv starta för att börja (Enter avbryter): ".into(),
                1 => "Skriv starta för att börja, eller Enter för att vänta en sista gång: ".into(),
                left => {
                    format!("Skriv starta för att börja, eller Enter för att vänta ({left} till): ")
                }
            }
        ),
        Change::Menu { changed } => format!(
            "\nKoden är rätt. Senaste ändring: {}.\n  \
             1  Nya reservkoder (de gamla slutar gälla)\n  \
             2  En ny autentiseringsapp (den gamla nyckeln slutar gälla)\n  \
             3  En autentiserare till, vid sidan av de du har\n  \
             4  Fortsätt\n\
             Välj 1-4: ",
            date(*changed)
        ),
        Change::Which { names } => format!("\nVilken ska bytas?\n{}Välj: ", choices(names)),
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
        Change::Name => "\nVad ska den heta? (Enter: app): ".into(),
        Change::Added => "Den nya nyckeln gäller från och med nu, vid sidan av de andra.".into(),
        Change::WrongSecond { left } => {
            format!("\nKoden är fel. {left} försök kvar.\nNästa kod, eller en reservkod: ")
        }
        Change::UsedSecond { wait } => format!(
            "\nKoden är redan använd. Vänta på nästa ({}).\nNästa kod, eller en reservkod: ",
            duration(*wait)
        ),
        Change::NotACode => "\nDet där är ingen kod.\nNästa kod, eller en reservkod: ".into(),
        Change::Replaced => "Den nya nyckeln gäller från och med nu, den gamla inte längre.".into(),
        Change::OldKeyStays => "Inget är ändrat: den gamla nyckeln gäller än.".into(),
        Change::Unchanged => "Inget är ändrat.".into(),
        Change::Remember { address, seconds } => format!(
            "\n{}\nSkriv ja (Enter: nej): ",
            wrap(&format!(
                "Ska ingen kod behövas från {address} med den här ssh-nyckeln under {}?",
                duration(*seconds)
            ))
        ),
    }
}
