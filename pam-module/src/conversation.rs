//! Implements the conversation port of twinlock-core with libpam's conversation function.

use std::cell::RefCell;

use pam::{
    constants::{
        PAM_ERROR_MSG, PAM_PROMPT_ECHO_OFF, PAM_PROMPT_ECHO_ON, PAM_TEXT_INFO, PamMessageStyle,
    },
    conv::Conv,
    secret::SecretBytes,
};
use twinlock_core::{
    answer::ANSWER_MAX,
    base::{request::Source, secret::Typed},
    policy::Echo,
    ports::{Conversation, ConversationError},
};

/// A conversation with the user through the application's conversation function.
pub(crate) struct PamConversation<'a> {
    /// The function from libpam; `None` if the application has none.
    pub(crate) conversation: Option<Conv<'a>>,
    /// How messages reach the user, which differs between programs.
    pub(crate) carrier: Carrier,
    /// Messages that have not been sent yet. They are sent before the next question. `None` if each message is sent at
    /// once.
    pub(crate) unsent: Option<RefCell<Vec<String>>>,
}

/// How messages reach the user.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carrier {
    /// OpenSSH's client. It shows a message separately unless a question follows. Characters beyond ASCII appear in
    /// octal.
    Ssh,
    /// A terminal of the host. Messages arrive unchanged.
    Terminal,
    /// A program that a local user runs, such as sudo. The user may replace every prompt, as `sudo -p` does.
    Local,
    /// A program without a terminal, such as a web application.
    Program,
}

impl Carrier {
    pub(crate) fn of(source: &Source, screen: UserScreen) -> Self {
        match (source, screen) {
            (Source::Uid(_), _) => Self::Local,
            (_, UserScreen::None) => Self::Program,
            (Source::Address(_), UserScreen::Terminal) => Self::Ssh,
            (Source::Tty(_) | Source::Agent(_) | Source::Unknown, UserScreen::Terminal) => {
                Self::Terminal
            }
        }
    }
}

/// The screen of the user, as far as the calling program reports it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum UserScreen {
    /// A terminal, local or behind sshd.
    Terminal,
    /// The user has no terminal, for example in a web application.
    None,
}

/// Splits a question into two parts: the text before its last line, and its last line.
fn in_parts(text: &str) -> (&str, &str) {
    match text.rsplit_once('\n') {
        Some((before, question)) => (before.trim_matches('\n'), question),
        None => ("", text),
    }
}

impl PamConversation<'_> {
    /// Asks a question and returns the answer as bytes.
    ///
    /// If the program may replace the prompt, sends all lines except the last one as a message, which no program
    /// replaces. In this case, also hides the answer, because the prompt in place of this one may have asked for a
    /// password.
    pub(crate) fn bytes(&self, text: &str, echo: Echo) -> Result<SecretBytes, ConversationError> {
        let conversation = self.conversation.as_ref().ok_or(ConversationError)?;
        self.send_unsent();
        let (before, question) =
            if self.carrier == Carrier::Local { in_parts(text) } else { ("", text) };
        if !before.is_empty() {
            self.show(before);
        }
        let style = match echo {
            Echo::Shown if self.carrier != Carrier::Local => PAM_PROMPT_ECHO_ON,
            Echo::Shown | Echo::Hidden => PAM_PROMPT_ECHO_OFF,
        };
        let answer = conversation.send(style, question).map_err(|_| ConversationError)?;
        answer.ok_or(ConversationError)
    }

    /// Sends the messages that are still waiting to be sent.
    pub(crate) fn send_unsent(&self) {
        for text in self.take_unsent() {
            self.send(PAM_ERROR_MSG, &text);
        }
    }

    /// Returns the messages that are still waiting to be sent, and removes them from this conversation.
    pub(crate) fn take_unsent(&self) -> Vec<String> {
        self.unsent.as_ref().map(RefCell::take).unwrap_or_default()
    }

    fn send(&self, style: PamMessageStyle, text: &str) {
        if let Some(conversation) = &self.conversation {
            // Some applications return an error for a message. This is ignored, because a message does not decide about
            // the login.
            let _ = conversation.send(style, text);
        }
    }
}

impl Conversation for PamConversation<'_> {
    fn ask(&self, text: &str, echo: Echo) -> Result<Typed, ConversationError> {
        self.bytes(text, echo).map(|answer| typed(answer.as_bytes()))
    }

    fn is_terminal(&self) -> bool {
        self.carrier != Carrier::Program
    }

    fn tell(&self, text: &str) {
        match &self.unsent {
            Some(unsent) => unsent.borrow_mut().push(text.to_owned()),
            None => self.send(PAM_ERROR_MSG, text),
        }
    }

    fn say_last(&self, words: &str, question: &str) {
        if self.carrier != Carrier::Ssh || words.is_ascii() {
            self.tell(words);
        } else {
            let _ = self.bytes(&format!("\n{}\n{question}", words.trim()), Echo::Hidden);
        }
    }

    fn show(&self, text: &str) {
        self.send_unsent();
        self.send(PAM_TEXT_INFO, text);
    }
}

/// Returns an answer as text. An answer that is too long is replaced by a text that is not a code. In an answer that is
/// not UTF-8, each byte becomes one character, so that a code after the password stays at the end.
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
    fn questions_are_their_last_lines() {
        assert_eq!(in_parts("Verification code: "), ("", "Verification code: "));
        assert_eq!(in_parts("\nMenu:\n  1  App\nChoose: "), ("Menu:\n  1  App", "Choose: "));
        assert_eq!(in_parts("\nWrong.\n\n"), ("Wrong.", ""));
    }

    #[test]
    fn local_users_source_outweighs_the_screen() {
        for screen in [UserScreen::Terminal, UserScreen::None] {
            assert!(Carrier::of(&Source::Uid(1000), screen) == Carrier::Local);
        }
        assert!(Carrier::of(&Source::Unknown, UserScreen::None) == Carrier::Program);
        assert!(
            Carrier::of(&Source::Tty("tty1".into()), UserScreen::Terminal) == Carrier::Terminal
        );
    }

    #[test]
    fn every_byte_of_an_odd_password_counts() {
        assert_eq!(typed(b"gr\xfc\xdfe123456").text(), "grxxe123456");
        assert_eq!(typed("grüße123456".as_bytes()).text(), "grüße123456");
        assert_eq!(typed(b"\xff").text(), "x");
        assert_eq!(typed(&[b'1'; 513]).text(), "not a code");
    }
}
