//! Swedish: messages of the agent to users about their own accounts.

use alloc::{format, string::String, vec::Vec};

use crate::{
    message::own_account::{OwnAccount, OwnEnrollment, OwnStatus, PastRefusal, RememberedDevice},
    text::{ago, duration, plain, wrap},
};

#[expect(clippy::too_many_lines, reason = "a match whose arms are text")]
pub(in crate::text) fn say(message: &OwnAccount) -> String {
    match message {
        OwnAccount::AskPassword => "Ditt lösenord: ".into(),
        OwnAccount::PasswordRefused { left: 0 } => {
            "Lösenordet godtogs inte. Inget har ändrats.".into()
        }
        OwnAccount::PasswordRefused { left } => {
            format!("Lösenordet godtogs inte. {}", tries(*left))
        }
        OwnAccount::NoPassword => wrap(
            "Ditt konto har inget lösenord som kan frågas efter här. Gör det vid en inloggning: logga \
             in, skriv ?, sedan 4.",
        ),
        OwnAccount::PasswordUnavailable => wrap(
            "Den här datorn kan inte kontrollera lösenord åt twinlock (/etc/pam.d/twinlock saknas \
             eller kan ändras av andra än root). Gör det vid en inloggning: logga in, skriv ?, \
             sedan 4. Säg till din administratör.",
        ),
        OwnAccount::AskCode => "Verifieringskod från appen: ".into(),
        OwnAccount::WrongCode { left: 0 } => "Koden är fel. Inget har ändrats.".into(),
        OwnAccount::WrongCode { left } => format!("Koden är fel. {}", tries(*left)),
        OwnAccount::UsedCode { wait } => {
            format!("Koden är redan använd. Vänta på nästa ({}).", duration(*wait))
        }
        OwnAccount::NotACode => wrap(
            "Det är inte en kod från en app. En reservkod gäller inte här; utan appen loggar du in \
             med den och skriver ?, sedan 4.",
        ),
        OwnAccount::Status(status) => of_status(status),
        OwnAccount::Devices(devices) if devices.is_empty() => {
            "Ingen enhet är ihågkommen: varje inloggning frågar efter en kod.".into()
        }
        OwnAccount::Devices(devices) => {
            let lines: Vec<String> =
                (1..).zip(devices).map(|(number, one)| of_device(number, one)).collect();
            format!("{}\nFör att glömma en: twinlock forget --device NUMMER", lines.join("\n"))
        }
        OwnAccount::NoSuchDevice { devices: 0 } => "Ingen enhet är ihågkommen.".into(),
        OwnAccount::NoSuchDevice { devices } => {
            format!("Den enheten finns inte. Ihågkomna: 1 till {devices} (twinlock devices).")
        }
        OwnAccount::Forgotten { devices: 1 } => "1 enhet är glömd.".into(),
        OwnAccount::Forgotten { devices } => format!("{devices} enheter är glömda."),
        OwnAccount::Why(refusals) if refusals.is_empty() => {
            "Ingen av dina inloggningar har nekats sedan datorn startades.".into()
        }
        OwnAccount::Why(refusals) => {
            let lines: Vec<String> = refusals.iter().map(of_refusal).collect();
            lines.join("\n")
        }
        OwnAccount::NotEnrolled => wrap(
            "Du har ingen autentiseringsapp här än, så det finns inget att ändra. Med en biljett från \
             din administratör: twinlock enroll",
        ),
        OwnAccount::AlreadyEnrolled => {
            "Du har redan en aktiverad app. För att byta den: twinlock change".into()
        }
        OwnAccount::NoTicket => wrap(
            "Du behöver en biljett (tolv bokstäver). Be din administratör köra: twinlock invite",
        ),
        OwnAccount::NoSuchAuthenticator { names } => {
            let names: Vec<String> = names.iter().map(|name| plain(name)).collect();
            format!("Du har ingen autentiseringsapp med det namnet. Du har: {}", names.join(", "))
        }
        OwnAccount::LastAuthenticator => wrap(
            "Det är din enda autentiseringsapp. För att byta den: twinlock change. För att ta bort \
             den, fråga din administratör.",
        ),
        OwnAccount::TooOften { wait } => {
            format!("Du har gjort det här för ofta. Försök igen om {}.", duration(*wait))
        }
        OwnAccount::Disabled => wrap(
            "Din administratör har inte tillåtit det här (self_service i inställningarna). Gör det \
             vid en inloggning: logga in, skriv ?, sedan 4.",
        ),
        OwnAccount::NotPermitted => {
            "Du får göra det här bara för ditt eget konto: utelämna användarnamnet.".into()
        }
        OwnAccount::Stopped => "Avbrutet. Inget har ändrats.".into(),
        OwnAccount::Throttled => wrap(
            "Det blev för många felaktiga koder. Inget har ändrats. För att se när nästa kod \
             godtas: twinlock why",
        ),
        OwnAccount::Fault(reason) => wrap(&format!(
            "Datorn kunde inte göra det ({reason}). Säg till din administratör. Du kan lugnt försöka \
             igen."
        )),
    }
}

