//! The person on the other side of libpam's conversation.

use pam::{
    constants::{PAM_ERROR_MSG, PAM_PROMPT_ECHO_OFF, PAM_PROMPT_ECHO_ON, PAM_TEXT_INFO},
    conv::Conv,
    secret::SecretBytes,
};
use twinlock_core::{
    answer::ANSWER_MAX,
    policy::Echo,
    ports::{Conversation, ConversationFault},
    request::Source,
    secret::Typed,
};

/// A conversation, where the application offers one.
pub(crate) struct PamConversation<'a> {
    /// What libpam was given.
    pub(crate) conversation: Option<Conv<'a>>,
    /// What carries it to the person.
    pub(crate) carrier: Carrier,
}

/// What carries words to the person.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carrier {
    /// OpenSSH's client writes what no question comes behind as a message of its own: letters beyond ASCII in octal.
    Ssh,
    /// Words arrive as they are.
    Plain,
}

impl Carrier {
    pub(crate) fn of(source: &Source) -> Self {
        match source {
            Source::Address(_) => Self::Ssh,
            Source::Uid(_) | Source::Tty(_) | Source::Unknown => Self::Plain,
        }
    }
}

impl PamConversation<'_> {
    /// Asks, and gives the answer byte by byte.
    pub(crate) fn bytes(&self, text: &str, echo: Echo) -> Result<SecretBytes, ConversationFault> {
        let conversation = self.conversation.as_ref().ok_or(ConversationFault)?;
        let style = match echo {
            Echo::Hidden => PAM_PROMPT_ECHO_OFF,
            Echo::Shown => PAM_PROMPT_ECHO_ON,
        };
        let answer = conversation.send(style, text).map_err(|_| ConversationFault)?;
        answer.ok_or(ConversationFault)
    }
}

impl Conversation for PamConversation<'_> {
    fn ask(&self, text: &str, echo: Echo) -> Result<Typed, ConversationFault> {
        self.bytes(text, echo).map(|answer| typed(answer.as_bytes()))
    }

    fn tell(&self, text: &str) {
        if let Some(conversation) = &self.conversation {
            // Some applications answer messages with an error; what is said last decides nothing.
            let _ = conversation.send(PAM_ERROR_MSG, text);
        }
    }

    fn say_last(&self, words: &str, question: &str) {
        if self.carrier == Carrier::Plain || words.is_ascii() {
            self.tell(words);
        } else {
            let _ = self.bytes(&format!("\n{}\n{question}", words.trim()), Echo::Hidden);
        }
    }

    fn show(&self, text: &str) {
        if let Some(conversation) = &self.conversation {
            let _ = conversation.send(PAM_TEXT_INFO, text);
        }
    }
}

/// An answer as text. What is too long is no code. Where a password is not UTF-8, there are as many letters as bytes, so
/// that a code at its end is still at its end.
pub(crate) fn typed(bytes: &[u8]) -> Typed {
    if bytes.len() > ANSWER_MAX {
        return Typed::new("not a code".to_owned());
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Typed::new(text.to_owned());
    }
    let letter = |byte: &u8| if byte.is_ascii() { char::from(*byte) } else { 'x' };
    let mut text = String::with_capacity(bytes.len());
    text.extend(bytes.iter().map(letter));
    Typed::new(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_of_an_odd_password_counts() {
        assert_eq!(typed(b"gr\xfc\xdfe123456").text(), "grxxe123456");
        assert_eq!(typed("grüße123456".as_bytes()).text(), "grüße123456");
        assert_eq!(typed(b"\xff").text(), "x");
        assert_eq!(typed(&[b'1'; 513]).text(), "not a code");
    }
}
