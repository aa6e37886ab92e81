//! A dialogue on a terminal. Each prompt is answered when it is shown, and everything is recorded.

use crate::machine::Machine;
use crate::session::Session;
use crate::transcript;

/// A session at a terminal whose prompts are answered from what is on the screen.
pub struct Dialogue<'m> {
    machine: &'m Machine,
    user: String,
    session: Session<'m>,
    typed: Vec<TypedAnswer>,
}

/// One answer: the length of the output before it, its text, and its placeholder in the transcript.
pub(crate) struct TypedAnswer {
    pub(crate) at: usize,
    pub(crate) text: String,
    pub(crate) written: String,
}

impl Machine {
    /// Returns a dialogue in which `user` answers the prompts of a session.
    pub fn dialogue<'m>(&'m self, user: &str, session: Session<'m>) -> Dialogue<'m> {
        Dialogue { machine: self, user: user.to_owned(), session, typed: Vec::new() }
    }
}

impl<'m> Dialogue<'m> {
    /// Answers the next prompts, each with one word of `words`. [`Machine::typed`] explains words in angle brackets.
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

    /// Answers prompts with the words, and further prompts with empty lines until the end. Returns the exit status.
    pub fn answer_while_asked(&mut self, words: &[&str]) -> Option<i32> {
        for word in words {
            if !self.asks() {
                break;
            }
            self.answer(&[word]);
        }
        self.session.give_up()
    }

    /// Returns everything shown so far.
    pub fn screen(&self) -> String {
        self.session.transcript()
    }

    /// Waits for a prompt or the end. Returns `true` for a prompt.
    pub fn asks(&self) -> bool {
        self.session.asks() == Some(true)
    }

    /// Waits for the next prompt. Returns everything shown so far.
    #[track_caller]
    pub fn next_prompt(&mut self) -> String {
        self.session.until_a_prompt();
        self.session.transcript()
    }

    /// Returns the session, for actions that a dialogue does not have.
    pub fn session(&mut self) -> &mut Session<'m> {
        &mut self.session
    }

    /// Waits for the end of the session. Returns whether the login reached a shell or command.
    #[track_caller]
    pub fn logged_in(&mut self) -> bool {
        self.session.logged_in()
    }

    /// Waits for the end of the session. Returns everything shown, with placeholders for texts that vary.
    #[track_caller]
    pub fn written(&mut self) -> String {
        self.session.exit_code();
        transcript::written(&self.session.transcript(), &self.typed)
    }

    /// Waits for the end of the session, and compares everything shown with the transcript `name`.
    #[track_caller]
    pub fn is_as_written(&mut self, name: &str) -> &mut Self {
        let written = self.written();
        transcript::compare(name, &written);
        self
    }
}
