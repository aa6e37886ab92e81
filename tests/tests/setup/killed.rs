//! Kills setup and teardown at each system call that writes. Checks that after `setup undo` the PAM file is the old
//! one or a complete new one, and that nothing else is left.

use twinlock_tests::{Blow, Machine, Part, Place, stock};

use super::{machine, twinlock};

const SERVICE: &str = "/etc/pam.d/su";
const SETUP: &str = "setup su --with password --no-way-back --unproven --not-enrolled deny";
const TEARDOWN: &str = "teardown su --yes";
const ALL: Part = Part { from: "/etc/twinlock/twinlock.toml", to: "nothing of this name" };

/// Returns a machine on which a setup and a teardown have run, so that everything that only the first setup creates
/// exists.
fn used_machine() -> Machine {
    let m = machine();
    twinlock(&m, SETUP).ok();
    twinlock(&m, TEARDOWN).ok();
    m
}

/// Runs a command line of twinlock, and kills it at the system call `place` if one is given. Returns the calls before.
pub fn killed_at(m: &Machine, line: &str, place: Option<&Place>) -> Vec<Place> {
    let argv: Vec<&str> = ["twinlock"].into_iter().chain(line.split(' ')).collect();
    let ended = m.struck(&argv, "", ALL, place.map(|place| (place, Blow::Kill)));
    assert_eq!(ended.code.is_none(), place.is_some(), "{line}: {place:?}");
    ended.places
}

/// Returns whether the PAM file of su is the new one. Checks that it is the complete new file or the old one.
#[track_caller]
fn is_new(m: &Machine, new: &str) -> bool {
    let text = m.file(SERVICE).read();
    assert!(text == new || text == stock("su"), "neither old nor new: {text}");
    text == new
}

/// Lists what killed processes have left behind: drafts, and changes that wait or are being put back.
pub fn left_over(m: &Machine) -> String {
    let find = "find /etc/pam.d /var/lib/twinlock/setup -name '.*.twinlock.*' -o -name 'new.*' -o -name pending -o -name undoing";
    m.run(["sh", "-c", &format!("{find} 2>/dev/null")]).stdout
}

#[test]
fn killed_anywhere_the_next_run_puts_back_or_completes() {
    let m = used_machine();
    let mut places = killed_at(&m, SETUP, None);
    let new = m.file(SERVICE).read();
    assert!(new.contains("pam_twinlock.so"));
    places.retain(Place::writes);
    assert!(places.len() > 8, "{places:?}");
    let mut found = Vec::new();
    for place in &places {
        twinlock(&m, TEARDOWN).ok();
        killed_at(&m, SETUP, Some(place));
        is_new(&m, &new);
        twinlock(&m, "setup undo").ok();
        found.push(is_new(&m, &new));
        assert_eq!(left_over(&m), "", "{place:?}");
    }
    // Up to one call the old file is put back, from then on the new one stays.
    let turn = found.iter().position(|new| *new).unwrap_or(found.len());
    assert!(turn > 0 && found.iter().skip(turn).all(|new| *new), "{found:?}");
}

/// Returns a system call of a setup: the one at which the new PAM file is written. At this call, the saved description
/// of the change does not say yet that the service uses the new files.
fn written(m: &Machine) -> Place {
    let mut places = killed_at(m, SETUP, None).into_iter();
    places.find(|place| place.writes() && place.what.contains("/pending/")).expect("a place")
}

/// Kills a setup at the call `written`, so that its change is pending: the new file is written, and the change is not
/// complete.
fn begin(m: &Machine, written: &Place) {
    twinlock(m, TEARDOWN).ok();
    killed_at(m, SETUP, Some(written));
    assert_ne!(m.file(SERVICE).read(), stock("su"));
}

