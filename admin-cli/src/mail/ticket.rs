//! Mails tickets at once, without the queue, so that the administrator sees the ticket if the mail fails.

use std::time::Duration;

use twinlock_core::{
    base::address::Address,
    notify::{notification::TicketMail, template::Blanks},
};

use crate::{
    context::Context,
    mail::{
        fault::MailError,
        mailer::{MailBody, Mailer},
    },
};

/// Maximum time that an administrator waits for the mail program.
const PATIENCE: Duration = Duration::from_secs(30);

/// Mails a ticket to the user, to the address `on_record`. If this is `None`, mails it to the account name at the mail
/// domain in the settings. Returns the address. Tries only once, and does not queue the mail.
///
/// # Errors
/// [`MailError`] if the mail was not sent.
pub(crate) fn send_ticket(
    context: &Context,
    on_record: Option<&str>,
    ticket_mail: &TicketMail<'_>,
) -> Result<Address, MailError> {
    send_ticket_within(context, on_record, ticket_mail, PATIENCE)
}

/// Mails a ticket to the user, and kills a mail program that takes longer than `patience`. The address is `on_record`;
/// if this is `None`, the account name at the mail domain in the settings. Returns the address.
pub(crate) fn send_ticket_within(
    context: &Context,
    on_record: Option<&str>,
    ticket_mail: &TicketMail<'_>,
    patience: Duration,
) -> Result<Address, MailError> {
    let to = Address::of(ticket_mail.user, on_record, context.policy.mail.domain.as_deref())?;
    let mailer = Mailer::open(context, patience)?;
    let topic = ticket_mail.topic;
    let blanks = Blanks::of_ticket(ticket_mail, &mailer.host);
    // The name contains the process id, so that two tickets of one second have different Message-IDs, and a mail reader
    // shows both mails.
    let name = format!("{}={}", topic.word(), std::process::id());
    let body = MailBody { topic, blanks: &blanks, at: ticket_mail.at, name: &name };
    mailer.send(&to, ticket_mail.user, &body)?;
    Ok(to)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cli::Grounds,
        context::{CallerRequest, OwnCodes},
    };
    use std::{
        fs,
        io::Write,
        process::{Command, Stdio},
    };
    use twinlock_core::{
        authorization::Operation, base::time::UnixTime, notify::notification::Topic,
        policy::Policy, record::extras::Purpose,
    };
    use twinlock_host::{machine::Machine, trusted_dir::Owner};

    const TICKET_MAIL: TicketMail<'static> = TicketMail {
        user: "ada",
        topic: Topic::Ticket(Purpose::SetUp),
        ticket: "FEJT-QYCH-WGPV",
        by: "kim",
        at: UnixTime(1_800_000_000),
        until: UnixTime(1_800_259_200),
    };

    /// Returns a context whose mail program is this shell script.
    fn context(folder: &tempfile::TempDir, script: &str) -> Context {
        let program = folder.path().join("sendmail");
        // Another process writes the script, so that no child that another test thread forks keeps the file open for
        // writing.
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
        let request = CallerRequest {
            operation: Operation::Invite,
            target: Some("ada".into()),
            grounds: Grounds::default(),
        };
        Context { policy, machine, own, json: false, config, stand_in: false, request }
    }

    #[test]
    fn a_ticket_goes_to_whom_it_is_for() {
        let folder = tempfile::tempdir().unwrap();
        let context = context(&folder, "cat >mail");
        let sent = |on_record| {
            let to = send_ticket(&context, on_record, &TICKET_MAIL).unwrap();
            (to, fs::read_to_string(folder.path().join("mail")).unwrap())
        };
        let (to, mail) = sent(None);
        assert_eq!(to.as_str(), "ada@example.org");
        let (head, body) = mail.split_once("\n\n").unwrap();
        assert!(head.contains("To: <ada@example.org>\nSubject: Set up two-step"), "{head}");
        assert!(body.contains("\n         FEJT-QYCH-WGPV\n") && !head.contains("FEJT"), "{mail}");
        assert!(
            body.contains("until 2027-01-18 08:00:00 UTC") && body.contains("Tell kim"),
            "{mail}"
        );
        let (to, mail) = sent(Some("lovelace@example.net"));
        assert_eq!(to.as_str(), "lovelace@example.net");
        assert!(mail.contains("\nTo: <lovelace@example.net>\n"), "{mail}");
    }

    #[test]
    fn who_gives_it_out_is_told_why_it_did_not_go() {
        let folder = tempfile::tempdir().unwrap();
        let mut context = context(&folder, "cat >/dev/null; echo 'queue is full' >&2; exit 75");
        let fault = send_ticket(&context, None, &TICKET_MAIL).unwrap_err();
        assert!(
            fault.to_string().ends_with("did not accept the mail (status 75: queue is full)"),
            "{fault:?}"
        );
        context.policy.mail.sendmail = "/none".into();
        let fault = send_ticket(&context, None, &TICKET_MAIL).unwrap_err();
        assert!(matches!(fault, MailError::NotStarted { .. }), "{fault:?}");
        let odd = send_ticket(&context, Some("-x"), &TICKET_MAIL);
        assert_eq!(odd, Err(MailError::OddAddress("-x".into())));
        context.policy.mail.domain = None;
        assert_eq!(send_ticket(&context, None, &TICKET_MAIL), Err(MailError::NoAddress));
    }
}
