//! What every mail of a run has in common: the sender, the host, the program that takes mail, the words.

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

/// What every mail of a run has in common.
pub struct Office {
    /// What this machine is called.
    pub host: String,
    from: Address,
    now: UnixTime,
    language: Language,
    sendmail: Sendmail,
}

/// What one mail says.
pub struct Sheet<'a> {
    /// What it is about.
    pub topic: Topic,
    /// What its text is filled with.
    pub blanks: &'a Blanks,
    /// The instant that it tells of.
    pub at: UnixTime,
    /// What tells it from others of that instant to that person.
    pub name: &'a str,
}

impl Office {
    /// By the settings in force.
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

    /// Writes a mail and hands it over.
    pub fn send(&self, to: &Address, user: &str, sheet: &Sheet<'_>) -> Result<(), MailFault> {
        let written = replacement::write(self.language, sheet.topic, sheet.blanks);
        let id = self.id(user, sheet);
        let envelope = Envelope { from: &self.from, to, at: self.now, id };
        self.sendmail.send(&compose(&envelope, &written))
    }

    /// The same for the same mail, so that one that is sent twice is shown once.
    fn id(&self, user: &str, sheet: &Sheet<'_>) -> String {
        // RFC 5322 has dots between words only.
        let plain = |text: &str| {
            let folder = Folder::of(text).map(|folder| folder.as_str().replace('.', "="));
            folder.unwrap_or_else(|_| "x".into())
        };
        format!("{}.{}.{}@{}", sheet.at.0, sheet.name, plain(user), plain(&self.host))
    }
}
