//! Kills each command that changes a user's record at its system calls, and makes these calls fail. Checks that the old
//! or the new record is stored, and that the output says which.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use twinlock_tests::{Blow, Machine, Part, Place, says_in_force, thorough};

const ADA: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
const PERSON: &str = "/var/lib/twinlock/users/ada";
const ALL: Part = Part { from: "/etc/twinlock/twinlock.toml", to: "nothing of this name" };

/// Command lines, each with a text that only the new record contains.
const VERBS: [(&str, &str); 7] = [
    ("reset ada --yes", "state = \"pending\""),
    ("backup-codes ada --yes", "[owed_codes]"),
    ("backup-codes ada --yes --print --save /root/codes", "codes = \""),
    ("show-key ada --yes --png /root/qr.png", "seen_by = \"root\""),
    ("bypass ada --yes --reason test", "[[bypass]]"),
    ("remove ada --yes", "state = \"removed\""),
    ("invite ada", "[[ticket]]"),
];

/// A machine, and the content of ada's record after she was enrolled and after she was removed.
struct World {
    m: Machine,
    enrolled: Vec<u8>,
    removed: Vec<u8>,
}

/// Which record is stored after the command: the one from before, or the command's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stands {
    Old,
    New,
}

impl World {
    fn new() -> World {
        let m = Machine::new();
        m.twinlock().user("ada").enrolled("ada", ADA);
        let record = |name| fs::read(m.outside(PERSON).join(name)).expect("ada's record");
        let enrolled = record("record.1.toml");
        m.run(["twinlock", "remove", "ada", "--yes"]).ok();
        let removed = record("record.2.toml");
        World { m, enrolled, removed }
    }

    /// Returns the content of ada's record before the command `verb`.
    fn before(&self, verb: &str) -> &[u8] {
        if verb.starts_with("invite") { &self.removed } else { &self.enrolled }
    }

    fn reset(&self, verb: &str) {
        let folder = self.m.outside(PERSON);
        for entry in fs::read_dir(&folder).expect("ada's folder").flatten() {
            fs::remove_file(entry.path()).expect("a file of ada's");
        }
        let _ = fs::remove_dir_all(self.m.outside("/run/twinlock/users"));
        let uid = self.m.outside("/var/lib/twinlock/uids").join(self.m.uid("ada").to_string());
        let _ = fs::remove_file(&uid);
        if self.before(verb) == self.enrolled {
            symlink("ada", &uid).expect("the user id");
        }
        let record = folder.join("record.1.toml");
        fs::write(&record, self.before(verb)).expect("ada's record");
        fs::set_permissions(&record, Permissions::from_mode(0o600)).expect("ada's record");
        let old = SystemTime::now() - Duration::from_secs(120);
        let clock = fs::File::open(self.m.outside("/var/lib/twinlock/clock"));
        clock.and_then(|clock| clock.set_modified(old)).expect("the clock mark");
        for file in ["/root/codes", "/root/qr.png"] {
            let _ = fs::remove_file(self.outside(file));
        }
    }

    fn outside(&self, path: &str) -> PathBuf {
        let (folder, name) = path.rsplit_once('/').expect("a whole path");
        self.m.outside(folder).join(name)
    }

    /// Returns whether ada's newest record is the old one or that of the command `verb`. Checks that a new one
    /// contains `new`.
    fn stands(&self, verb: &str, new: &str) -> Stands {
        let status = self.m.run(["twinlock", "status", "ada"]);
        assert_eq!(status.code, Some(0), "{verb}: {status:?}");
        let names = fs::read_dir(self.m.outside(PERSON)).expect("ada's folder").flatten();
        let number = |name: &str| name.strip_prefix("record.")?.strip_suffix(".toml")?.parse().ok();
        let all = names.filter_map(|entry| number(&entry.file_name().to_string_lossy()));
        let newest: u64 = all.max().expect("a record");
        let text = fs::read(self.m.outside(PERSON).join(format!("record.{newest}.toml")));
        let text = text.expect("the newest record");
        if text == self.before(verb) {
            return Stands::Old;
        }
        assert!(String::from_utf8_lossy(&text).contains(new), "{verb}: neither old nor new");
        Stands::New
    }

