//! The text of a mail, built in or written by an administrator. Its placeholders are replaced by values.

use alloc::{format, string::String, vec::Vec};

use zeroize::Zeroizing;

use crate::{
    base::{request::SourceLabel, time::UnixTime},
    notify::notification::{Notification, TICKET, TicketMail, Topic},
    notify::texts,
    policy::Language,
};

/// Maximum length in characters of a value that replaces a placeholder. Longer values are truncated.
const VALUE_MAX: usize = 100;
/// Maximum length of a subject in characters.
const SUBJECT_MAX: usize = 250;
/// The first word of a mail text that an administrator wrote.
const SUBJECT: &str = "Subject:";
/// The text that replaces a placeholder if its value is empty.
const NOTHING: &str = "-";

/// The subject and body of a mail. The body may contain a ticket.
#[derive(Debug, PartialEq, Eq)]
pub struct WrittenMail {
    /// The subject, which is one line.
    pub subject: String,
    /// The body, which may contain a ticket.
    pub body: Zeroizing<String>,
}

/// Why a mail text that an administrator wrote cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TemplateError {
    /// The first line is not `Subject:` followed by a text.
    NoSubject,
    /// No body follows the first line.
    NoBody,
    /// The text contains a placeholder that its topic does not have. Holds the name.
    Unknown(String),
    /// The text contains an opening brace without a closing one, or a closing brace without an opening one.
    Unpaired,
    /// The text contains a control character.
    Control,
    /// The text of a ticket mail does not contain the placeholder for the ticket.
    NoTicket,
}

impl core::fmt::Display for TemplateError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::NoSubject => f.write_str("its first line is not a subject"),
            Self::NoBody => f.write_str("there is no text after the first line"),
            Self::Unknown(word) => write!(f, "it has {{{word}}}, which is not known there"),
            Self::Unpaired => f.write_str("it has an unmatched brace"),
            Self::Control => f.write_str("it has control characters"),
            Self::NoTicket => f.write_str("it must contain {ticket}"),
        }
    }
}

impl core::error::Error for TemplateError {}

