//! Swedish: messages of the set-up.

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
            format!("\nDet är inte ordet starta.\n{}", begin(Beginning::Word, *without))
        }
        SetUp::TicketExpired => {
            "\nDin biljett har gått ut. En ny är på väg till dig med e-post.".into()
        }
        SetUp::WrongTicket { left } => format!(
            "\nBiljetten är fel, eller så har den gått ut. {left} försök kvar.\n\
             Din biljett (12 bokstäver, Enter avbryter): "
        ),
        SetUp::NotATicket => {
            "\nDet är inte en giltig biljett: den har 12 bokstäver, som FEJT-QYCH-WGPV.\n\
             Din biljett (12 bokstäver, Enter avbryter): "
                .into()
        }
        SetUp::NeedsAPerson => {
            "Ingen app har kopplats till kontot: logga in via en terminal.".into()
        }
        SetUp::BegunBefore { at, source, key: SameKey::Same } => format!(
            "\n{}",
            wrap(&format!(
                "Aktiveringen påbörjades {} från {source}; nyckeln är densamma.",
                minute(*at)
            ))
        ),
        SetUp::BegunBefore { at, source, key: SameKey::Another } => format!(
            "\n{}",
            wrap(&format!(
                "Aktiveringen påbörjades {} från {source} men blev inte klar. Nyckeln som visades \
                 då gäller inte längre. Var det inte du, kontakta din administratör.",
                minute(*at)
            ))
        ),
        SetUp::Scan => "\nLägg till ett konto i appen och skanna den här QR-koden:\n".into(),
        SetUp::OrType { key } => format!(
            "Går det inte att skanna, skriv in nyckeln i appen (tidsbaserad):\n    {}\n\
             (Skriv \"i\" om appen inte hittar QR-koden, \"a\" för vanliga tecken.)",
            key.as_str()
        ),
        SetUp::TypeKey { key } => format!(
            "\nLägg till ett konto i appen och skriv in den här nyckeln (tidsbaserad):\n    {}",
            key.as_str()
        ),
        SetUp::AskCode { digits } => format!("Koden med {digits} siffror som appen visar nu: "),
        SetUp::WrongCode => {
            "\nKoden hör inte till den här nyckeln. Leta efter kontot som du just lade\n\
             till i appen."
                .into()
        }
        SetUp::ClockOff { ahead } => format!(
            "\n{} {}{}: låt telefonen ställa klockan\nefter nätet och skriv sedan koden som visas.",
            if *ahead < 0 { "Koden gällde för" } else { "Koden gäller först om" },
            duration(ahead.unsigned_abs()),
            if *ahead < 0 { " sedan" } else { "" },
        ),
        SetUp::UsedCode { wait } => {
            format!("\nKoden är redan använd. Vänta på nästa ({}).", duration(*wait))
        }
        SetUp::NotACode => "\nDet är inte en giltig kod: skriv siffrorna som appen visar.".into(),
        SetUp::NothingTyped => {
            "\nInget skrevs. Skriv koden, eller tryck Enter en gång till för att avbryta.".into()
        }
        SetUp::TooMany { until: Some(until) } => format!(
            "Inget är ändrat. Logga in före {} för att fortsätta med nyckeln.",
            clock(*until)
        ),
        SetUp::TooMany { until: None } => {
            "Inget är ändrat. Nästa inloggning börjar om med en ny nyckel.".into()
        }
        SetUp::NoTicket { user } => format!(
            "Utan biljett aktiveras inget. En biljett kan vara någon annans, använd eller\n\
             för gammal: be din administratör om en ny\n\
             (twinlock invite {user})."
        ),
    }
}

const APPS: &str = "Det tar ungefär två minuter och du behöver en autentiseringsapp, till exempel\n  \
                    Aegis, 2FAS, Google Authenticator  i en telefon\n  \
                    Bitwarden                          i en telefon eller dator\n  \
                    KeePassXC                          i en dator\n\
                    eller en annan app för tidsbaserade koder (TOTP).";

fn after_reset(reset: &AuditStamp) -> String {
    let (by, at) = (&reset.by, date(reset.at));
    wrap(&format!(
        "Tvåstegsverifieringen återställdes av {by} {at}: tidigare koder och appar gäller inte längre. Aktivera den på nytt."
    )) + "\n"
}

/// Returns the sentence that says where the user finds the ticket; an empty text if set-up needs none. If the user was
/// reset, `reset` names the administrator.
fn ticket(by: Beginning, reset: Option<&AuditStamp>) -> String {
    match (by, reset) {
        (Beginning::Word, _) => String::new(),
        (Beginning::Ticket, Some(AuditStamp { by, .. })) => {
            wrap(&format!("Din biljett kom med e-post, eller så har din administratör ({by}) den."))
                + "\n"
        }
        (Beginning::Ticket, None) => {
            wrap("Din biljett kom med e-post, eller så har din administratör den.") + "\n"
        }
    }
}

fn why(user: &str, reason: Option<&str>, without: Going) -> String {
    const IS: &str =
        "tvåstegsverifiering: förutom nyckeln eller lösenordet en kod från din telefon.";
    wrap(&match (reason, without) {
        (Some(reason), _) => reason.into(),
        (None, Going::No) => format!("För att fortsätta behöver {user} {IS}"),
        (None, Going::On(None)) => format!("{user} kan skyddas med {IS}"),
        (None, Going::On(Some(until))) => {
            format!("Från och med {} behöver {user} {IS}", date(until))
        }
    })
}

fn begin(by: Beginning, without: Going) -> &'static str {
    match (by, without) {
        (Beginning::Word, Going::No) => "Skriv starta för att börja (Enter avbryter): ",
        (Beginning::Word, Going::On(_)) => {
            "Skriv starta för att börja, eller tryck Enter för att fortsätta utan: "
        }
        (Beginning::Ticket, Going::No) => {
            "Skriv din biljett för att börja (12 bokstäver, Enter avbryter): "
        }
        (Beginning::Ticket, Going::On(_)) => {
            "Skriv din biljett för att börja, eller tryck Enter för att fortsätta utan: "
        }
    }
}
