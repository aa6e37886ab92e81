//! A program that logs in through libpam. A test decides each answer to a prompt: a text of any length, no text, or no
//! answer at all.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, channel};

use crate::call::{PATIENCE, spawn};
use crate::machine::Machine;

/// Path of Debian's own Python. Python modules of Debian packages work only with it.
const PYTHON: &str = "/usr/bin/python3";
const PROGRAM: &str = include_str!("../host/pam_caller.py");

/// A program that logs in through libpam. A test decides each answer to a prompt, and can start one login after
/// another.
pub struct Caller<'m> {
    machine: &'m Machine,
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    user: String,
    screen: String,
}

/// An answer to a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply<'a> {
    /// The answer is these bytes, as a C string.
    Text(&'a [u8]),
    /// The answer is a null pointer in place of a text.
    Null,
    /// There is no answer: the conversation function fails.
    Fail,
    /// There is no answer: the program ends at the prompt.
    Gone,
}

/// The state of a login after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The login waits for an answer at a prompt.
    Asks,
    /// The login has ended with this PAM code.
    Ended(i32),
    /// The program has ended at a prompt.
    Gone,
}

impl Machine {
    /// Starts the program.
    pub fn caller(&self) -> Caller<'_> {
        let mut command = self.holder().enter();
        // nsenter starts sh, not Python: nsenter stops itself when its child is stopped, and stays stopped when only
        // the child is continued.
        command.args(["sh", "-c", "\"$@\"; exit $?", "sh", PYTHON, "-c", PROGRAM]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = spawn(&mut command);
        let output = BufReader::new(child.stdout.take().expect("stdout is a pipe"));
        let (tell, lines) = channel();
        std::thread::spawn(move || {
            output.lines().map_while(Result::ok).try_for_each(|line| tell.send(line))
        });
        let input = child.stdin.take();
        let (user, screen) = (String::new(), String::new());
        Caller { machine: self, child, input, lines, user, screen }
    }
}

impl Caller<'_> {
    /// Begins a login of `user` through the PAM service `service`, from the address `source`. Waits for the first
    /// prompt or the end of the login.
    #[track_caller]
    pub fn login(&mut self, service: &str, user: &str, source: &str) -> Next {
        user.clone_into(&mut self.user);
        self.screen.clear();
        self.write(&format!("login {service} {user} {source}\n"));
        self.wait()
    }

    /// Answers the prompt, then waits for the next prompt or the end of the login.
    #[track_caller]
    pub fn reply(&mut self, reply: Reply<'_>) -> Next {
        self.send(reply);
        self.wait()
    }

    /// Answers the prompt and returns without waiting.
    pub fn send(&mut self, reply: Reply<'_>) {
        match reply {
            Reply::Text(text) => {
                let hex: String = text.iter().map(|byte| format!("{byte:02x}")).collect();
                self.write(&format!("text {hex}\n"));
            }
            Reply::Null => self.write("null\n"),
            Reply::Fail => self.write("fail\n"),
            Reply::Gone => drop(self.input.take()),
        }
        self.screen.push('\n');
    }

    /// Answers prompts with `words`, one after another, until there is no further word or no further prompt. Words in
    /// angle brackets stand for codes, see [`Machine::typed`].
    #[track_caller]
    pub fn type_all(&mut self, words: &[&str]) -> Next {
        let mut next = Next::Asks;
        for word in words {
            let text = self.machine.typed(&self.user, &self.screen, word);
            next = self.reply(Reply::Text(text.as_bytes()));
            if next != Next::Asks {
                break;
            }
        }
        next
    }

    /// Runs a whole login of ada through the service `bare`, from the address `source`, and returns whether it
    /// succeeded. Prompts are answered with `words`, one after another, and further ones with an empty text. Words in
    /// angle brackets stand for codes, see [`Machine::typed`].
    #[track_caller]
    pub fn gets_in(&mut self, source: &str, words: &[&str]) -> bool {
        let mut next = self.login("bare", "ada", source);
        if next == Next::Asks {
            next = self.type_all(words);
        }
        while next == Next::Asks {
            next = self.reply(Reply::Text(b""));
        }
        next == Next::Ended(0)
    }

    /// Returns all text that the login has shown.
    pub fn screen(&self) -> &str {
        &self.screen
    }

    fn write(&mut self, line: &str) {
        let input = self.input.as_mut().expect("a program that goes on");
        input.write_all(line.as_bytes()).expect("a program that reads its lines");
    }

    /// Waits for the next prompt or the end of the login.
    #[track_caller]
    pub fn wait(&mut self) -> Next {
        loop {
            let Ok(line) = self.lines.recv_timeout(PATIENCE) else {
                assert!(self.input.is_none(), "the caller has ended at: {}", self.screen);
                return Next::Gone;
            };
            let (kind, rest) = line.split_once(' ').expect("a word and what goes with it");
            match kind {
                "end" => return Next::Ended(rest.parse().expect("PAM's code")),
                "asked" => {
                    self.screen.push_str(&decoded(rest));
                    return Next::Asks;
                }
                _ => self.screen.push_str(&format!("{}\n", decoded(rest))),
            }
        }
    }
}

impl Drop for Caller<'_> {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.wait();
    }
}

fn decoded(hex: &str) -> String {
    let digit = |at: usize| hex.get(at..at + 2).and_then(|two| u8::from_str_radix(two, 16).ok());
    let bytes: Vec<u8> = (0..hex.len()).step_by(2).filter_map(digit).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}
