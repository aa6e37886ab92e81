//! Runs commands one after the other on a private machine, and writes down the output of each.

use twinlock_tests::{Machine, Otp};

use crate::paper::Paper;

/// The user who has logged in at the terminal on which a command is run.
#[derive(Clone, Copy)]
pub enum Line {
    /// The user with this name.
    Person(&'static str),
    /// Root.
    Root,
    /// No user has logged in.
    Nobody,
}

/// A machine and the transcript of the commands that run on it.
pub struct Script {
    /// The machine on which the commands run.
    pub m: Machine,
    paper: Paper,
    by: Line,
}

impl Script {
    /// Creates a machine without enrolled users, on which kim has logged in.
    pub fn new(name: &str) -> Script {
        Script { m: Machine::new(), paper: Paper::new(name), by: Line::Person("kim") }
    }

    /// Changes who has logged in.
    pub fn by(&mut self, line: Line) -> &mut Script {
        self.by = line;
        self
    }

    /// Removes ada, clears her used codes, and enrolls her again.
    pub fn again(&mut self) {
        self.m.run(["twinlock", "remove", "ada", "--yes"]);
        self.m.run(["rm", "-rf", "/run/twinlock/users/ada"]).ok();
        self.m.enrolled("ada", crate::ADA);
    }

    /// Runs a command in a pipe with the input `typed`.
    pub fn pipe(&mut self, words: &str, typed: &[&str]) {
        let lines = self.typed(typed);
        let input: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let done = self.call(words).input(input).output();
        self.paper.command("pipe", words, typed);
        self.paper.said("out", &done.stdout, &lines);
        self.paper.said("err", &done.stderr, &lines);
        self.paper.exit(done.code);
    }

    /// Runs a command without prompts in a pipe and on a terminal.
    pub fn both(&mut self, words: &str) {
        self.pipe(words, &[]);
        self.terminal(words, &[]);
    }

    /// Runs a command in a pipe as bob, who is not root.
    pub fn unprivileged(&mut self, words: &str) {
        let done = self.call(words).as_user("bob").output();
        self.paper.command("pipe, by bob", words, &[]);
        self.paper.said("out", &done.stdout, &[]);
        self.paper.said("err", &done.stderr, &[]);
        self.paper.exit(done.code);
    }

    /// Runs the twinlock command `words` on a terminal, types one element of `typed` at each prompt, and adds what is
    /// shown to the transcript.
    pub fn terminal(&mut self, words: &str, typed: &[&str]) {
        let lines = self.typed(typed);
        let mut session = self.call(words).open();
        for line in &lines {
            session.expect_one_of(&["continue: ", "(kim): ", "Code of kim: ", "Code of ada: "]);
            session.send_line(line);
        }
        let (code, shown) = (session.exit_code(), session.transcript());
        drop(session);
        self.paper.command("terminal", words, typed);
        self.paper.said("tty", &shown, &lines);
        self.paper.exit(code);
    }

    /// Runs a command on a terminal, to the end of its dialogue with `user`. [`Machine::typed`] explains words in angle
    /// brackets.
    pub fn dialogue(&mut self, user: &str, words: &str, typed: &[&str]) {
        let mut dialogue = self.m.dialogue(user, self.call(words).open());
        dialogue.answer(typed);
        let (shown, code) = (dialogue.written(), dialogue.session().exit_code());
        drop(dialogue);
        self.paper.command("terminal", words, typed);
        self.paper.said("tty", &shown, &[]);
        self.paper.exit(code);
    }

    /// Compares the transcript with its file.
    pub fn finish(self) {
        self.paper.compare();
    }

    fn call(&self, words: &str) -> twinlock_tests::Call<'_> {
        // Clears kim's ledger folder, so that the current code is unused and kim is not throttled.
        self.m.run(["rm", "-rf", "/run/twinlock/users/kim"]).ok();
        let call = self.m.call(format!("twinlock {words}").split_whitespace());
        match self.by {
            Line::Person(user) => call.logged_in(user),
            Line::Root => call,
            Line::Nobody => call.without_a_login(),
        }
    }

    /// Returns the input for `typed`, in which words such as `OWN` and `NEXT` stand for codes of kim.
    fn typed(&self, typed: &[&str]) -> Vec<String> {
        let otp: Otp = self.m.otp("kim");
        let line = |line: &&str| match *line {
            "OWN" => otp.in_steps(0),
            "NEXT" => otp.in_steps(1),
            "WRONG" => otp.wrong(),
            other => other.to_owned(),
        };
        typed.iter().map(line).collect()
    }
}
