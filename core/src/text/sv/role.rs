//! Swedish: messages of the agent to members of a role.

use alloc::{format, string::String, vec::Vec};

use crate::{
    message::{
        own_account::{OwnEnrollment, OwnStatus},
        role::{OpenRequest, RoleMessage},
    },
    text::{ago, duration, plain, sv::own_account, wrap},
};

#[expect(clippy::too_many_lines, reason = "a match whose arms are text")]
pub(in crate::text) fn say(message: &RoleMessage) -> String {
    match message {
        RoleMessage::AskReason => "Anledning, som sparas i loggen: ".into(),
        RoleMessage::OddReason { most } => {
            format!("Ange en anledning på en rad, högst {most} byte.")
        }
        RoleMessage::NoRole => wrap(
            "Ingen roll låter dig göra det här för en annan användare. Fråga din administratör; \
             med en sudo-regel: sudo twinlock.",
        ),
        RoleMessage::RolesUnusable => wrap(
            "Datorns roller kan inte användas, så ingen får göra något för andra. Säg till din \
             administratör (twinlock roles check).",
        ),
        RoleMessage::NoSuchUser => "Det finns inget konto med det namnet.".into(),
        RoleMessage::OwnAccount => {
            wrap("En roll gäller aldrig ditt eget konto. En annan medlem av rollen kan hjälpa dig.")
        }
        RoleMessage::OutOfReach => wrap(
            "Det kontot kan ingen roll nå. Bara en administratör kan göra det här: sudo twinlock.",
        ),
        RoleMessage::Elsewhere => "Din roll gäller inte det kontot.".into(),
        RoleMessage::NoAddress => wrap(
            "Användarens e-postadress är inte känd, så användaren skulle inte få veta något. Inget \
             har ändrats. Fråga din administratör.",
        ),
        RoleMessage::NotEnrolled(user) => {
            format!("{} har ingen aktiverad app. Inget har ändrats.", plain(user))
        }
        RoleMessage::NoAttempts(user) => format!("{} har inga misslyckade försök.", plain(user)),
        RoleMessage::TooOftenForUser { wait } => wrap(&format!(
            "Det här har gjorts för ofta för den användaren. Inget har ändrats. Försök igen om {}, \
             eller fråga din administratör.",
            duration(*wait)
        )),
        RoleMessage::Status(status) => of_status(status),
        RoleMessage::Why(refusals) if refusals.is_empty() => {
            "Ingen inloggning har nekats sedan datorn startades.".into()
        }
        RoleMessage::Why(refusals) => {
            let lines: Vec<String> = refusals.iter().map(own_account::of_refusal).collect();
            lines.join("\n")
        }
        RoleMessage::Unlocked { user, attempts } => {
            format!("{attempts} misslyckade försök av {} har nollställts.", plain(user))
        }
        RoleMessage::WasReset(user) => wrap(&format!(
            "{} är återställd. En engångsbiljett skickas till användaren med e-post; den visas \
             inte här.",
            plain(user)
        )),
        RoleMessage::BypassMailed { user, life } => wrap(&format!(
            "En tillfällig kod skickas till {} med e-post; den visas inte här. Den gäller en gång, \
             inom {}.",
            plain(user),
            duration(*life)
        )),
        RoleMessage::Requested { id, left } => wrap(&format!(
            "Inget har ändrats än. En annan medlem av rollen måste godkänna det inom {}: twinlock \
             approve {id}",
            duration(*left)
        )),
        RoleMessage::Requests(requests) if requests.is_empty() => "Ingen begäran väntar.".into(),
        RoleMessage::Requests(requests) => {
            let lines: Vec<String> = requests.iter().map(of_request).collect();
            format!("{}\nFör att godkänna: twinlock approve ID", lines.join("\n"))
        }
        RoleMessage::Approving(request) => of_request(request),
        RoleMessage::NoSuchRequest => wrap(
            "Det finns ingen sådan begäran: tiden är ute, eller den är redan godkänd. För att se \
             dem som väntar: twinlock requests",
        ),
        RoleMessage::OwnRequest => "En annan medlem av rollen måste godkänna din begäran.".into(),
        RoleMessage::OtherSession => wrap(
            "Logga in själv för att godkänna en begäran: en annan användare har öppnat den här \
             sessionen, eller så gjordes begäran i den.",
        ),
    }
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
            let left = status.codes.map_or_else(|| "inga".into(), |left| format!("{left}"));
            lines.push(format!("Reservkoder kvar: {left}"));
        }
        OwnEnrollment::Pending => lines.push(format!("{user} är inte klar med aktiveringen.")),
        OwnEnrollment::NotEnrolled => lines.push(format!("{user} har ingen aktiverad app.")),
    }
    if status.failed > 0 {
        lines.push(format!("Misslyckade försök: {}", status.failed));
    }
    lines.join("\n")
}

fn of_request(request: &OpenRequest) -> String {
    let OpenRequest { id, verb, user, by, role, reason, left } = request;
    format!(
        "{id}  {verb} {}  begärt av {} (rollen {role}), gäller {} till\n    {}",
        plain(user),
        plain(by),
        duration(*left),
        plain(reason)
    )
}
