//! A dialogue on a terminal: each prompt is answered when it stands there, and the whole is written down.

use crate::machine::Machine;
use crate::session::Session;
use crate::transcript;

/// A session at whose prompts somebody answers who reads the screen.
pub struct Dialogue<'m> {
    machine: &'m Machine,
    user: String,
    session: Session<'m>,
    typed: Vec<Typed>,
}

/// One answer: how much was shown when it was typed, what it was, and what is written down for it.
pub(crate) struct Typed {
    pub(crate) at: usize,
    pub(crate) text: String,
    pub(crate) written: String,
}

impl Machine {
    /// The session's prompts are answered by `user`.
    pub fn dialogue<'m>(&'m self, user: &str, session: Session<'m>) -> Dialogue<'m> {
        Dialogue { machine: self, user: user.to_owned(), session, typed: Vec::new() }
    }
}

impl<'m> Dialogue<'m> {
    /// Answers one prompt after the other; for words in pointed brackets see [`Machine::typed`].
    #[track_caller]
    pub fn answer(&mut self, words: &[&str]) -> &mut Self {
        for word in words {
            self.session.until_a_prompt();
            let screen = self.session.transcript();
            let text = self.machine.typed(&self.user, (&screen, word));
            let written = if *word == "<group>" { "XXXX" } else { &text };
            self.typed.push(Typed {
                at: screen.len(),
                written: written.to_owned(),
                text: text.clone(),
            });
            self.session.send_line(&text);
        }
        self
    }

    /// Answers as far as the dialogue comes, and then with nothing until its end; the exit status.
    pub fn answer_while_asked(&mut self, words: &[&str]) -> Option<i32> {
        for word in words {
            if !self.asks() {
                break;
            }
            self.answer(&[word]);
        }
        self.session.give_up()
    }

    /// Everything shown so far.
    pub fn screen(&self) -> String {
        self.session.transcript()
    }

    /// Waits for a prompt or the end, and says whether it is a prompt.
    pub fn asks(&self) -> bool {
        self.session.asks() == Some(true)
    }

    /// Waits for the next prompt, and says everything shown so far.
    #[track_caller]
    pub fn next_prompt(&mut self) -> String {
        self.session.until_a_prompt();
        self.session.transcript()
    }

    /// The session, for what a dialogue cannot do.
    pub fn session(&mut self) -> &mut Session<'m> {
        &mut self.session
    }

    /// Waits for the end, and says whether a shell or command was reached.
    #[track_caller]
    pub fn logged_in(&mut self) -> bool {
        self.session.logged_in()
    }

    /// Waits for the end, and gives all that was shown, with placeholders for what is another each time.
    #[track_caller]
    pub fn written(&mut self) -> String {
        self.session.exit_code();
        transcript::written(&self.session.transcript(), &self.typed)
    }

    /// Waits for the end, and holds all that was shown against the transcript of that name.
    #[track_caller]
    pub fn is_as_written(&mut self, name: &str) -> &mut Self {
        let written = self.written();
        transcript::compare(name, &written);
        self
    }
}