    fn argv(verb: &str) -> Vec<&str> {
        ["twinlock"].into_iter().chain(verb.split(' ')).collect()
    }

    fn killed_at(&self, verb: &str, place: Option<&Place>) -> Vec<Place> {
        self.reset(verb);
        let argv = World::argv(verb);
        let ended = self.m.struck(&argv, "", ALL, place.map(|place| (place, Blow::Kill)));
        assert_eq!(ended.code.is_none(), place.is_some(), "{verb}: {place:?}");
        ended.places
    }
}

#[test]
fn killed_anywhere_a_verb_leaves_the_old_record_or_the_new_one() {
    let world = World::new();
    for verb in VERBS {
        let mut places = world.killed_at(verb.0, None);
        places.retain(|place| thorough() || place.writes());
        assert!(places.len() > 8, "{verb:?}: {places:?}");
        let mut found = Vec::new();
        for place in &places {
            world.killed_at(verb.0, Some(place));
            found.push(world.stands(verb.0, verb.1));
        }
        // A verb that is killed at an early call leaves the old record; from a certain call on, it leaves the new one.
        let turn = found.iter().position(|stands| *stands == Stands::New).expect("a new record");
        assert!(turn > 0 && found[turn..].iter().all(|stands| *stands == Stands::New), "{verb:?}");
    }
}

#[test]
fn refused_by_the_disk_it_is_said_which_record_stands() {
    let world = World::new();
    for verb in VERBS {
        for (call, error) in [("renameat2", "EIO"), ("fsync", "ENOSPC"), ("fchmod", "EROFS")] {
            for nth in 1.. {
                world.reset(verb.0);
                let inject = format!("inject={call}:error={error}:when={nth}");
                let call = world.m.call(World::argv(verb.0));
                let done = call.strace("/dev/null", &["-e", &inject]).output();
                let said = done.stderr.replace('\n', " ");
                match (world.stands(verb.0, verb.1), done.code) {
                    (Stands::New, Some(0)) => {}
                    (Stands::New, code) => {
                        assert!(says_in_force(&said), "{inject} {code:?} {said}");
                    }
                    (Stands::Old, code) => {
                        assert!(matches!(code, Some(2 | 6)), "{verb:?} {inject} {said}");
                        assert!(said.contains("nothing was changed"), "{verb:?} {inject} {said}");
                        assert!(!world.outside("/root/codes").exists(), "{inject}");
                    }
                }
                if done.code == Some(0) {
                    break;
                }
            }
        }
    }
}

#[test]
fn a_full_and_a_read_only_disk_are_said_and_change_nothing() {
    let world = World::new();
    world.reset("");
    let m = &world.m;
    m.run(["sh", "-c", "mkdir /tmp/store && cp -a /var/lib/twinlock/. /tmp/store"]).ok();
    m.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=0700", "small", "/var/lib/twinlock"]).ok();
    m.run(["cp", "-a", "/tmp/store/.", "/var/lib/twinlock"]).ok();
    m.run(["sh", "-c", "cat /dev/zero >/var/lib/twinlock/filler 2>/dev/null; true"]).ok();
    for state in ["full", "read-only"] {
        for (verb, _) in VERBS.into_iter().filter(|(verb, _)| !verb.starts_with("invite")) {
            let done = m.call(World::argv(verb)).output();
            assert_eq!(done.code, Some(6), "{state} {verb}: {done:?}");
            let said = done.stderr.replace('\n', " ");
            assert!(said.contains("nothing was changed") && done.stdout.is_empty(), "{said}");
            assert_eq!(world.stands(verb, ""), Stands::Old, "{state} {verb}");
        }
        m.run(["rm", "-f", "/var/lib/twinlock/filler"]);
        m.run(["mount", "-o", "remount,ro", "/var/lib/twinlock"]);
    }
}