/// Checks that `setup undo` leaves a pending change alone until its time is over, and that only `teardown` undoes it.
/// `setup undo` takes no code, so a sudoers rule for it would let a user open a service again.
#[test]
fn a_change_that_still_waits_is_put_back_by_teardown_only() {
    let m = used_machine();
    begin(&m, &written(&m));
    let new = m.file(SERVICE).read();
    let state = m.file("/var/lib/twinlock/setup/su/pending/state.json");
    let (before, after) = state
        .read()
        .split_once("\"until\": ")
        .map(|(one, two)| (one.to_owned(), two.to_owned()))
        .expect("a time");
    let rest = after.trim_start_matches(|letter: char| letter.is_ascii_digit());
    state.write(format!("{before}\"until\": 99999999999{rest}"));
    for line in ["setup undo", "setup undo --at-boot"] {
        twinlock(&m, line).ok();
        assert!(is_new(&m, &new), "{line}");
    }
    assert_eq!(twinlock(&m, "setup undo --now").code, Some(2));
    twinlock(&m, TEARDOWN).ok();
    assert!(!is_new(&m, &new) && left_over(&m).is_empty());
}

#[test]
fn putting_back_is_continued_wherever_it_was_killed() {
    let m = used_machine();
    let written = written(&m);
    let begin = || begin(&m, &written);
    begin();
    let refused = twinlock(&m, SETUP);
    assert_eq!(refused.code, Some(3), "{refused:?}");
    let undo = "setup undo";
    let mut places = killed_at(&m, undo, None);
    places.retain(Place::writes);
    assert!(places.len() > 3, "{places:?}");
    for place in &places {
        begin();
        killed_at(&m, undo, Some(place));
        twinlock(&m, undo).ok();
        assert_eq!(m.file(SERVICE).read(), stock("su"));
        assert_eq!(left_over(&m), "", "{place:?}");
    }
}

#[test]
fn teardown_that_is_killed_leaves_the_old_file_or_the_new_one() {
    let m = used_machine();
    twinlock(&m, SETUP).ok();
    let new = m.file(SERVICE).read();
    let mut places = killed_at(&m, TEARDOWN, None);
    places.retain(Place::writes);
    for place in &places {
        twinlock(&m, SETUP).ok();
        killed_at(&m, TEARDOWN, Some(place));
        is_new(&m, &new);
        twinlock(&m, TEARDOWN).ok();
        assert!(!is_new(&m, &new), "{place:?}");
        assert_eq!(left_over(&m), "", "{place:?}");
    }
}

#[test]
fn a_full_disk_changes_nothing() {
    let m = machine();
    let fill = "mount -t tmpfs -o size=16k,mode=0700 small /var/lib/twinlock/setup && \
                { cat /dev/zero >/var/lib/twinlock/setup/filler 2>/dev/null; true; }";
    m.run(["sh", "-c", &format!("mkdir -p -m 700 /var/lib/twinlock/setup && {fill}")]).ok();
    let said = twinlock(&m, SETUP);
    assert_eq!(said.code, Some(6), "{said:?}");
    assert!(said.stderr.replace('\n', " ").contains("nothing was changed"), "{said:?}");
    assert_eq!(m.file(SERVICE).read(), stock("su"));
    m.run(["umount", "/var/lib/twinlock/setup"]).ok();
    // The folder of PAM cannot be written.
    m.run([
        "sh",
        "-c",
        "mount --bind /etc/pam.d /etc/pam.d && mount -o remount,bind,ro /etc/pam.d",
    ])
    .ok();
    let said = twinlock(&m, SETUP);
    assert_eq!(said.code, Some(6), "{said:?}");
    assert!(said.stderr.replace('\n', " ").contains("the old files are in force"), "{said:?}");
    assert_eq!(left_over(&m), "");
}

#[test]
fn of_two_at_once_one_sets_up() {
    let m = machine();
    let both = format!("twinlock {SETUP} & twinlock {SETUP} & wait");
    for _ in 0..5 {
        m.run(["sh", "-c", &both]).ok();
        assert!(m.file(SERVICE).read().contains("pam_twinlock.so"));
        assert_eq!(left_over(&m), "");
        twinlock(&m, TEARDOWN).ok();
        assert_eq!(m.file(SERVICE).read(), stock("su"));
    }
}

