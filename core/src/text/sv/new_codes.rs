//! Swedish: messages about new backup codes.

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
                    "Den gäller en gång, utan telefonen, och visas bara nu. Skriv upp den och\n\
                     förvara den på ett säkert ställe, inte i den här datorn."
                } else {
                    "Var och en gäller en gång, utan telefonen. De visas bara nu: skriv upp dem\n\
                     och förvara dem på ett säkert ställe, inte i den här datorn."
                },
                if one {
                    "Skriv kodens fyra sista bokstäver för att visa att du har den: "
                } else {
                    "Skriv den sista kodens fyra sista bokstäver för att visa att du har dem: "
                }
            )
        }
        NewCodes::NotTheLast { left, count: 1 } => format!(
            "\nDet är inte kodens fyra sista bokstäver. {left} försök kvar.\n\
             Kodens fyra sista bokstäver: "
        ),
        NewCodes::NotTheLast { left, .. } => format!(
            "\nDet är inte de fyra sista bokstäverna. {left} försök kvar.\n\
             Den sista kodens fyra sista bokstäver: "
        ),
        NewCodes::NothingTyped { count } => format!(
            "\nInget skrevs. Skriv {} fyra sista bokstäver, eller tryck\n\
             Enter en gång till för att avbryta: ",
            if *count == 1 { "kodens" } else { "den sista kodens" }
        ),
        NewCodes::InForce { count: 1 } => "Din nya reservkod gäller från och med nu.".into(),
        NewCodes::InForce { count } => {
            format!("Dina {count} nya reservkoder gäller från och med nu.")
        }
        NewCodes::Later => "Reservkoderna gäller inte. Nästa gång du loggar in visas nya.".into(),
        NewCodes::Unsure => {
            "Det är osäkert om koderna gäller: spara dem till nästa inloggning.".into()
        }
        NewCodes::OldOneStays => {
            "Inget är ändrat: de nya koderna gäller inte, och din gamla gäller än.".into()
        }
        NewCodes::TicketStays => {
            "Inget är ändrat: de nya koderna gäller inte, och din biljett gäller än.".into()
        }
    }
}

fn because(why: &Why, one: bool) -> String {
    match why {
        Why::LastTyped if one => {
            "Det var din sista reservkod. Innan den förbrukas får du en ny:".into()
        }
        Why::LastTyped => "Det var din sista reservkod. Innan den förbrukas får du nya:".into(),
        Why::SetUp { user, host } => format!(
            "Koden är rätt: tvåstegsverifiering är nu på för {user} på {host}. Om du blir av med \
             telefonen har du {}:",
            if one { "din reservkod" } else { "dina reservkoder" }
        ),
        Why::None => {
            format!("Du har ingen reservkod. Här är {}:", if one { "en ny" } else { "nya" })
        }
        Why::First => format!(
            "Om du blir av med telefonen har du {}:",
            if one { "din reservkod" } else { "dina reservkoder" }
        ),
        Why::Given { by } => format!(
            "{by} har tagit fram {} åt dig; de gamla gäller inte längre:",
            if one { "en ny reservkod" } else { "nya reservkoder" }
        ),
        Why::Wished if one => "Din nya reservkod, i stället för de gamla:".into(),
        Why::Wished => "Dina nya reservkoder, i stället för de gamla:".into(),
    }
}
