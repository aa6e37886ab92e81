//! Unit tests of `swap_file`: concurrent writers, and files that killed writers leave.

use crate::settings::swap_file::*;
use rustix::fs::{Mode, OFlags};
use std::{convert::Infallible, os::unix::fs::symlink, path::Path};

fn file(folder: &Path) -> SwapFile {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY;
    let fd = fs::openat(fs::CWD, folder, flags, Mode::empty()).unwrap();
    let owner = Owner(rustix::process::getuid().as_raw());
    SwapFile { folder: fd, name: "rules.toml".into(), owner, max: 64 * 1024 }
}

/// Appends a line to the file, unless the file contains the line already. Returns whether the file has changed.
fn add(file: &SwapFile, line: &str) -> Result<bool, SwapError<Infallible>> {
    file.change(&mut |before| {
        let text = String::from_utf8(before.to_vec()).unwrap();
        if text.lines().any(|found| found == line) {
            return Ok(None);
        }
        Ok(Some(SwapContent { bytes: format!("{text}{line}\n").into_bytes(), mode: 0o644 }))
    })
}

fn text(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("rules.toml")).unwrap_or_default()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn writers_at_once_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let path = folder.path();
            scope.spawn(move || {
                for nth in 0..20 {
                    assert_eq!(add(&file(path), &format!("{writer}.{nth}")), Ok(true));
                }
            });
        }
    });
    assert_eq!(text(folder.path()).lines().count(), 160);
    assert_eq!(names(folder.path()), ["rules.toml"]);
}

#[test]
fn claim_of_a_killed_writer_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    let rules = file(folder.path());
    add(&rules, "one").unwrap();
    let claim = rules.claim(&fingerprint::of_content(b"one\n"));
    let draft = SwapContent { bytes: b"one\nkilled\n".to_vec(), mode: 0o644 };
    write(&rules.folder, "rules.toml.0123456789abcdef", &draft, rules.owner).unwrap();
    symlink("rules.toml.0123456789abcdef", folder.path().join(&claim)).unwrap();
    assert_eq!(add(&rules, "two"), Ok(true));
    assert_eq!(text(folder.path()), "one\nkilled\ntwo\n");
    assert_eq!(names(folder.path()), ["rules.toml"]);
}

#[test]
fn claim_on_a_past_content_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let rules = file(folder.path());
    add(&rules, "one").unwrap();
    add(&rules, "two").unwrap();
    let late = SwapContent { bytes: b"one\nlate\n".to_vec(), mode: 0o644 };
    assert_eq!(rules.offer(&fingerprint::of_content(b"one\n"), &late), Ok(false));
    assert_eq!(text(folder.path()), "one\ntwo\n");
    assert_eq!(names(folder.path()), ["rules.toml"]);
}

#[test]
fn claim_without_its_draft_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let rules = file(folder.path());
    add(&rules, "one").unwrap();
    for content in [&b"one\n"[..], b"zero\n"] {
        let claim = rules.claim(&fingerprint::of_content(content));
        symlink("rules.toml.0123456789abcdef", folder.path().join(&claim)).unwrap();
    }
    assert_eq!(add(&rules, "two"), Ok(true));
    assert_eq!(text(folder.path()), "one\ntwo\n");
    assert_eq!(names(folder.path()), ["rules.toml"]);
}

#[test]
fn only_drafts_of_the_dead_and_old_ones_are_swept() {
    let folder = tempfile::tempdir().unwrap();
    let rules = file(folder.path());
    let ours = |nonce: &str| format!("rules.toml.{:08x}{nonce}", std::process::id());
    let (old, new) = (ours("000000aa"), ours("000000bb"));
    let of_the_dead = "rules.toml.ffffffff000000cc".to_owned();
    for (name, age) in [(&old, 3600), (&new, 0), (&of_the_dead, 0)] {
        let draft = std::fs::File::create(folder.path().join(name)).unwrap();
        let then = std::time::SystemTime::now() - std::time::Duration::from_secs(age);
        draft.set_modified(then).unwrap();
    }
    add(&rules, "one").unwrap();
    assert_eq!(names(folder.path()), ["rules.toml", new.as_str()]);
}

#[test]
fn declined_changes_and_long_ones_leave_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let rules = file(folder.path());
    add(&rules, "one").unwrap();
    assert_eq!(rules.change(&mut |_| Err("no")), Err(SwapError::Declined("no")));
    let long = SwapContent { bytes: vec![b'#'; 64 * 1024 + 1], mode: 0o644 };
    let refused = rules.change::<Infallible>(&mut |_| Ok(Some(long.clone())));
    assert_eq!(refused, Err(SwapError::Store(FileError::TooLarge)));
    assert_eq!(add(&rules, "one"), Ok(false));
    assert_eq!(text(folder.path()), "one\n");
}