/// Command line of a setup that also writes rules.toml and accepted.toml.
const GROUP: &str = "setup su --with password --no-way-back --unproven --yes --group staff";
/// Script that counts the lines of setup in rules.toml and accepted.toml, and lists temporary files in their folder.
const WRITTEN: &str = "cat /etc/twinlock/rules.toml /etc/twinlock/accepted.toml | grep -c -e 'service = \"su\"' -e 'action ='; \
                       ls -a /etc/twinlock | grep -e '[.]next[.]' -e '[.][0-9a-f]*$' | grep -v -e '^[.]*$'";

#[test]
fn killed_anywhere_rules_and_entries_go_back_with_the_pam_file() {
    let m = used_machine();
    let mut places = killed_at(&m, GROUP, None);
    let new = m.file(SERVICE).read();
    places.retain(Place::writes);
    assert!(places.len() > 16, "{places:?}");
    let written = || m.run(["sh", "-c", WRITTEN]).stdout;
    let complete = written();
    assert_eq!(complete.lines().next(), Some("9"), "{complete}");
    twinlock(&m, TEARDOWN).ok();
    assert_eq!(written(), "0\n");
    for place in &places {
        killed_at(&m, GROUP, Some(place));
        twinlock(&m, "setup undo").ok();
        let expected = if is_new(&m, &new) { &*complete } else { "0\n" };
        assert_eq!(written(), expected, "{place:?}");
        assert_eq!(left_over(&m), "", "{place:?}");
        twinlock(&m, TEARDOWN).ok();
        assert_eq!(written(), "0\n", "{place:?}");
    }
}

#[test]
fn what_others_have_added_meanwhile_stays_and_is_kept() {
    let m = used_machine();
    let places = killed_at(&m, GROUP, None);
    twinlock(&m, TEARDOWN).ok();
    let noted = |place: &&Place| place.writes() && place.what.contains("/pending/");
    let note = places.iter().rfind(noted).expect("a place");
    killed_at(&m, GROUP, Some(note));
    assert_ne!(m.file(SERVICE).read(), stock("su"));
    let reminder = "[[rule]]\ngroup = \"dev\"\naction = \"remind\"\nuntil = 2099-01-31\n";
    let entry = "\n# by hand\n[[accepted]]\nfinding = \"f\"\nservice = \"su\"\noutcome = \"o\"\nreason = \"r\"\nuntil = 2099-01-31\n";
    for (file, text) in [("rules.toml", reminder), ("accepted.toml", entry)] {
        let path = format!("/etc/twinlock/{file}");
        let file = m.file(&path);
        let before = file.read();
        file.write(before + text);
    }
    let said = twinlock(&m, "setup undo");
    said.ok();
    let words = said.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("Others have changed files meanwhile"), "{words}");
    assert_eq!(m.file(SERVICE).read(), stock("su"));
    let rules = m.file("/etc/twinlock/rules.toml").read();
    assert!(rules.ends_with(reminder) && !rules.contains("service"), "{rules}");
    assert_eq!(m.file("/etc/twinlock/accepted.toml").read(), entry.trim_start());
    let kept = m.run(["sh", "-c", "cat /var/lib/twinlock/setup/su/kept.*"]).stdout;
    assert!(kept.contains(reminder) && kept.contains(entry) && kept.contains("staff"), "{kept}");
}

#[test]
fn of_two_at_once_rules_and_entries_are_of_one() {
    let m = machine();
    let other = GROUP.replace("staff", "users");
    let both = format!("twinlock {GROUP} & twinlock {other} & wait");
    for _ in 0..5 {
        m.run(["sh", "-c", &both]).ok();
        let rules = m.file("/etc/twinlock/rules.toml").read();
        let one = if rules.contains("staff") { GROUP } else { &*other };
        let again = twinlock(&m, one);
        assert!(again.ok().contains("nothing was changed"), "{again:?} {rules}");
        assert_eq!(twinlock(&m, "doctor su").code, Some(0));
        twinlock(&m, TEARDOWN).ok();
    }
}

