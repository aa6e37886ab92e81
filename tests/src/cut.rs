//! A command that is cut off, killed or refused by the disk, again and again from one state of twinlock's folders.

use nix::errno::Errno;

use crate::call::Finished;
use crate::machine::Machine;
use crate::tracer::{Blow, Ended, Part, Place};

const KEEP: &str = "rm -rf /tmp/kept; mkdir /tmp/kept; \
    for folder in /var/lib/twinlock /run/twinlock /etc/twinlock; do \
    [ ! -d $folder ] || cp -a --parents $folder /tmp/kept; done";
/// What was not there before is not there again.
const BACK: &str = "cd /tmp/kept; for folder in var/lib/twinlock run/twinlock etc/twinlock; do \
    [ ! -d /$folder ] || find /$folder -mindepth 1 -delete; \
    if [ -d $folder ]; then mkdir -p /$folder; cp -a $folder/. /$folder; \
    elif [ -d /$folder ]; then rmdir /$folder; fi; done; rm -f /root/report*";
const LEFT: &str = "find /var/lib/twinlock /run/twinlock /etc/twinlock -name 'tmp.*' -o \
    -name 'epoch.?*' -o -name 'twinlock.toml.?*' -o -name 'settings.good.?*' -o \
    -name 'rules.toml.?*' -o -name 'store-id.?*' -o -name 'clock.?*'";
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
        keep(self);
        let words = ["twinlock"].into_iter().chain(words.split(' ')).map(str::to_owned).collect();
        Cut { machine: self, words, input: input.to_owned() }
    }
}

/// The state that stands now is come back to.
pub(crate) fn keep(machine: &Machine) {
    machine.run(["sh", "-c", KEEP]).ok();
}

pub(crate) fn back(machine: &Machine) {
    machine.run(["sh", "-c", BACK]).ok();
}

impl Cut<'_> {
    /// The state before the command stands again.
    pub fn back(&self) {
        back(self.machine);
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

    /// That call of it fails so, from the state before it.
    #[track_caller]
    pub fn failed(&self, place: &Place, errno: Errno) -> Ended {
        let ended = self.run(Some((place, Blow::Fail(errno))));
        assert!(ended.struck, "{:?}: {place:?} is not met: {}", self.words, ended.said);
        ended
    }

    /// Stops it there, from the state before it, until `meanwhile` is done.
    pub fn held(&self, place: &Place, meanwhile: &mut dyn FnMut()) -> Ended {
        self.run(Some((place, Blow::Hold(meanwhile))))
    }

    fn struck<'a>(&self, blow: Option<(&'a Place, Blow<'a>)>) -> Vec<Place> {
        let wanted = if blow.is_some() { None } else { Some(0) };
        let place = blow.as_ref().map(|(place, _)| *place);
        let ended = self.run(blow);
        assert_eq!(ended.code, wanted, "{:?} {place:?}: {}", self.words, ended.said);
        ended.places
    }

    fn run<'a>(&self, blow: Option<(&'a Place, Blow<'a>)>) -> Ended {
        self.back();
        let argv: Vec<&str> = self.words.iter().map(String::as_str).collect();
        self.machine.struck((&argv, &self.input), ALL, blow)
    }

    /// Runs it from the state before it; its n-th call of that name fails so.
    pub fn refused(&self, (call, errno, nth): (&str, Errno, usize)) -> Finished {
        self.back();
        let inject = format!("inject={call}:error={errno:?}:when={nth}");
        let command = self.machine.call(self.words.clone()).input(&self.input);
        command.strace("/dev/null", &["-e", &inject]).output()
    }

    /// What lies about of commands that were cut off.
    pub fn left(&self) -> String {
        self.machine.run(["sh", "-c", LEFT]).ok().to_owned()
    }
}
