//! Finds problems with mail for `twinlock doctor`: text files that cannot be used, a missing mail program, and mail
//! that was not delivered.

use std::{fs, os::unix::fs::PermissionsExt};

use twinlock_core::{base::address::Address, policy::Policy};
use twinlock_doctor::finding::{Finding, Level};
use twinlock_host::{
    machine::Machine,
    mail_spool::{self, QueueDepth},
    settings,
};

use crate::{
    mail::{fault::MailError, replacement},
    text::count,
};

/// Returns all findings about mail.
pub(crate) fn examine(policy: &Policy, machine: &Machine) -> Vec<Finding> {
    let outbox = format!("{}/outbox", policy.places.records);
    let standing = mail_spool::standing(&machine.records);
    let mut found: Vec<Finding> = replacement::unusable()
        .into_iter()
        .map(|(place, what, remedy)| unused(place, what, remedy))
        .collect();
    // A host without a mail domain and without queued mail is not meant to send mail.
    if policy.mail.domain.is_some() || standing.waiting > 0 {
        found.extend(setting(policy).map(|fault| unsendable(&fault)));
    }
    found.extend(notifications(&outbox, standing));
    found
}

fn unused(place: String, what: String, remedy: String) -> Finding {
    let what = format!("This text is not used, but the built-in text: {what}.");
    Finding { level: Level::Warning, id: "mail-text", place, what, remedy }
}

/// Returns why no mail can be sent with these settings: the sender is not valid, or the mail program is missing.
/// Otherwise `None`.
pub(crate) fn setting(policy: &Policy) -> Option<MailError> {
    let mail = &policy.mail;
    if Address::read(&mail.from).is_none() {
        return Some(MailError::OddSender(mail.from.to_string()));
    }
    let error = match fs::metadata(&*mail.sendmail) {
        Ok(found) if found.is_file() && found.permissions().mode() & 0o111 != 0 => return None,
        Ok(_) => "it is not a program".to_owned(),
        Err(error) => error.to_string(),
    };
    Some(MailError::NotStarted { program: mail.sendmail.to_string(), error })
}

fn unsendable(fault: &MailError) -> Finding {
    Finding {
        level: Level::Warning,
        id: "mail-unsendable",
        place: settings::PATH.to_owned(),
        what: format!("Nobody gets mail: {fault}."),
        remedy: fault.remedy().to_owned(),
    }
}

fn notifications(outbox: &str, standing: QueueDepth) -> Vec<Finding> {
    let mut found = Vec::new();
    if standing.waiting > 0 {
        found.push(Finding {
            level: Level::Note,
            id: "mail-waiting",
            place: outbox.to_owned(),
            what: format!(
                "{} to be sent. A user gets at most one message of a kind an hour.",
                waits(standing.waiting)
            ),
            remedy:
                "If they are not sent: systemctl status twinlock-deliver.timer, twinlock deliver"
                    .to_owned(),
        });
    }
    if standing.dead > 0 {
        found.push(Finding {
            level: Level::Warning,
            id: "mail-dead",
            place: format!("{outbox}/dead"),
            what: format!("{} not sent, and will not be.", were(standing.dead)),
            remedy: format!(
                "Check them with ls -l, and correct the cause. To send one: mv {outbox}/dead/NAME@KIND@\u{2026} {outbox}/NAME@KIND; messages that are not needed may be deleted."
            ),
        });
    }
    found
}

fn waits(number: usize) -> String {
    format!("{} {}", count(number, "message"), if number == 1 { "waits" } else { "wait" })
}

fn were(number: usize) -> String {
    format!("{} {}", count(number, "message"), if number == 1 { "was" } else { "were" })
}
