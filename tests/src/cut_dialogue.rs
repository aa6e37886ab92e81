//! Repeats a verb with a terminal dialogue from one saved state, and kills it or fails its system calls.

use nix::errno::Errno;

use crate::cut;
use crate::extent::thorough;
use crate::machine::Machine;

/// Calls that change files; the others are struck only with [`crate::thorough`].
const CHANGING: [&str; 7] =
    ["fsync", "renameat2", "unlinkat", "symlinkat", "mkdirat", "fchmod", "utimensat"];
/// Errors of a failing disk.
const REFUSALS: [(&str, Errno); 3] =
    [("renameat2", Errno::EIO), ("fsync", Errno::ENOSPC), ("fchmod", Errno::EROFS)];

/// A dialogue with a user, and the answers.
pub struct CutDialogue<'m> {
    machine: &'m Machine,
    words: Vec<String>,
    user: String,
    answers: &'m [&'m str],
}

/// How a dialogue ended.
pub struct Outcome {
    /// Everything shown.
    pub screen: String,
    /// The exit status, 128 + N if signal N ended it.
    pub code: Option<i32>,
    /// Which call was struck, and how.
    pub blow: String,
}

impl Outcome {
    /// Returns what was shown, as one line.
    pub fn said(&self) -> String {
        self.screen.replace("\r\n", " ")
    }
}

impl Machine {
    /// Prepares a dialogue of `twinlock` with these words, by a user who has logged in as `user`, and saves the current
    /// state.
    pub fn cut_dialogue<'m>(
        &'m self,
        (user, words): (&str, &str),
        answers: &'m [&'m str],
    ) -> CutDialogue<'m> {
        cut::keep(self);
        let words = ["twinlock"].into_iter().chain(words.split(' ')).map(str::to_owned).collect();
        CutDialogue { machine: self, words, user: user.to_owned(), answers }
    }
}

impl CutDialogue<'_> {
    /// Runs the dialogue to its end or failure.
    pub fn run(&self, blow: String) -> Outcome {
        cut::back(self.machine);
        let call = self.machine.call(self.words.clone()).logged_in(&self.user);
        let call = call.strace("/tmp/trace", &["-s", "200", "-e", &blow]);
        let mut all = self.machine.dialogue(&self.user, call.open());
        let code = all.answer_while_asked(self.answers);
        Outcome { screen: all.screen(), code, blow }
    }

    /// Kills it at each call between two texts; returns what `left` makes of each outcome.
    #[track_caller]
    pub fn killed<T>(&self, (from, to): (&str, &str), left: impl Fn(&Outcome) -> T) -> Vec<T> {
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

    /// Fails the n-th call of each kind, until a run has fewer calls. `is_done` reports whether the dialogue succeeded.
    pub fn refused(&self, mut is_done: impl FnMut(&Outcome) -> bool) {
        for (call, errno) in REFUSALS {
            let blow = |nth| format!("inject={call}:error={errno:?}:when={nth}");
            assert!(!is_done(&self.run(blow(1))), "no {call} was refused");
            (2..).take_while(|nth| !is_done(&self.run(blow(*nth)))).for_each(drop);
        }
    }
}
