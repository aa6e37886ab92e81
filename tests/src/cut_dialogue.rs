//! Repeats a command with a dialogue from one saved state, and kills it or makes its system calls fail.

use nix::errno::Errno;

use crate::cut;
use crate::extent::thorough;
use crate::machine::Machine;

/// Names of system calls that change files. Tests try other calls only if [`crate::thorough`] is true.
const CHANGING: [&str; 7] =
    ["fsync", "renameat2", "unlinkat", "symlinkat", "mkdirat", "fchmod", "utimensat"];
/// System calls, each with an error that a failing disk returns.
const REFUSALS: [(&str, Errno); 3] =
    [("renameat2", Errno::EIO), ("fsync", Errno::ENOSPC), ("fchmod", Errno::EROFS)];

/// A command with a dialogue, and the user's answers.
pub struct CutDialogue<'m> {
    machine: &'m Machine,
    words: Vec<String>,
    user: String,
    answers: &'m [&'m str],
}

/// How a run of the dialogue ended.
pub struct CutOutcome {
    /// Everything that was shown.
    pub screen: String,
    /// The exit status, 128 + N if signal N ended it.
    pub code: Option<i32>,
    /// The system call that was killed or failed, as an option of strace.
    pub blow: String,
}

impl CutOutcome {
    /// Returns everything that was shown, as one line.
    pub fn said(&self) -> String {
        self.screen.replace("\r\n", " ")
    }
}

impl Machine {
    /// Prepares the command line `twinlock WORDS`, run by the user who has logged in as `user`, and saves the current
    /// state.
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
    /// Restores the state and runs the dialogue. `blow` is the option of strace that kills the command or makes a call
    /// fail.
    pub fn run(&self, blow: String) -> CutOutcome {
        cut::back(self.machine);
        let call = self.machine.call(self.words.clone()).logged_in(&self.user);
        let call = call.strace("/tmp/trace", &["-s", "200", "-e", &blow]);
        let mut all = self.machine.dialogue(&self.user, call.open());
        let code = all.answer_while_asked(self.answers);
        CutOutcome { screen: all.screen(), code, blow }
    }

    /// Repeats the dialogue and kills it once at each system call between the texts `from` and `to`. Calls `left` after
    /// each run and returns its results.
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

    /// Repeats the dialogue. In the n-th run, the n-th call of each kind fails; ends when a run has fewer calls.
    /// `is_done` returns whether a dialogue succeeded nevertheless.
    pub fn refused(&self, mut is_done: impl FnMut(&CutOutcome) -> bool) {
        for (call, errno) in REFUSALS {
            let blow = |nth| format!("inject={call}:error={errno:?}:when={nth}");
            assert!(!is_done(&self.run(blow(1))), "no {call} was refused");
            (2..).take_while(|nth| !is_done(&self.run(blow(*nth)))).for_each(drop);
        }
    }
}
