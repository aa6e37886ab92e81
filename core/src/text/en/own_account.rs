//! English: messages of the agent to users about their own accounts.

use alloc::{format, string::String, vec::Vec};

use crate::{
    message::own_account::{OwnAccount, OwnEnrollment, OwnStatus, PastRefusal, RememberedDevice},
    text::{ago, duration, plain, wrap},
};

#[expect(clippy::too_many_lines, reason = "a match whose arms are text")]
pub(in crate::text) fn say(message: &OwnAccount) -> String {
    match message {
        OwnAccount::AskPassword => "Your password: ".into(),
        OwnAccount::PasswordRefused { left: 0 } => {
            "That password was not accepted. Nothing was changed.".into()
        }
        OwnAccount::PasswordRefused { left } => {
            format!("That password was not accepted. {}", tries(*left))
        }
        OwnAccount::NoPassword => wrap(
            "Your account has no password that could be asked for here. Do it at a login: log in, \
             type ?, then 4.",
        ),
        OwnAccount::PasswordUnavailable => wrap(
            "This host cannot check passwords for twinlock (/etc/pam.d/twinlock is missing or not \
             only root's). Do it at a login: log in, type ?, then 4. Please tell your \
             administrator.",
        ),
        OwnAccount::AskCode => "Verification code of your app: ".into(),
        OwnAccount::WrongCode { left: 0 } => "That code is wrong. Nothing was changed.".into(),
        OwnAccount::WrongCode { left } => format!("That code is wrong. {}", tries(*left)),
        OwnAccount::UsedCode { wait } => {
            format!("That code was used already. Wait for the next one ({}).", duration(*wait))
        }
        OwnAccount::NotACode => wrap(
            "That is not a code of an app. A backup code is not accepted here; without the app, \
             log in with it and type ?, then 4.",
        ),
        OwnAccount::Status(status) => of_status(status),
        OwnAccount::Devices(devices) if devices.is_empty() => {
            "No device is remembered: every login asks for a code.".into()
        }
        OwnAccount::Devices(devices) => {
            let lines: Vec<String> =
                (1..).zip(devices).map(|(number, one)| of_device(number, one)).collect();
            format!("{}\nTo forget one: twinlock forget --device NUMBER", lines.join("\n"))
        }
        OwnAccount::NoSuchDevice { devices: 0 } => "No device is remembered.".into(),
        OwnAccount::NoSuchDevice { devices } => {
            format!("There is no such device. Remembered: 1 to {devices} (twinlock devices).")
        }
        OwnAccount::Forgotten { devices: 1 } => "1 device was forgotten.".into(),
        OwnAccount::Forgotten { devices } => format!("{devices} devices were forgotten."),
        OwnAccount::Why(refusals) if refusals.is_empty() => {
            "No login of yours was refused since this machine was started.".into()
        }
        OwnAccount::Why(refusals) => {
            let lines: Vec<String> = refusals.iter().map(of_refusal).collect();
            lines.join("\n")
        }
        OwnAccount::NotEnrolled => wrap(
            "You have no authenticator here yet, so there is nothing to change. With a ticket \
             from your administrator: twinlock enroll",
        ),
        OwnAccount::AlreadyEnrolled => {
            "You are enrolled already. For another app: twinlock change".into()
        }
        OwnAccount::NoTicket => wrap(
            "To enroll you need a ticket (twelve letters). Ask your administrator to run: \
             twinlock invite",
        ),
        OwnAccount::NoSuchAuthenticator { names } => {
            let names: Vec<String> = names.iter().map(|name| plain(name)).collect();
            format!("You have no authenticator of that name. You have: {}", names.join(", "))
        }
        OwnAccount::LastAuthenticator => wrap(
            "That is your only authenticator. To replace it: twinlock change. To remove it, ask \
             your administrator.",
        ),
        OwnAccount::TooOften { wait } => {
            format!("You have done this too often. Try again in {}.", duration(*wait))
        }
        OwnAccount::Disabled => wrap(
            "Your administrator has not enabled this here (self_service in the settings). Do it \
             at a login: log in, type ?, then 4.",
        ),
        OwnAccount::NotPermitted => {
            "You may do this for your own account only: leave out the user name.".into()
        }
        OwnAccount::Stopped => "Stopped. Nothing was changed.".into(),
        OwnAccount::Throttled => wrap(
            "There were too many wrong codes. Nothing was changed. To see when the next code is \
             accepted: twinlock why",
        ),
        OwnAccount::Fault(reason) => wrap(&format!(
            "This host could not do it ({reason}). Please tell your administrator. It is safe to \
             try again."
        )),
    }
}

fn tries(left: u8) -> String {
    if left == 1 { "1 try left.".into() } else { format!("{left} tries left.") }
}

fn of_status(status: &OwnStatus) -> String {
    let user = plain(&status.user);
    let mut lines = Vec::new();
    match status.enrollment {
        OwnEnrollment::Enrolled => {
            lines.push(format!("{user} is enrolled; last change {} ago.", ago(status.changed)));
            let names: Vec<String> = status.authenticators.iter().map(|name| plain(name)).collect();
            lines.push(format!("Authenticators: {}", names.join(", ")));
        }
        OwnEnrollment::Pending => {
            lines.push(format!("{user} has not finished set-up. To go on: twinlock enroll"));
        }
        OwnEnrollment::NotEnrolled => lines.push(format!("{user} is not enrolled.")),
    }
    match (status.enrollment, status.codes) {
        (OwnEnrollment::Enrolled, Some(left)) => {
            lines.push(format!("Backup codes left: {left}"));
        }
        (OwnEnrollment::Enrolled, None) => {
            lines.push("Backup codes: none. To get some: twinlock backup-codes".into());
        }
        (OwnEnrollment::Pending | OwnEnrollment::NotEnrolled, _) => {}
    }
    if status.codes_due {
        lines.push("The next login shows new backup codes.".into());
    }
    if status.devices > 0 {
        lines.push(format!("Remembered devices: {} (twinlock devices)", status.devices));
    }
    if status.failed > 0 {
        lines.push(format!("Failed attempts: {} (twinlock why)", status.failed));
    }
    lines.join("\n")
}

fn of_device(number: usize, device: &RememberedDevice) -> String {
    let (age, left) = (ago(device.age), ago(device.left));
    let (address, key) = (device.address, plain(&device.key));
    format!("{number}  {address}  key {key}  remembered {age} ago, for another {left}")
}

pub(super) fn of_refusal(refusal: &PastRefusal) -> String {
    let why = match refusal.reason.as_str() {
        "wrong_code" => "the code was wrong",
        "replayed" => "the code had been used already",
        "spent" => "the backup code had been used already",
        "before_epoch" => "the code was older than the start of this machine",
        "clock_off" => "the clock of the phone is wrong",
        "throttled" => "there were too many wrong codes before",
        "locked" => "there were too many wrong codes in a row",
        "not_a_code" => "the answers were not codes",
        "stopped" => "nothing was typed",
        "not_set_up" | "no_ticket" => "set-up was not finished",
        other => return line(refusal, &format!("reason: {other}")),
    };
    line(refusal, why)
}

fn line(refusal: &PastRefusal, why: &str) -> String {
    let PastRefusal { ago: past, service, source, .. } = refusal;
    format!("{} ago, {service} from {source}: {why}", ago(*past))
}
