//! A command that is cut off, killed or refused by the disk, again and again from one state of twinlock's folders.

use nix::errno::Errno;

use crate::call::Finished;
use crate::machine::Machine;
use crate::tracer::{Blow, Part, Place};

const KEEP: &str = "rm -rf /tmp/kept; mkdir /tmp/kept; \
    cp -a --parents /var/lib/twinlock /run/twinlock /etc/twinlock /tmp/kept";
const BACK: &str = "cd /tmp/kept; for folder in var/lib/twinlock run/twinlock etc/twinlock; do \
    find /$folder -mindepth 1 -delete; cp -a $folder/. /$folder; done; rm -f /root/report*";
const LEFT: &str = "find /var/lib/twinlock /run/twinlock /etc/twinlock -name 'tmp.*' -o \
    -name 'epoch.?*' -o -name 'twinlock.toml.?*' -o -name 'settings.good.?*'";
const ALL: Part = Part { from: "/etc/twinlock/twinlock.toml", to: "nothing of this name" };

/// A command, and the state before it.
pub struct Cut<'m> {
    machine: &'m Machine,
    words: Vec<String>,
    input: String,
}

impl Place {
    /// Whether a call changes anything; the others are struck where everything is tried.
    pub fn writes(&self) -> bool {
        let call = self.what.split(' ').next().unwrap_or_default();
        let changing = [
            "mkdirat",
            "symlinkat",
            "write",
            "fchmod",
            "fchown",
            "fsync",
            "renameat",
            "renameat2",
            "unlinkat",
            "utimensat",
            "linkat",
            "sendto",
        ];
        changing.contains(&call) || self.what.contains("/tmp.")
    }
}

impl Machine {
    /// `twinlock` with these words and this input, from the state that stands now.
    pub fn cut(&self, words: &str, input: &str) -> Cut<'_> {
        self.run(["sh", "-c", KEEP]).ok();
        let words = ["twinlock"].into_iter().chain(words.split(' ')).map(str::to_owned).collect();
        Cut { machine: self, words, input: input.to_owned() }
    }
}

impl Cut<'_> {
    /// The state before the command stands again.
    pub fn back(&self) {
        self.machine.run(["sh", "-c", BACK]).ok();
    }

    /// Runs it to its end, from wherever things stand.
    pub fn again(&self) -> Finished {
        self.machine.call(self.words.clone()).input(&self.input).output()
    }

    /// Its system calls where nobody strikes: those that `chosen` takes.
    #[track_caller]
    pub fn places(&self, chosen: impl Fn(&Place) -> bool) -> Vec<Place> {
        let mut places = self.struck(None);
        places.retain(chosen);
        assert!(places.len() > 1, "{:?} changes nothing: {places:?}", self.words);
        places
    }

    /// Kills it there, from the state before it.
    #[track_caller]
    pub fn killed(&self, place: &Place) {
        self.struck(Some((place, Blow::Kill)));
    }

    fn struck<'a>(&self, blow: Option<(&'a Place, Blow<'a>)>) -> Vec<Place> {
        self.back();
        let killed = blow.is_some();
        let argv: Vec<&str> = self.words.iter().map(String::as_str).collect();
        let ended = self.machine.struck((&argv, &self.input), ALL, blow);
        let wanted = if killed { None } else { Some(0) };
        assert_eq!(ended.code, wanted, "{:?}", self.words);
        ended.places
    }

    /// Runs it from the state before it; whichever of its processes makes its n-th call of that name first is killed.
    pub fn shot(&self, (call, nth): (&str, usize)) -> Finished {
        self.struck_by(&format!("inject={call}:signal=SIGKILL:when={nth}"))
    }

    /// Runs it from the state before it; its n-th call of that name fails so.
    pub fn refused(&self, (call, errno, nth): (&str, Errno, usize)) -> Finished {
        self.struck_by(&format!("inject={call}:error={errno:?}:when={nth}"))
    }

    fn struck_by(&self, inject: &str) -> Finished {
        self.back();
        let command = self.machine.call(self.words.clone()).input(&self.input);
        command.strace("/dev/null", &["-e", inject]).output()
    }

    /// What lies about of commands that were cut off.
    pub fn left(&self) -> String {
        self.machine.run(["sh", "-c", LEFT]).ok().to_owned()
    }
}
