//! Runs a command several times, each time from the same saved state of twinlock's folders. In each run, kills or
//! pauses the command, or makes one of its system calls fail.

use nix::errno::Errno;

use crate::call::Finished;
use crate::machine::Machine;
use crate::tracer::{Blow, Ended, Part, Place};

const KEEP: &str = "rm -rf /tmp/kept; mkdir /tmp/kept; \
    for folder in /var/lib/twinlock /run/twinlock /etc/twinlock; do \
    [ ! -d $folder ] || cp -a --parents $folder /tmp/kept; done";
/// Script that restores the saved folders, and removes folders that did not exist when the state was saved.
const BACK: &str = "cd /tmp/kept; for folder in var/lib/twinlock run/twinlock etc/twinlock; do \
    [ ! -d /$folder ] || find /$folder -mindepth 1 -delete; \
    if [ -d $folder ]; then mkdir -p /$folder; cp -a $folder/. /$folder; \
    elif [ -d /$folder ]; then rmdir /$folder; fi; done; rm -f /root/report*";
const LEFT: &str = "find /var/lib/twinlock /run/twinlock /etc/twinlock -name 'tmp.*' -o \
    -name 'epoch.?*' -o -name 'twinlock.toml.?*' -o -name 'settings.good.?*' -o \
    -name 'rules.toml.?*' -o -name 'store-id.?*' -o -name 'clock.?*'";
const ALL: Part = Part { from: "/etc/twinlock/twinlock.toml", to: "nothing of this name" };

/// A command that is repeated from the same saved state.
pub struct Cut<'m> {
    machine: &'m Machine,
    words: Vec<String>,
    input: String,
}

impl Place {
    /// Returns whether the system call changes a file or sends data. Unless [`crate::thorough`] returns `true`, tests
    /// try only such calls.
    pub fn writes(&self) -> bool {
        let call = self.what.split(' ').next().unwrap_or_default();
        let changing = [
            "mkdirat",
            "mkdir",
            "rmdir",
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
    /// Prepares the command line `twinlock WORDS` with the standard input `input`, and saves the present state of
    /// twinlock's folders.
    pub fn cut(&self, words: &str, input: &str) -> Cut<'_> {
        keep(self);
        let words = ["twinlock"].into_iter().chain(words.split(' ')).map(str::to_owned).collect();
        Cut { machine: self, words, input: input.to_owned() }
    }
}

/// Saves the present state of twinlock's folders. [`Cut::back`] restores it.
pub(crate) fn keep(machine: &Machine) {
    machine.run(["sh", "-c", KEEP]).ok();
}

pub(crate) fn back(machine: &Machine) {
    machine.run(["sh", "-c", BACK]).ok();
}

impl Cut<'_> {
    /// Restores the saved state of twinlock's folders.
    pub fn back(&self) {
        back(self.machine);
    }

    /// Runs the command in the present state, without restoring the saved state.
    pub fn again(&self) -> Finished {
        self.machine.call(self.words.clone()).input(&self.input).output()
    }

    /// Restores the saved state and runs the command to its end. Returns those of its system calls that `chosen`
    /// accepts.
    #[track_caller]
    pub fn places(&self, chosen: impl Fn(&Place) -> bool) -> Vec<Place> {
        let mut places = self.struck(None);
        // Whether a thread waits for another depends on the scheduler.
        places.retain(|place| place.what != "futex" && chosen(place));
        assert!(places.len() > 1, "{:?} changes nothing: {places:?}", self.words);
        places
    }

    /// Restores the saved state, runs the command, and kills it at the system call `place`.
    #[track_caller]
    pub fn killed(&self, place: &Place) {
        self.struck(Some((place, Blow::Kill)));
    }

    /// Restores the saved state and runs the command. The system call `place` fails with `errno`.
    #[track_caller]
    pub fn failed(&self, place: &Place, errno: Errno) -> Ended {
        let ended = self.run(Some((place, Blow::Fail(errno))));
        assert!(ended.struck, "{:?}: {place:?} is not met: {}", self.words, ended.said);
        ended
    }

    /// Restores the saved state and runs the command. After the system call `place`, the command is paused until
    /// `meanwhile` returns.
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
        self.machine.struck(&argv, &self.input, ALL, blow)
    }

    /// Restores the saved state and runs the command. The call number `nth` (from 1) of the system call `call` fails
    /// with `errno`.
    pub fn refused(&self, call: &str, errno: Errno, nth: usize) -> Finished {
        self.back();
        let inject = format!("inject={call}:error={errno:?}:when={nth}");
        let command = self.machine.call(self.words.clone()).input(&self.input);
        command.strace("/dev/null", &["-e", &inject]).output()
    }

    /// Returns the paths of the temporary files that interrupted commands have left behind.
    pub fn left(&self) -> String {
        self.machine.run(["sh", "-c", LEFT]).ok().to_owned()
    }
}