fn tries(left: u8) -> String {
    if left == 1 { "1 försök kvar.".into() } else { format!("{left} försök kvar.") }
}

fn of_status(status: &OwnStatus) -> String {
    let user = plain(&status.user);
    let mut lines = Vec::new();
    match status.enrollment {
        OwnEnrollment::Enrolled => {
            lines.push(format!(
                "{user} har en aktiverad app; senaste ändring för {} sedan.",
                ago(status.changed)
            ));
            let names: Vec<String> = status.authenticators.iter().map(|name| plain(name)).collect();
            lines.push(format!("Autentiseringsappar: {}", names.join(", ")));
        }
        OwnEnrollment::Pending => {
            lines.push(format!("{user} är inte klar. För att fortsätta: twinlock enroll"));
        }
        OwnEnrollment::NotEnrolled => lines.push(format!("{user} har ingen aktiverad app.")),
    }
    match (status.enrollment, status.codes) {
        (OwnEnrollment::Enrolled, Some(left)) => {
            lines.push(format!("Reservkoder kvar: {left}"));
        }
        (OwnEnrollment::Enrolled, None) => {
            lines.push("Reservkoder: inga. För att få några: twinlock backup-codes".into());
        }
        (OwnEnrollment::Pending | OwnEnrollment::NotEnrolled, _) => {}
    }
    if status.codes_due {
        lines.push("Nästa inloggning visar nya reservkoder.".into());
    }
    if status.devices > 0 {
        lines.push(format!("Ihågkomna enheter: {} (twinlock devices)", status.devices));
    }
    if status.failed > 0 {
        lines.push(format!("Misslyckade försök: {} (twinlock why)", status.failed));
    }
    lines.join("\n")
}

fn of_device(number: usize, device: &RememberedDevice) -> String {
    let (age, left) = (ago(device.age), ago(device.left));
    let (address, key) = (device.address, plain(&device.key));
    format!("{number}  {address}  nyckel {key}  ihågkommen för {age} sedan, i {left} till")
}

pub(super) fn of_refusal(refusal: &PastRefusal) -> String {
    let why = match refusal.reason.as_str() {
        "wrong_code" => "koden var fel",
        "replayed" => "koden var redan använd",
        "spent" => "reservkoden var redan använd",
        "before_epoch" => "koden var äldre än datorns start",
        "clock_off" => "telefonens klocka går fel",
        "throttled" => "det hade varit för många felaktiga koder",
        "locked" => "det var för många felaktiga koder i rad",
        "not_a_code" => "svaren var inte koder",
        "stopped" => "inget skrevs",
        "not_set_up" | "no_ticket" => "aktiveringen blev inte klar",
        other => return line(refusal, &format!("orsak: {other}")),
    };
    line(refusal, why)
}

fn line(refusal: &PastRefusal, why: &str) -> String {
    let PastRefusal { ago: past, service, source, .. } = refusal;
    format!("för {} sedan, {service} från {source}: {why}", ago(*past))
}
