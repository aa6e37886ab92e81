//! A machine on which ada is enrolled, and which can be reset to the state before her first login.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use twinlock_tests::{Blow, Ended, Machine, Part, Place};

use super::scenario::{Scenario, Turn};

/// The part of a login from the module's first system call to libpam's first call after the module.
const MODULE: Part = Part { from: "/etc/twinlock/twinlock.toml", to: "socket 16/9" };
const PERSON: &str = "/var/lib/twinlock/users/ada";
const LEDGER: &str = "/run/twinlock/users";
const EPOCH: &str = "/run/twinlock/epoch";
const ANSWER: &str = "read pipe:";

/// A machine with ada enrolled, and its initial state.
pub struct World<'s> {
    /// The machine.
    pub m: Machine,
    /// How ada logs in.
    pub scenario: &'s Scenario,
    /// A code that is wrong for ada.
    pub wrong: String,
    enrolled: Vec<(String, Vec<u8>)>,
    epoch: PathBuf,
}

impl<'s> World<'s> {
    /// Creates a machine for this kind of login. Each thread of a test has its own.
    pub fn new(scenario: &'s Scenario) -> World<'s> {
        let m = Machine::new();
        m.user("ada").bare().pam("bare", scenario.stack);
        m.settings(scenario.settings);
        (scenario.enroll)(&m);
        let epoch = fs::read_link(m.outside(EPOCH)).expect("an epoch");
        let wrong = (scenario.wrong)(&m);
        let mut world = World { m, scenario, wrong, enrolled: Vec::new(), epoch };
        world.enrolled = world.person();
        world
    }

    /// Returns names and content of the files in ada's folder, except those about known sources, failures and used
    /// codes.
    pub fn person(&self) -> Vec<(String, Vec<u8>)> {
        let names = fs::read_dir(self.m.outside(PERSON)).expect("ada's folder");
        let names = names.map(|entry| entry.expect("a name").file_name());
        let mut names: Vec<_> = names.map(|name| name.to_string_lossy().into_owned()).collect();
        names.retain(|name| {
            !["known.", "failed.", "spent."].iter().any(|begin| name.starts_with(begin))
        });
        names.sort();
        let read = |name: String| {
            let bytes = fs::read(self.m.outside(PERSON).join(&name)).expect("a file of ada's");
            (name, bytes)
        };
        names.into_iter().map(read).collect()
    }

    /// Returns whether ada's folder is as it was after enrollment.
    pub fn is_as_enrolled(&self) -> bool {
        self.person() == self.enrolled
    }

    /// Returns the answers that log ada in, for the login number `turn` of a series.
    pub fn typed(&self, turn: Turn) -> String {
        (self.scenario.typed)(&self.m, turn)
    }

    /// Restores the state before the first login: an empty ledger, no known source, the first record, and an old clock
    /// mark (the time at which the wall clock was last trusted).
    pub fn reset(&self) {
        let _ = fs::remove_dir_all(self.m.outside(LEDGER));
        let folder = self.m.outside(PERSON);
        for entry in fs::read_dir(&folder).expect("ada's folder").flatten() {
            let kept = self.enrolled.iter().any(|(name, _)| **name == *entry.file_name());
            if !kept {
                fs::remove_file(entry.path()).expect("a file of ada's");
            }
        }
        if !self.is_as_enrolled() {
            for (name, bytes) in &self.enrolled {
                fs::write(folder.join(name), bytes).expect("a file of ada's");
                let private = Permissions::from_mode(0o600);
                fs::set_permissions(folder.join(name), private).expect("a file of ada's");
            }
        }
        let epoch = self.m.outside(EPOCH);
        if fs::read_link(&epoch).ok().as_ref() != Some(&self.epoch) {
            let _ = fs::remove_file(&epoch);
            symlink(&self.epoch, &epoch).expect("the epoch");
        }
        let old = SystemTime::now() - Duration::from_secs(120);
        let clock = File::open(self.m.outside("/var/lib/twinlock/clock")).expect("the clock mark");
        clock.set_modified(old).expect("the clock mark");
    }

    /// Runs a login of ada with these answers. If `blow` is not `None`, one system call fails, or the process is
    /// killed or paused at it.
    pub fn login<'a>(&self, lines: &str, blow: Option<(&'a Place, Blow<'a>)>) -> Ended {
        let argv = ["pamtester", "-I", "rhost=192.0.2.1", "bare", "ada", "authenticate"];
        self.m.struck(&argv, &format!("{lines}\n"), MODULE, blow)
    }

    /// Returns whether these answers log ada in.
    pub fn gets_in(&self, lines: &str) -> bool {
        self.login(lines, None).code == Some(0)
    }

    /// Returns the module's system calls in a first login with these answers.
    pub fn places(&self, lines: &str) -> Vec<Place> {
        self.reset();
        let mut places = self.login(lines, None).places;
        // The answer is read byte by byte: the first read represents all.
        places.retain(|place| !(place.what.starts_with(ANSWER) && place.nth > 1));
        places
    }

    /// Counts the names in ada's ledger folder that begin with `kind`, such as `try.`.
    pub fn names(&self, kind: &str) -> usize {
        let names = fs::read_dir(self.m.outside(LEDGER).join("ada"));
        let names = names.into_iter().flatten().flatten();
        names.filter(|entry| entry.file_name().to_string_lossy().starts_with(kind)).count()
    }
}
