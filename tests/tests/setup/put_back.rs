//! Tests for sshd, sudo, su, login and root that a change which was killed or not confirmed is put back, and that what
//! others have written meanwhile is kept.

use twinlock_tests::{Machine, Place};

use super::killed::{killed_at, left_over};
use super::{machine, twinlock};

/// A service, and the files that its setup changes.
struct Door {
    service: &'static str,
    with: &'static str,
    files: &'static [&'static str],
}

const SSH: Door = Door {
    service: "ssh",
    with: "publickey",
    files: &["/etc/pam.d/sshd", "/etc/ssh/sshd_config.d/10-twinlock.conf"],
};
const SUDO: Door = Door {
    service: "sudo",
    with: "password --timestamp-timeout 5",
    files: &["/etc/pam.d/sudo", "/etc/pam.d/sudo-i", "/etc/sudoers.d/zz-twinlock"],
};
const SU: Door = Door { service: "su", with: "password", files: &["/etc/pam.d/su"] };
const LOGIN: Door = Door { service: "login", with: "password", files: &["/etc/pam.d/login"] };
const ROOT: Door = Door {
    service: "root",
    with: "password",
    files: &["/etc/pam.d/sudo", "/etc/pam.d/sudo-i", "/etc/pam.d/su", "/etc/pam.d/login"],
};

impl Door {
    fn setup(&self) -> String {
        let Self { service, with, .. } = self;
        format!("setup {service} --with {with} --no-way-back --unproven --not-enrolled deny")
    }

    fn teardown(&self) -> String {
        format!("teardown {} --yes", self.service)
    }

    /// Returns a machine on which a setup and a teardown have run, so that everything that only the first setup creates
    /// exists.
    fn used(&self) -> Machine {
        let m = machine();
        if self.service == "ssh" {
            m.sshd("");
        }
        twinlock(&m, &self.setup()).ok();
        twinlock(&m, &self.teardown()).ok();
        m
    }

    /// Returns the text, owner and mode of each file; a line says that a file is missing.
    fn texts(&self, m: &Machine) -> String {
        let files = self.files.join(" ");
        let script = format!(
            "for file in {files}; do stat -c '%n %U:%G %a' $file 2>/dev/null && cat $file || echo no $file; done"
        );
        m.run(["sh", "-c", &script]).stdout
    }

    /// Returns the last write of a setup before its change is complete: all files are written, and the change waits.
    fn note(&self, m: &Machine) -> Place {
        let mut places = killed_at(m, &self.setup(), None);
        twinlock(m, &self.teardown()).ok();
        places.retain(|place| place.writes() && place.what.contains("/pending/"));
        places.pop().expect("a place")
    }
}

#[track_caller]
fn killed_anywhere_is_put_back_at_boot(door: &Door) {
    let m = door.used();
    let old = door.texts(&m);
    let mut places = killed_at(&m, &door.setup(), None);
    let new = door.texts(&m);
    assert_ne!(old, new);
    // Doctor's copies of sshd's files are no part of a change.
    places.retain(|place| place.writes() && !place.what.contains("/twinlock-doctor."));
    assert!(places.len() > 8, "{places:?}");
    let mut found = Vec::new();
    for place in &places {
        twinlock(&m, &door.teardown()).ok();
        assert_eq!(door.texts(&m), old, "{place:?}");
        killed_at(&m, &door.setup(), Some(place));
        twinlock(&m, "setup undo --at-boot").ok();
        let texts = door.texts(&m);
        assert!(texts == old || texts == new, "{place:?}: {texts}");
        found.push(texts == new);
        assert_eq!(left_over(&m), "", "{place:?}");
    }
    // Up to one call the old files are put back, from then on the new ones stay.
    let turn = found.iter().position(|new| *new).unwrap_or(found.len());
    assert!(turn > 0 && found.iter().skip(turn).all(|new| *new), "{found:?}");
}

/// After a setup, another package appends a line to each changed file. Then the time is over: the old files are put
/// back, wherever that is killed, and each version of the other package is kept.
#[track_caller]
fn what_a_package_wrote_meanwhile_is_kept(door: &Door) {
    let m = door.used();
    let old = door.texts(&m);
    let note = door.note(&m);
    let packaged = || {
        killed_at(&m, &door.setup(), Some(&note));
        for file in door.files {
            let text = m.file(file).read();
            m.file(file).write(format!("{text}# of another package\n"));
        }
        let texts = door.files.iter().map(|file| m.file(file).read()).collect::<Vec<_>>();
        m.run(["sh", "-c", "rm -f /var/lib/twinlock/setup/*/kept.*"]).ok();
        texts
    };
    let all_kept = |texts: &[String]| {
        let kept = m.run(["sh", "-c", "cat /var/lib/twinlock/setup/*/kept.*"]).stdout;
        texts.iter().all(|text| kept.contains(text.as_str()))
    };
    let texts = packaged();
    let mut places = killed_at(&m, "setup undo --at-boot", None);
    assert_eq!(door.texts(&m), old);
    assert!(all_kept(&texts));
    let put_back = format!("event=service_put_back service={}", door.service);
    let lines = m.logged(&put_back);
    assert!(lines.iter().any(|line| line.ends_with(&format!("kept={}", texts.len()))), "{lines:?}");
    assert_eq!(m.logged("event=file_kept").len(), texts.len());
    places.retain(Place::writes);
    for place in &places {
        let texts = packaged();
        killed_at(&m, "setup undo --at-boot", Some(place));
        twinlock(&m, "setup undo --at-boot").ok();
        assert_eq!(door.texts(&m), old, "{place:?}");
        assert!(all_kept(&texts), "{place:?}");
        assert_eq!(left_over(&m), "", "{place:?}");
    }
}

#[test]
fn ssh_is_put_back_at_boot_wherever_setup_was_killed() {
    killed_anywhere_is_put_back_at_boot(&SSH);
}

#[test]
fn sudo_is_put_back_at_boot_wherever_setup_was_killed() {
    killed_anywhere_is_put_back_at_boot(&SUDO);
}

#[test]
fn login_is_put_back_at_boot_wherever_setup_was_killed() {
    killed_anywhere_is_put_back_at_boot(&LOGIN);
}

#[test]
fn a_package_that_changes_ssh_before_the_end_loses_nothing() {
    what_a_package_wrote_meanwhile_is_kept(&SSH);
}

#[test]
fn a_package_that_changes_sudo_before_the_end_loses_nothing() {
    what_a_package_wrote_meanwhile_is_kept(&SUDO);
}

#[test]
fn a_package_that_changes_su_before_the_end_loses_nothing() {
    what_a_package_wrote_meanwhile_is_kept(&SU);
}

#[test]
fn a_package_that_changes_login_before_the_end_loses_nothing() {
    what_a_package_wrote_meanwhile_is_kept(&LOGIN);
}

#[test]
fn a_package_that_changes_doors_to_root_before_the_end_loses_nothing() {
    what_a_package_wrote_meanwhile_is_kept(&ROOT);
}