/// Returns the names and texts of the PAM files that a setup of root changes.
fn of_root(m: &Machine) -> String {
    m.run([
        "sh",
        "-c",
        "cd /etc/pam.d; tail -n +1 sudo sudo-i su login; cat /etc/sudoers.d/zz-twinlock",
    ])
    .stdout
}

#[test]
fn killed_anywhere_all_doors_to_root_go_back_or_none() {
    let m = machine();
    let line = format!("{} --unproven --timestamp-timeout 5", super::root::SETUP);
    let old = of_root(&m);
    let teardown = "teardown root --yes";
    twinlock(&m, &line).ok();
    twinlock(&m, teardown).ok();
    let mut places = killed_at(&m, &line, None);
    let new = of_root(&m);
    assert_eq!(new.matches("# twinlock setup begin").count(), 4, "{new}");
    assert!(new.contains("timestamp_timeout=5"), "{new}");
    places.retain(Place::writes);
    assert!(places.len() > 20, "{places:?}");
    let mut kept = 0;
    for place in &places {
        twinlock(&m, teardown).ok();
        assert_eq!(of_root(&m), old, "{place:?}");
        killed_at(&m, &line, Some(place));
        twinlock(&m, "setup undo --at-boot").ok();
        let found = of_root(&m);
        assert!(found == old || found == new, "{place:?}: {found}");
        kept += usize::from(found == new);
        assert_eq!(left_over(&m), "", "{place:?}");
    }
    assert!(kept < places.len() / 2, "{kept}");
}

#[test]
fn a_part_of_root_is_not_changed_while_root_waits() {
    let m = used_machine();
    let root = super::root::SETUP;
    let places = killed_at(&m, &format!("{root} --unproven"), None);
    twinlock(&m, "teardown root --yes").ok();
    let noted = |place: &&Place| place.writes() && place.what.contains("/pending/");
    let note = places.iter().rfind(noted).expect("a place");
    killed_at(&m, &format!("{root} --unproven"), Some(note));
    assert_ne!(m.file(SERVICE).read(), stock("su"));
    let before = m.tree("/etc/pam.d");
    for line in [SETUP, TEARDOWN, root] {
        let refused = twinlock(&m, line);
        assert_eq!(refused.code, Some(3), "{line}: {refused:?}");
        let words = refused.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains("twinlock teardown root"), "{line}: {words}");
        assert_eq!(m.tree("/etc/pam.d"), before, "{line}");
    }
    twinlock(&m, "teardown root --yes").ok();
    assert_eq!(m.file(SERVICE).read(), stock("su"));
    assert_eq!(left_over(&m), "");
}

#[test]
fn a_teardown_of_root_that_cannot_write_one_file_leaves_all() {
    let m = machine();
    twinlock(&m, &format!("{} --unproven --timestamp-timeout 5", super::root::SETUP)).ok();
    let new = of_root(&m);
    // The folder of the last file cannot be written.
    let closed =
        "mount --bind /etc/sudoers.d /etc/sudoers.d && mount -o remount,bind,ro /etc/sudoers.d";
    m.run(["sh", "-c", closed]).ok();
    let failed = twinlock(&m, "teardown root --yes");
    assert_eq!(failed.code, Some(6), "{failed:?}");
    let said = failed.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("/etc/sudoers.d/zz-twinlock cannot be written"), "{said}");
    assert!(said.contains("nothing was changed"), "{said}");
    assert_eq!(of_root(&m), new);
    m.run(["umount", "/etc/sudoers.d"]).ok();
    twinlock(&m, "teardown root --yes").ok();
    assert_eq!(m.file(SERVICE).read(), stock("su"));
    assert!(!m.file("/etc/sudoers.d/zz-twinlock").exists());
}
