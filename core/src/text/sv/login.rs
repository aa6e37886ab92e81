//! Swedish: messages of a login.

use alloc::{format, string::String};

use crate::{
    event::Resynced,
    message::{Message, Ways},
    text::{clock, date, duration},
};

#[expect(clippy::too_many_lines, reason = "a match whose arms are text")]
pub(in crate::text) fn say(message: &Message) -> String {
    match message {
        Message::AskCode => "Verifieringskod (? för andra sätt): ".into(),
        Message::AskCodeOrTicket => "Verifieringskod eller biljett (? för andra sätt): ".into(),
        Message::AskTicket => "Biljett för nya reservkoder (12 bokstäver): ".into(),
        Message::AskPasswordAndCode => "Lösenord och verifieringskod: ".into(),
        Message::OtherWays(Ways::Everybodys) => "\nAndra sätt att logga in:\n  \
             1  Kod från din autentiseringsapp\n  \
             2  Reservkod\n  \
             3  Avbryt\n\
             Välj 1-3: "
            .into(),
        Message::OtherWays(Ways::WithCodes) => "\nAndra sätt att logga in:\n  \
             1  Kod från din autentiseringsapp\n  \
             2  Reservkod\n  \
             3  Avbryt\n  \
             4  Logga in och ändra något: nya reservkoder, en ny app\n\
             Välj 1-4: "
            .into(),
        Message::OtherWays(Ways::AppOnly) => "\nAndra sätt att logga in:\n  \
             1  Kod från din autentiseringsapp\n  \
             3  Avbryt\n  \
             4  Logga in och ändra något: nya reservkoder, en ny app\n\
             Ingen telefon till hands? Din administratör kan hjälpa dig\n\
             (twinlock bypass, twinlock reset).\n\
             Välj 1, 3 eller 4: "
            .into(),
        Message::OtherWays(Ways::WithTicket) => "\nAndra sätt att logga in:\n  \
             1  Kod från din autentiseringsapp\n  \
             3  Avbryt\n  \
             4  Logga in och ändra något: nya reservkoder, en ny app\n  \
             5  Biljett för nya reservkoder, ur ett brev eller från din administratör\n\
             Välj 1, 3, 4 eller 5: "
            .into(),
        Message::AskBackupCode => "Reservkod: ".into(),
        Message::NotAccepted => "Det godtogs inte.".into(),
        Message::Wrong { left: 0 } => "Fel kod.".into(),
        Message::Wrong { left: 1 } => "Fel kod. 1 försök kvar.".into(),
        Message::Wrong { left } => format!("Fel kod. {left} försök kvar."),
        Message::NotACode => "Det är inte en giltig kod. Appen visar 6 till 8 siffror.".into(),
        Message::NoBypass => {
            "Du har ingen tillfällig kod (nio siffror) som gäller. Appen visar 6 till 8.".into()
        }
        Message::NoTicket => {
            "Du har ingen biljett (tolv bokstäver) som gäller här.".into()
        }
        Message::NoSuchWay(Ways::Everybodys) => {
            "Det var inget av valen (1, 2 eller 3). Skriv ? för att se dem igen.".into()
        }
        Message::NoSuchWay(Ways::WithCodes) => {
            "Det var inget av valen (1, 2, 3 eller 4). Skriv ? för att se dem igen.".into()
        }
        Message::NoSuchWay(Ways::AppOnly) => {
            "Det var inget av valen (1, 3 eller 4). Skriv ? för att se dem igen.".into()
        }
        Message::NoSuchWay(Ways::WithTicket) => {
            "Det var inget av valen (1, 3, 4 eller 5). Skriv ? för att se dem igen.".into()
        }
        Message::NotAChoice => "\nDet är inget av valen.".into(),
        Message::Replayed { wait: 0 } => {
            "Koden är redan använd. Skriv den som visas nu; på en dosa, tryck på knappen.".into()
        }
        Message::Replayed { wait } => {
            format!("Koden är redan använd. Vänta på nästa ({}).", duration(*wait))
        }
        Message::Spent => "Reservkoden är redan använd: var och en gäller en gång.".into(),
        Message::CodesLeft { left: 0 } => "Det var din sista reservkod.".into(),
        Message::CodesLeft { left: 1 } => "Du har 1 reservkod kvar.".into(),
        Message::CodesLeft { left } => format!("Du har {left} reservkoder kvar."),
        Message::FewCodesLeft { left: 0 } => "Det var din sista reservkod.".into(),
        Message::FewCodesLeft { left } => format!(
            "Du har {} kvar. För nya, skriv ? vid nästa inloggning och sedan 4.",
            if *left == 1 { "1 reservkod".into() } else { format!("{left} reservkoder") }
        ),
        Message::BeforeEpoch { ahead: Some(until), .. } => format!(
            "Datorns klocka gick före, till {} {}.\n\
             Fråga din administratör (twinlock epoch now).",
            date(*until),
            clock(*until)
        ),
        Message::BeforeEpoch { wait: 600.., .. } => {
            "Datorns klocka stämmer inte med vad den minns om använda koder.\nBe din administratör om hjälp (twinlock why).".into()
        }
        Message::BeforeEpoch { wait, .. } => format!(
            "Datorn har nyss startat och kan inte veta om koden är använd.\n\
             Vänta på en nyare ({}).",
            duration(*wait)
        ),
        Message::ClockOff { ahead: 0, wait: Some(wait) } => format!(
            "Koderna gäller just nu, men datorn räknar med en klocka som gick fel.\n\
             Vänta {} och skriv sedan två koder i rad.",
            duration(*wait)
        ),
        Message::ClockOff { ahead: 0, wait: None } => {
            "Koderna gäller just nu, men datorn räknar med en klocka som gick fel.\n\
             Be din administratör om hjälp (twinlock why)."
                .into()
        }
        Message::ClockOff { ahead, wait } => format!(
            "{} {}{}: kontrollera telefonens klocka.{}",
            if *ahead < 0 { "Koden gällde för" } else { "Koden gäller först om" },
            duration(ahead.unsigned_abs()),
            if *ahead < 0 { " sedan" } else { "" },
            wait.map_or_else(String::new, |wait| format!(
                "\nEller vänta {} och skriv sedan två koder i rad.",
                duration(wait)
            ))
        ),
        Message::Resynced(Resynced::Clock { seconds: 0, .. }) => {
            "Telefonens klocka går rätt igen, och det är noterat.".into()
        }
        Message::Resynced(Resynced::Clock { seconds, .. }) => format!(
            "\nTelefonens klocka går ungefär {} {}. Det är noterat,\n\
             men låt helst telefonen ställa klockan efter nätet.",
            duration(seconds.unsigned_abs()),
            if *seconds < 0 { "efter" } else { "före" }
        ),
        Message::Resynced(Resynced::Counter { skipped }) => format!(
            "\nKnappen på din dosa trycktes {skipped} gånger utan inloggning.\n\
             Det är noterat; nästa kod räcker ensam igen."
        ),
        Message::Throttled { until, wait } => format!(
            "För många felaktiga koder. Försök igen {} (om {}).",
            clock(*until),
            duration(*wait)
        ),
        Message::Locked { user } => format!(
            "För många felaktiga koder i rad. Logga in från en plats du har använt\n\
             förut, eller be din administratör om hjälp\n\
             (twinlock unlock {user})."
        ),
        Message::NotEnrolled { user } => format!(
            "\nDen här datorn kräver en kod från en autentiseringsapp, och du har ingen.\n\
             Be din administratör om hjälp\n\
             (twinlock enroll {user}).\n\
             Tryck Enter för att avsluta: "
        ),
        Message::RecordUnreadable { user } => format!(
            "\nDina uppgifter kan inte läsas. Be din administratör om hjälp\n\
             (twinlock why {user}).\n\
             Tryck Enter för att avsluta: "
        ),
        Message::RecordUnwritable { user } => format!(
            "\nKoden är rätt, men datorn kan inte skriva upp att den är använd.\n\
             Be din administratör om hjälp (twinlock why {user}).\n\
             Tryck Enter för att avsluta: "
        ),
        Message::CallerNotRoot => "\nProgrammet körs inte som root och kan därför inte kontrollera koder.\n\
             Be din administratör om hjälp (caller_not_root i loggen).\n\
             Tryck Enter för att avsluta: "
            .into(),
        Message::MachineFault { user } => format!(
            "\nDatorn kan inte kontrollera koder just nu. Be din administratör om hjälp\n\
             (twinlock why {user}).\n\
             Tryck Enter för att avsluta: "
        ),
        Message::Overtaken => {
            "Ditt konto ändrades samtidigt från ett annat håll: logga in igen.".into()
        }
        Message::Elsewhere => {
            "Det krävs fler frågor än programmet kan ställa: logga in med ssh.".into()
        }
        Message::PressEnter => "Tryck Enter för att avsluta: ".into(),
    }
}
