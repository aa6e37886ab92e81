//! What all mails of a run share: the sender, the host, the mail program and the language.

use std::time::Duration;

use twinlock_core::{
    account::Folder,
    letter::Topic,
    policy::Language,
    ports::{Accounts, Clock},
    text::mail::Blanks,
    time::UnixTime,
};

use crate::{
    desk::Desk,
    mail::{
        address::Address,
        compose::{Envelope, compose},
        fault::MailFault,
        replacement,
        sendmail::Sendmail,
    },
};

/// What all mails of a run share.
pub struct Office {
    /// Name of this host.
    pub host: String,
    from: Address,
    now: UnixTime,
    language: Language,
    sendmail: Sendmail,
}

/// Content of one mail.
pub struct Sheet<'a> {
    /// Topic, which selects the text.
    pub topic: Topic,
    /// Values that are filled into the text.
    pub blanks: &'a Blanks,
    /// When the reported event happened.
    pub at: UnixTime,
    /// Distinguishes this mail from others to the same user about the same instant.
    pub name: &'a str,
}

impl Office {
    /// Prepares mail with the settings in force.
    pub fn open(desk: &Desk, patience: Duration) -> Result<Self, MailFault> {
        let mail = &desk.policy.mail;
        let odd = || MailFault::OddSender(mail.from.to_string());
        Ok(Self {
            host: desk.machine.accounts.host_name(),
            from: Address::read(&mail.from).ok_or_else(odd)?,
            now: desk.machine.clock.now().map(|now| now.unix).unwrap_or_default(),
            language: desk.policy.language,
            sendmail: Sendmail { program: mail.sendmail.to_string(), patience },
        })
    }

    /// Composes a mail and sends it.
    pub fn send(&self, to: &Address, user: &str, sheet: &Sheet<'_>) -> Result<(), MailFault> {
        let written = replacement::write(self.language, sheet.topic, sheet.blanks);
        let id = self.id(user, sheet);
        let envelope = Envelope { from: &self.from, to, at: self.now, id };
        self.sendmail.send(&compose(&envelope, &written))
    }

    /// Returns the Message-ID: the same for a repeated mail, so that mail readers show it once.
    fn id(&self, user: &str, sheet: &Sheet<'_>) -> String {
        // RFC 5322 allows dots only between atoms.
        let plain = |text: &str| {
            let folder = Folder::of(text).map(|folder| folder.as_str().replace('.', "="));
            folder.unwrap_or_else(|_| "x".into())
        };
        format!("{}.{}.{}@{}", sheet.at.0, sheet.name, plain(user), plain(&self.host))
    }
}
