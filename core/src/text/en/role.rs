//! English: messages of the agent to members of a role.

use alloc::{format, string::String, vec::Vec};

use crate::{
    message::{
        own_account::{OwnEnrollment, OwnStatus},
        role::{OpenRequest, RoleMessage},
    },
    text::{ago, duration, en::own_account, plain, wrap},
};

#[expect(clippy::too_many_lines, reason = "a match whose arms are text")]
pub(in crate::text) fn say(message: &RoleMessage) -> String {
    match message {
        RoleMessage::AskReason => "Reason, recorded in the log: ".into(),
        RoleMessage::OddReason { most } => {
            format!("Give a reason of one line, at most {most} bytes.")
        }
        RoleMessage::NoRole => wrap(
            "No role lets you do this for another user. Ask your administrator; with a sudo rule: \
             sudo twinlock.",
        ),
        RoleMessage::RolesUnusable => wrap(
            "The roles of this host cannot be used, so nobody may act for others. Please tell your \
             administrator (twinlock roles check).",
        ),
        RoleMessage::NoSuchUser => "There is no account of that name.".into(),
        RoleMessage::OwnAccount => {
            wrap("A role is never for your own account. Another member of the role can help you.")
        }
        RoleMessage::OutOfReach => wrap(
            "That account is out of reach of every role. Only an administrator can do this: sudo \
             twinlock.",
        ),
        RoleMessage::Elsewhere => "Your role is not for that account.".into(),
        RoleMessage::NoAddress => wrap(
            "No mail address of that user is known, so the user could not be told. Nothing was \
             changed. Ask your administrator.",
        ),
        RoleMessage::NotEnrolled(user) => {
            format!("{} is not enrolled. Nothing was changed.", plain(user))
        }
        RoleMessage::NoAttempts(user) => format!("{} has no failed attempts.", plain(user)),
        RoleMessage::TooOftenForUser { wait } => wrap(&format!(
            "This was done too often for that user. Nothing was changed. Try again in {}, or ask \
             your administrator.",
            duration(*wait)
        )),
        RoleMessage::Status(status) => of_status(status),
        RoleMessage::Why(refusals) if refusals.is_empty() => {
            "No login was refused since this machine was started.".into()
        }
        RoleMessage::Why(refusals) => {
            let lines: Vec<String> = refusals.iter().map(own_account::of_refusal).collect();
            lines.join("\n")
        }
        RoleMessage::Unlocked { user, attempts: 1 } => {
            format!("1 failed attempt of {} was cleared.", plain(user))
        }
        RoleMessage::Unlocked { user, attempts } => {
            format!("{attempts} failed attempts of {} were cleared.", plain(user))
        }
        RoleMessage::WasReset(user) => wrap(&format!(
            "{} is reset. A set-up ticket goes to the user by mail; it is not shown here.",
            plain(user)
        )),
        RoleMessage::BypassMailed { user, life } => wrap(&format!(
            "A bypass code goes to {} by mail; it is not shown here. It works once, within {}.",
            plain(user),
            duration(*life)
        )),
        RoleMessage::Requested { id, left } => wrap(&format!(
            "Nothing was changed yet. Another member of the role must agree within {}: twinlock \
             approve {id}",
            duration(*left)
        )),
        RoleMessage::Requests(requests) if requests.is_empty() => "No request is open.".into(),
        RoleMessage::Requests(requests) => {
            let lines: Vec<String> = requests.iter().map(of_request).collect();
            format!("{}\nTo agree: twinlock approve ID", lines.join("\n"))
        }
        RoleMessage::Approving(request) => of_request(request),
        RoleMessage::NoSuchRequest => wrap(
            "There is no such request: it has ended, or was approved already. To see the open \
             ones: twinlock requests",
        ),
        RoleMessage::OwnRequest => "Another member of the role must approve your request.".into(),
        RoleMessage::OtherSession => wrap(
            "Log in yourself to approve a request: this session was begun by another user, or the \
             request was made in it.",
        ),
    }
}

fn of_status(status: &OwnStatus) -> String {
    let user = plain(&status.user);
    let mut lines = Vec::new();
    match status.enrollment {
        OwnEnrollment::Enrolled => {
            lines.push(format!("{user} is enrolled; last change {} ago.", ago(status.changed)));
            let names: Vec<String> = status.authenticators.iter().map(|name| plain(name)).collect();
            lines.push(format!("Authenticators: {}", names.join(", ")));
            let left = status.codes.map_or_else(|| "none".into(), |left| format!("{left}"));
            lines.push(format!("Backup codes left: {left}"));
        }
        OwnEnrollment::Pending => lines.push(format!("{user} has not finished set-up.")),
        OwnEnrollment::NotEnrolled => lines.push(format!("{user} is not enrolled.")),
    }
    if status.failed > 0 {
        lines.push(format!("Failed attempts: {}", status.failed));
    }
    lines.join("\n")
}

fn of_request(request: &OpenRequest) -> String {
    let OpenRequest { id, verb, user, by, role, reason, left } = request;
    format!(
        "{id}  {verb} {}  asked by {} (role {role}), ends in {}\n    {}",
        plain(user),
        plain(by),
        duration(*left),
        plain(reason)
    )
}
