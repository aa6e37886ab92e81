//! A verb that talks at a terminal, killed or refused by the disk, again and again from one state of twinlock's folders.

use nix::errno::Errno;

use crate::cut;
use crate::extent::thorough;
use crate::machine::Machine;

/// What changes something; the other calls are struck where everything is tried.
const CHANGING: [&str; 7] =
    ["fsync", "renameat2", "unlinkat", "symlinkat", "mkdirat", "fchmod", "utimensat"];
/// As disks refuse.
const REFUSALS: [(&str, Errno); 3] =
    [("renameat2", Errno::EIO), ("fsync", Errno::ENOSPC), ("fchmod", Errno::EROFS)];

/// A dialogue with somebody, and what is answered there.
pub struct CutDialogue<'m> {
    machine: &'m Machine,
    words: Vec<String>,
    user: String,
    answers: &'m [&'m str],
}

/// How a dialogue has ended.
pub struct Outcome {
    /// Everything shown.
    pub screen: String,
    /// The exit status, 128 + N where signal N ended it.
    pub code: Option<i32>,
    /// Which call was struck, and how.
    pub blow: String,
}

impl Outcome {
    /// What was shown, on one line.
    pub fn said(&self) -> String {
        self.screen.replace("\r\n", " ")
    }
}

impl Machine {
    /// `twinlock` with these words, by somebody who has logged in as `user`, from the state that stands now.
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
    /// Goes through the dialogue as far as it comes.
    pub fn run(&self, blow: String) -> Outcome {
        cut::back(self.machine);
        let call = self.machine.call(self.words.clone()).logged_in(&self.user);
        let call = call.strace("/tmp/trace", &["-s", "200", "-e", &blow]);
        let mut all = self.machine.dialogue(&self.user, call.open());
        let code = all.answer_while_asked(self.answers);
        Outcome { screen: all.screen(), code, blow }
    }

    /// Kills it at each call between two texts; what each left.
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

    /// Has the disk refuse each call of a kind, until none is left; `is_done` says whether the dialogue came through.
    pub fn refused(&self, mut is_done: impl FnMut(&Outcome) -> bool) {
        for (call, errno) in REFUSALS {
            let blow = |nth| format!("inject={call}:error={errno:?}:when={nth}");
            assert!(!is_done(&self.run(blow(1))), "no {call} was refused");
            (2..).take_while(|nth| !is_done(&self.run(blow(*nth)))).for_each(drop);
        }
    }
}
