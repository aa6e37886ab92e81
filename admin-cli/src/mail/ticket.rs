//! Tickets by mail: sent at once and never queued, so that the administrator can show the ticket if the mail fails.

use std::time::Duration;

use twinlock_core::{
    letter::{Handout, Topic},
    text::mail::Blanks,
};

use crate::{
    desk::Desk,
    mail::{
        address::Address,
        fault::MailFault,
        office::{Office, Sheet},
    },
};

/// How long an administrator waits for the mail program.
const PATIENCE: Duration = Duration::from_secs(30);

/// Mails a ticket to its user, at the address on record or at the domain of the settings, and returns the address.
/// Tries once and keeps nothing.
pub fn send_ticket(
    desk: &Desk,
    on_record: Option<&str>,
    handout: &Handout<'_>,
) -> Result<Address, MailFault> {
    send_ticket_within(desk, on_record, handout, PATIENCE)
}

/// Sends like [`send_ticket`], but kills a mail program that takes longer than `patience`.
pub fn send_ticket_within(
    desk: &Desk,
    on_record: Option<&str>,
    handout: &Handout<'_>,
    patience: Duration,
) -> Result<Address, MailFault> {
    let to = Address::of(handout.user, on_record, &desk.policy.mail)?;
    let office = Office::open(desk, patience)?;
    let topic = Topic::Ticket(handout.purpose);
    let blanks = Blanks::of_ticket(handout, &office.host);
    // Two tickets within one second are two mails, and both must be shown.
    let name = format!("{}={}", topic.word(), std::process::id());
    let sheet = Sheet { topic, blanks: &blanks, at: handout.at, name: &name };
    office.send(&to, handout.user, &sheet)?;
    Ok(to)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        desk::{OwnCodes, Request},
        verbs::Grounds,
    };
    use std::{
        fs,
        io::Write,
        process::{Command, Stdio},
    };
    use twinlock_core::{
        authorization::Operation, beside::Purpose, policy::Policy, time::UnixTime,
    };
    use twinlock_host::{machine::Machine, place::Owner};

    const HANDOUT: Handout<'static> = Handout {
        user: "ada",
        purpose: Purpose::SetUp,
        ticket: "FEJT-QYCH-WGPV",
        by: "kim",
        at: UnixTime(1_800_000_000),
        until: UnixTime(1_800_259_200),
    };

    /// Returns a desk whose mail goes to a shell script.
    fn desk(folder: &tempfile::TempDir, script: &str) -> Desk {
        let program = folder.path().join("sendmail");
        // Written by a separate process: a child that another test thread forks meanwhile must not keep the file open.
        let words = ["-c", "cat >\"$0\" && chmod 755 \"$0\"", program.to_str().unwrap()];
        let mut writer = Command::new("sh").args(words).stdin(Stdio::piped()).spawn().unwrap();
        let text = format!("#!/bin/sh\ncd {}\n{script}\n", folder.path().display());
        writer.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        assert!(writer.wait().unwrap().success());
        let mut policy = Policy::default();
        policy.mail.domain = Some("example.org".into());
        policy.mail.sendmail = program.to_str().unwrap().to_owned().into();
        let machine = Machine::new(&policy, "/none/twinlock.toml", Owner(0));
        let (config, own) = ("/none/twinlock.toml".into(), OwnCodes::of(policy.clone()));
        let request = Request {
            operation: Operation::Invite,
            target: Some("ada".into()),
            grounds: Grounds::default(),
        };
        Desk { policy, machine, own, json: false, config, stand_in: false, request }
    }

    #[test]
    fn a_ticket_goes_to_whom_it_is_for() {
        let folder = tempfile::tempdir().unwrap();
        let desk = desk(&folder, "cat >mail");
        let sent = |on_record| {
            let to = send_ticket(&desk, on_record, &HANDOUT).unwrap();
            (to, fs::read_to_string(folder.path().join("mail")).unwrap())
        };
        let (to, mail) = sent(None);
        assert_eq!(to.as_str(), "ada@example.org");
        let (head, body) = mail.split_once("\n\n").unwrap();
        assert!(head.contains("To: <ada@example.org>\nSubject: Set up two-step"), "{head}");
        assert!(body.contains("\n         FEJT-QYCH-WGPV\n") && !head.contains("FEJT"), "{mail}");
        assert!(
            body.contains("until 2027-01-18 08:00:00 UTC") && body.contains("tell kim"),
            "{mail}"
        );
        let (to, mail) = sent(Some("lovelace@example.net"));
        assert_eq!(to.as_str(), "lovelace@example.net");
        assert!(mail.contains("\nTo: <lovelace@example.net>\n"), "{mail}");
    }

    #[test]
    fn who_gives_it_out_is_told_why_it_did_not_go() {
        let folder = tempfile::tempdir().unwrap();
        let mut desk = desk(&folder, "cat >/dev/null; echo 'queue is full' >&2; exit 75");
        let fault = send_ticket(&desk, None, &HANDOUT).unwrap_err();
        assert!(fault.what().ends_with("took no mail (status 75: queue is full)"), "{fault:?}");
        desk.policy.mail.sendmail = "/none".into();
        let fault = send_ticket(&desk, None, &HANDOUT).unwrap_err();
        assert!(matches!(fault, MailFault::NotStarted { .. }), "{fault:?}");
        let odd = send_ticket(&desk, Some("-x"), &HANDOUT);
        assert_eq!(odd, Err(MailFault::OddAddress("-x".into())));
        desk.policy.mail.domain = None;
        assert_eq!(send_ticket(&desk, None, &HANDOUT), Err(MailFault::NoAddress));
    }
}