/// The values that replace the placeholders of a text.
#[derive(Debug)]
pub struct Blanks(Vec<(&'static str, Zeroizing<String>)>);

impl Blanks {
    /// Returns the values for a notification from this host.
    #[must_use]
    pub fn of_letter(language: Language, letter: &Notification, host: &str) -> Self {
        let left = letter.left.map_or_else(|| NOTHING.into(), |left| format!("{left}"));
        Self::tidied([
            ("user", letter.user.clone()),
            ("host", host.into()),
            ("time", instant(letter.at)),
            ("service", letter.service.clone()),
            ("source", source(language, &letter.source)),
            ("by", letter.by.clone().unwrap_or_else(|| letter.user.clone())),
            ("left", left),
        ])
    }

    /// Returns the values for a mail that contains a ticket.
    #[must_use]
    pub fn of_ticket(ticket_mail: &TicketMail<'_>, host: &str) -> Self {
        Self::tidied([
            ("user", ticket_mail.user.into()),
            ("host", host.into()),
            ("time", instant(ticket_mail.at)),
            ("by", ticket_mail.by.into()),
            ("until", instant(ticket_mail.until)),
            (TICKET, ticket_mail.ticket.into()),
        ])
    }

    fn tidied<const N: usize>(values: [(&'static str, String); N]) -> Self {
        let values = values.map(|(name, value)| (name, Zeroizing::new(value)));
        Self(values.into_iter().map(|(name, value)| (name, tidy(&value, VALUE_MAX))).collect())
    }

    fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }
}

/// Returns a value of at most `most` characters on one line. All characters are safe in a mail header and on a
/// terminal.
fn tidy(value: &str, most: usize) -> Zeroizing<String> {
    let hidden = |letter: char| {
        letter.is_control()
            || matches!(letter, '\u{ad}' | '\u{61c}' | '\u{feff}')
            || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
            || matches!(letter, '\u{2060}'..='\u{206f}')
    };
    let mut tidy = Zeroizing::new(String::with_capacity(value.len()));
    let letters = value.chars().take(most);
    tidy.extend(letters.map(|letter| if hidden(letter) { '?' } else { letter }));
    tidy
}

fn instant(at: UnixTime) -> String {
    let (year, month, day) = at.date();
    let (hours, minutes, seconds) = at.clock();
    format!("{year:04}-{month:02}-{day:02} {hours:02}:{minutes:02}:{seconds:02} UTC")
}

/// Returns a source in words for users.
fn source(language: Language, label: &SourceLabel) -> String {
    let (label, words) = (label.as_str(), texts::sources(language));
    // A user of the agent is on this host too.
    let uid = label.strip_prefix("uid:").or_else(|| label.strip_prefix("agent:"));
    match (uid, label.strip_prefix("tty:")) {
        (Some(uid), _) => format!("{} {uid}", words.uid),
        (_, Some(tty)) => format!("{} {tty}", words.tty),
        _ if label == "unknown" => words.unknown.into(),
        _ if label.contains(':') => format!("{label}/64"),
        _ => label.into(),
    }
}

/// Returns a mail with the built-in text of a topic.
#[must_use]
pub fn built_in(language: Language, topic: Topic, blanks: &Blanks) -> WrittenMail {
    // A request for a ticket has no text of its own: the mail with the ticket reports it.
    let word = match topic {
        Topic::Event(kind) => kind.brings().unwrap_or(topic).word(),
        Topic::Ticket(_) | Topic::Bypass => topic.word(),
    };
    let (subject, body) = split(texts::text(language, word)).unwrap_or_default();
    let filled = |text| fill(text, topic, blanks).unwrap_or_default();
    let mut body = filled(body);
    body.push('\n');
    body.push_str(&filled(texts::text(language, "closing")));
    WrittenMail { subject: subject_of(&filled(subject)), body }
}

/// Returns a mail with a text of an administrator: `Subject:` in the first line, then the body.
///
/// # Errors
/// [`TemplateError`] if the text cannot be used. The caller then uses the built-in text.
pub fn replaced(text: &str, topic: Topic, blanks: &Blanks) -> Result<WrittenMail, TemplateError> {
    let (subject, body) = split(text)?;
    if topic.blanks().contains(&TICKET) {
        // Mail programs show the subject in notifications, so a ticket must not be in it.
        match (has_ticket(subject, topic)?, has_ticket(body, topic)?) {
            (true, _) => return Err(TemplateError::Unknown(TICKET.into())),
            (false, false) => return Err(TemplateError::NoTicket),
            (false, true) => {}
        }
    }
    Ok(WrittenMail {
        subject: subject_of(&fill(subject, topic, blanks)?),
        body: fill(&format!("{body}\n"), topic, blanks)?,
    })
}

fn has_ticket(text: &str, topic: Topic) -> Result<bool, TemplateError> {
    // The placeholder is replaced by a character that no text contains, to find out whether the text has the
    // placeholder.
    let mark = Zeroizing::new(String::from("\0"));
    Ok(fill(text, topic, &Blanks(Vec::from([(TICKET, mark)])))?.contains('\0'))
}

/// Checks a mail text that an administrator wrote.
///
/// # Errors
/// [`TemplateError`] if the text cannot be used for `topic`.
pub fn check(text: &str, topic: Topic) -> Result<(), TemplateError> {
    replaced(text, topic, &Blanks(Vec::new())).map(drop)
}

fn split(text: &str) -> Result<(&str, &str), TemplateError> {
    let odd = |letter: char| letter.is_control() && !matches!(letter, '\n' | '\t' | '\r');
    if text.contains(odd) {
        return Err(TemplateError::Control);
    }
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let subject = first.strip_prefix(SUBJECT).map(str::trim).unwrap_or_default();
    if subject.is_empty() {
        return Err(TemplateError::NoSubject);
    }
    let body = rest.trim_start_matches(['\n', '\r']).trim_end();
    if body.is_empty() { Err(TemplateError::NoBody) } else { Ok((subject, body)) }
}

fn subject_of(filled: &str) -> String {
    tidy(filled, SUBJECT_MAX).as_str().into()
}

/// Returns a text with its placeholders replaced by values. Does not replace placeholders within a value. `{{` and `}}`
/// become single braces. A placeholder without a value is kept.
fn fill(text: &str, topic: Topic, blanks: &Blanks) -> Result<Zeroizing<String>, TemplateError> {
    let mut filled = Zeroizing::new(String::with_capacity(text.len() * 2));
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let (plain, from) = rest.split_at(at);
        filled.push_str(plain);
        rest = brace(from, topic, blanks, &mut filled)?;
    }
    filled.push_str(rest);
    filled.retain(|letter| letter != '\r');
    Ok(filled)
}

/// Handles a brace at the start of `text`: appends a single brace, or the value of the placeholder that begins there.
/// Returns the rest of the text.
///
/// # Errors
/// [`TemplateError`] if the brace has no counterpart or the topic does not have the placeholder.
fn brace<'a>(
    text: &'a str,
    topic: Topic,
    blanks: &Blanks,
    filled: &mut String,
) -> Result<&'a str, TemplateError> {
    for pair in ["{{", "}}"] {
        if let Some(rest) = text.strip_prefix(pair) {
            filled.extend(pair.chars().take(1));
            return Ok(rest);
        }
    }
    let inner = text.strip_prefix('{').ok_or(TemplateError::Unpaired)?;
    let (name, rest) = inner.split_once('}').ok_or(TemplateError::Unpaired)?;
    if !topic.blanks().contains(&name) {
        return Err(TemplateError::Unknown(tidy(name, VALUE_MAX).as_str().into()));
    }
    match blanks.value(name) {
        Some(value) => filled.push_str(value),
        None => filled.extend(["{", name, "}"]),
    }
    Ok(rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{notify::notification::NotificationKind, record::extras::Purpose};

    const RESET: Topic = Topic::Event(NotificationKind::Reset);

    fn letter() -> Notification {
        Notification {
            user: "ada".into(),
            kind: NotificationKind::Reset,
            at: UnixTime(1_800_000_000),
            service: "sshd".into(),
            source: SourceLabel::read("203.0.113.7").unwrap(),
            by: Some("kim".into()),
            left: None,
            to: None,
            life: None,
        }
    }

    fn blanks(letter: &Notification) -> Blanks {
        Blanks::of_letter(Language::English, letter, "web01")
    }

    fn body(text: &str) -> Result<String, TemplateError> {
        let written = replaced(&format!("Subject: x\n\n{text}"), RESET, &blanks(&letter()))?;
        Ok(written.body.as_str().into())
    }

    #[test]
    fn an_administrators_text_is_filled() {
        let text =
            "Subject: {user} on {host}\r\n\r\n{time} {service} {source} {by} {left}\r\n{{x}}\n\n";
        let written = replaced(text, RESET, &blanks(&letter())).unwrap();
        assert_eq!(written.subject, "ada on web01");
        let filled = "2027-01-15 08:00:00 UTC sshd 203.0.113.7 kim -\n{x}\n";
        assert_eq!(written.body.as_str(), filled);
        let own = blanks(&Notification { by: None, left: Some(2), ..letter() });
        let written = replaced("Subject: x\n{by} {left}", RESET, &own).unwrap();
        assert_eq!(written.body.as_str(), "ada 2\n");
    }

    #[test]
    fn what_is_wrong_with_a_text_is_said() {
        let unknown = |word: &str| Err(TemplateError::Unknown(word.into()));
        assert_eq!(body("{usr}"), unknown("usr"));
        assert_eq!(body("{ticket}"), unknown("ticket"));
        assert_eq!(body("{}"), unknown(""));
        assert_eq!(body("{user"), Err(TemplateError::Unpaired));
        assert_eq!(body("user}"), Err(TemplateError::Unpaired));
        assert_eq!(body("a\u{1b}[2J"), Err(TemplateError::Control));
        assert_eq!(body(" \n"), Err(TemplateError::NoBody));
        for text in ["", "Hello", "Subject:\nx", "subject: x\nx", "\nSubject: x\nx"] {
            assert_eq!(check(text, RESET), Err(TemplateError::NoSubject), "{text}");
        }
        let ticket = Topic::Ticket(Purpose::SetUp);
        assert_eq!(check("Subject: x\ny", ticket), Err(TemplateError::NoTicket));
        assert_eq!(check("Subject: x\n{{ticket}}", ticket), Err(TemplateError::NoTicket));
        assert_eq!(check("Subject: {ticket}\n{ticket}", ticket), unknown("ticket").map(drop));
        assert_eq!(check("Subject: x\n{ticket} {until}", ticket), Ok(()));
    }

    #[test]
    fn no_value_breaks_out_of_its_place() {
        let hostile = Notification {
            user: "{by}\nBcc: eve@example.org".into(),
            service: "\u{202e}\u{1b}]0;x\u{7}\u{feff}".into(),
            by: Some("x".repeat(1000)),
            ..letter()
        };
        for language in [Language::English, Language::Swedish] {
            let blanks = Blanks::of_letter(language, &hostile, "we\rb");
            let written = built_in(language, RESET, &blanks);
            assert!(!written.subject.contains(char::is_control), "{written:?}");
            assert!(written.subject.contains("{by}?Bcc: eve@example.org"), "{written:?}");
            let odd =
                |letter: char| letter != '\n' && (letter.is_control() || letter == '\u{202e}');
            assert!(!written.body.contains(odd), "{written:?}");
            assert!(written.body.contains(&"x".repeat(100)), "{written:?}");
            assert!(!written.body.contains(&"x".repeat(101)), "{written:?}");
        }
    }

    #[test]
    fn sources_read_well() {
        for (label, english, swedish) in [
            ("203.0.113.7", "203.0.113.7", "203.0.113.7"),
            ("2001:db8::", "2001:db8::/64", "2001:db8::/64"),
            ("uid:1000", "this machine, user number 1000", "datorn själv, användarnummer 1000"),
            ("tty:tty1", "this machine, terminal tty1", "datorn själv, terminal tty1"),
            ("unknown", "not known", "okänt"),
        ] {
            let label = SourceLabel::read(label).unwrap();
            assert_eq!(source(Language::English, &label), english);
            assert_eq!(source(Language::Swedish, &label), swedish);
        }
    }

    #[test]
    fn every_built_in_text_has_only_blanks_that_are_filled() {
        let ticket_mail = |topic| TicketMail {
            user: "ada",
            topic,
            ticket: "FEJT-QYCH-WGPV",
            by: "kim",
            at: UnixTime(0),
            until: UnixTime(1),
        };
        for language in [Language::English, Language::Swedish] {
            for topic in Topic::all() {
                let blanks = match topic {
                    Topic::Event(_) => Blanks::of_letter(language, &letter(), "web01"),
                    Topic::Ticket(_) | Topic::Bypass => {
                        Blanks::of_ticket(&ticket_mail(topic), "web01")
                    }
                };
                let written = built_in(language, topic, &blanks);
                assert!(written.subject.contains("ada") && written.body.contains("web01"));
                assert!(!written.body.contains(['{', '}']), "{written:?}");
                assert!(written.body.lines().all(|line| line.chars().count() <= 72), "{written:?}");
                let brings = written.body.contains("FEJT-QYCH-WGPV");
                assert_eq!(
                    brings,
                    matches!(topic, Topic::Ticket(_) | Topic::Bypass),
                    "{written:?}"
                );
                assert!(!written.subject.contains("FEJT"));
            }
        }
    }
}
