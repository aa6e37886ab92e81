//! Sends mails. All mails of a run have the same sender, host, mail program and language.

use std::time::Duration;

use twinlock_core::{
    base::{account::Folder, address::Address, time::UnixTime},
    notify::{notification::Topic, template::Blanks},
    policy::Language,
    ports::{Accounts, Clock},
};

use crate::{
    context::Context,
    mail::{
        compose::{Envelope, compose},
        fault::MailError,
        replacement,
        sendmail::Sendmail,
    },
};

/// Sends the mails of one run, with the same sender, host name, mail program and language.
pub(crate) struct Mailer {
    /// Name of this host, which the mails mention.
    pub(crate) host: String,
    from: Address,
    now: UnixTime,
    language: Language,
    sendmail: Sendmail,
}

/// What one mail is about.
pub(crate) struct MailBody<'a> {
    /// The topic, which selects the text.
    pub(crate) topic: Topic,
    /// Values for the placeholders in the text.
    pub(crate) blanks: &'a Blanks,
    /// Time of the event that the mail reports.
    pub(crate) at: UnixTime,
    /// Name that is part of the Message-ID. It distinguishes two mails to the same user about events of the same
    /// second.
    pub(crate) name: &'a str,
}

impl Mailer {
    /// Prepares to send mail with the settings in force. `patience` is the maximum time that the mail program may take
    /// for a mail.
    ///
    /// # Errors
    /// [`MailError`] if the sender in the settings is not valid.
    pub(crate) fn open(context: &Context, patience: Duration) -> Result<Self, MailError> {
        let mail = &context.policy.mail;
        let odd = || MailError::OddSender(mail.from.to_string());
        Ok(Self {
            host: context.machine.accounts.host_name(),
            from: Address::read(&mail.from).ok_or_else(odd)?,
            now: context.machine.clock.now().map(|now| now.unix).unwrap_or_default(),
            language: context.policy.language,
            sendmail: Sendmail { program: mail.sendmail.to_string(), patience },
        })
    }

    /// Composes a mail to the user `user` and sends it to the address `to`.
    ///
    /// # Errors
    /// [`MailError`] if the mail program refuses it, fails or takes too long.
    pub(crate) fn send(
        &self,
        to: &Address,
        user: &str,
        body: &MailBody<'_>,
    ) -> Result<(), MailError> {
        let written = replacement::write(self.language, body.topic, body.blanks);
        let id = self.id(user, body);
        let envelope = Envelope { from: &self.from, to, at: self.now, id };
        self.sendmail.send(&compose(&envelope, &written))
    }

    /// Returns the Message-ID of a mail without `<>`. It is the same if the mail is sent again, so that mail readers
    /// show it once.
    fn id(&self, user: &str, body: &MailBody<'_>) -> String {
        // RFC 5322 allows dots only between atoms.
        let plain = |text: &str| {
            let folder = Folder::of(text).map(|folder| folder.as_str().replace('.', "="));
            folder.unwrap_or_else(|_| "x".into())
        };
        format!("{}.{}.{}@{}", body.at.0, body.name, plain(user), plain(&self.host))
    }
}
