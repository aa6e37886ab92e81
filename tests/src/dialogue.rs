//! A dialogue at a terminal: each prompt is answered when it appears, and all output is recorded.

use crate::machine::Machine;
use crate::session::Session;
use crate::transcript;

/// A session at a terminal. A test answers its prompts, also with codes that it reads from the screen.
pub struct Dialogue<'m> {
    machine: &'m Machine,
    user: String,
    session: Session<'m>,
    typed: Vec<TypedAnswer>,
}

/// An answer that was typed: the number of bytes that were shown before it (`at`), its text, and the text that stands
/// for it in a transcript (`written`).
pub(crate) struct TypedAnswer {
    pub(crate) at: usize,
    pub(crate) text: String,
    pub(crate) written: String,
}

impl Machine {
    /// Starts a dialogue in which `user` answers the prompts of the session.
    pub fn dialogue<'m>(&'m self, user: &str, session: Session<'m>) -> Dialogue<'m> {
        Dialogue { machine: self, user: user.to_owned(), session, typed: Vec::new() }
    }
}

impl<'m> Dialogue<'m> {
    /// Answers the next prompts, each with one of `words`. Words in angle brackets stand for codes, see
    /// [`Machine::typed`].
    #[track_caller]
    pub fn answer(&mut self, words: &[&str]) -> &mut Self {
        for word in words {
            self.session.until_a_prompt();
            let screen = self.session.transcript();
            let text = self.machine.typed(&self.user, &screen, word);
            let written = if *word == "<group>" { "XXXX" } else { &text };
            self.typed.push(TypedAnswer {
                at: screen.len(),
                written: written.to_owned(),
                text: text.clone(),
            });
            self.session.send_line(&text);
        }
        self
    }

    /// Answers prompts with `words`, one after another, and further prompts with empty lines. Words in angle brackets
    /// stand for codes, see [`Machine::typed`]. Returns the exit code at the end.
    pub fn answer_while_asked(&mut self, words: &[&str]) -> Option<i32> {
        for word in words {
            if !self.asks() {
                break;
            }
            self.answer(&[word]);
        }
        self.session.give_up()
    }

    /// Returns all text shown so far.
    pub fn screen(&self) -> String {
        self.session.transcript()
    }

    /// Waits for a prompt or the end of the session. Returns `true` for a prompt.
    pub fn asks(&self) -> bool {
        self.session.asks() == Some(true)
    }

    /// Waits for the next prompt. Returns all text shown so far.
    #[track_caller]
    pub fn next_prompt(&mut self) -> String {
        self.session.until_a_prompt();
        self.session.transcript()
    }

    /// Returns the session, for operations that a `Dialogue` does not have.
    pub fn session(&mut self) -> &mut Session<'m> {
        &mut self.session
    }

    /// Waits for the end of the session. Returns whether the login reached a shell or command.
    #[track_caller]
    pub fn logged_in(&mut self) -> bool {
        self.session.logged_in()
    }

    /// Waits for the end of the session. Returns all text shown, with placeholders in place of what varies between
    /// runs.
    #[track_caller]
    pub fn written(&mut self) -> String {
        self.session.exit_code();
        transcript::written(&self.session.transcript(), &self.typed)
    }

    /// Waits for the end of the session, and compares all text shown with the transcript `name`.
    #[track_caller]
    pub fn is_as_written(&mut self, name: &str) -> &mut Self {
        let written = self.written();
        transcript::compare(name, &written);
        self
    }
}
