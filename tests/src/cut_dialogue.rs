//! Runs a command with a dialogue several times, each time from the same saved state. In each run, kills the command
//! or makes one of its system calls fail.

use nix::errno::Errno;

use crate::cut;
use crate::extent::thorough;
use crate::machine::Machine;

/// Names of system calls that change files. Unless [`crate::thorough`] returns `true`, tests try only these.
const CHANGING: [&str; 7] =
    ["fsync", "renameat2", "unlinkat", "symlinkat", "mkdirat", "fchmod", "utimensat"];
/// Names of system calls, each with an error that it returns if the disk fails.
const REFUSALS: [(&str, Errno); 3] =
    [("renameat2", Errno::EIO), ("fsync", Errno::ENOSPC), ("fchmod", Errno::EROFS)];

/// A command with a dialogue that is repeated, and the answers to its prompts.
pub struct CutDialogue<'m> {
    machine: &'m Machine,
    words: Vec<String>,
    user: String,
    answers: &'m [&'m str],
}

/// Result of one run of the dialogue.
pub struct CutOutcome {
    /// All text that was shown.
    pub screen: String,
    /// The exit code; 128 + N if signal N ended the command; `None` if neither is known.
    pub code: Option<i32>,
    /// What was done to a system call, as an option of strace.
    pub blow: String,
}

impl CutOutcome {
    /// Returns all text that was shown, joined to one line.
    pub fn said(&self) -> String {
        self.screen.replace("\r\n", " ")
    }
}

impl Machine {
    /// Prepares the command line `twinlock WORDS` in a session of `user`, and saves the present state. `answers` are
    /// the answers to its prompts.
    pub fn cut_dialogue<'m>(
        &'m self,
        user: &str,
        words: &str,
        answers: &'m [&'m str],
    ) -> CutDialogue<'m> {
        cut::keep(self);
        let words = ["twinlock"].into_iter().chain(words.split(' ')).map(str::to_owned).collect();
        CutDialogue { machine: self, words, user: user.to_owned(), answers }
    }
}

impl CutDialogue<'_> {
    /// Restores the saved state and runs the dialogue. `blow` is an option of strace that kills the command or makes
    /// one of its system calls fail.
    pub fn run(&self, blow: String) -> CutOutcome {
        cut::back(self.machine);
        let call = self.machine.call(self.words.clone()).logged_in(&self.user);
        let call = call.strace("/tmp/trace", &["-s", "200", "-e", &blow]);
        let mut all = self.machine.dialogue(&self.user, call.open());
        let code = all.answer_while_asked(self.answers);
        CutOutcome { screen: all.screen(), code, blow }
    }

    /// Kills the dialogue once at each system call between the output of the texts `from` and `to`, each time from the
    /// saved state. Returns what `left` returns after each run.
    #[track_caller]
    pub fn killed<T>(&self, from: &str, to: &str, left: impl Fn(&CutOutcome) -> T) -> Vec<T> {
        let whole = self.run("trace=all".into());
        assert_eq!(whole.code, Some(0), "{}", whole.screen);
        let mut places = self.machine.trace("/tmp/trace").places(from, to);
        places.retain(|(call, _)| thorough() || CHANGING.contains(&call.as_str()));
        assert!(places.len() > 8, "{places:?}");
        let blow = |(call, nth)| format!("inject={call}:signal=KILL:when={nth}");
        let killed = places.into_iter().map(|place| self.run(blow(place)));
        let checked = killed.inspect(|cut| {
            assert_eq!(cut.code, Some(128 + 9), "{}: {}", cut.blow, cut.screen);
        });
        checked.map(|cut| left(&cut)).collect()
    }

    /// Makes system calls of the dialogue fail, each time from the saved state. For each system call in `REFUSALS`, the
    /// first call fails in the first run, the second call in the second run, and so on, until `is_done` returns `true`
    /// because a run succeeded.
    pub fn refused(&self, mut is_done: impl FnMut(&CutOutcome) -> bool) {
        for (call, errno) in REFUSALS {
            let blow = |nth| format!("inject={call}:error={errno:?}:when={nth}");
            assert!(!is_done(&self.run(blow(1))), "no {call} was refused");
            (2..).take_while(|nth| !is_done(&self.run(blow(*nth)))).for_each(drop);
        }
    }
}
