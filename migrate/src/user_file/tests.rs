//! Unit tests of `user_file`: which files are accepted and which are refused.

use std::{
    os::unix::fs::{PermissionsExt, symlink},
    path::PathBuf,
    time::Duration,
};

use rustix::fs::{CWD, Mode};

use crate::user_file::*;

fn me() -> FileOwner {
    FileOwner { uid: rustix::process::getuid().as_raw(), gid: rustix::process::getgid().as_raw() }
}

/// Creates a home folder with a file of mode 0400.
fn home() -> (tempfile::TempDir, PathBuf) {
    let home = tempfile::tempdir_in("/tmp").unwrap();
    let file = home.path().canonicalize().unwrap().join("file");
    std::fs::write(&file, "text").unwrap();
    mode(&file, 0o400);
    (home, file)
}

fn mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn fault_of(path: &Path) -> UserFileError {
    read(path, me(), 4).unwrap_err()
}

#[test]
fn a_persons_own_closed_file_is_read() {
    let (_home, file) = home();
    let source = read(&file, me(), 4).unwrap();
    assert_eq!(**source.bytes, *b"text");
    assert_eq!(read(&file, me(), 3).unwrap_err(), UserFileError::TooLarge);
    mode(&file, 0o440);
    assert_eq!(fault_of(&file), UserFileError::TooOpen);
    mode(&file, 0o400);
    std::fs::hard_link(&file, file.with_file_name("twin")).unwrap();
    assert_eq!(fault_of(&file), UserFileError::HardLink);
}

#[test]
fn what_is_no_file_is_found_out_at_once() {
    let (home, file) = home();
    let fifo = file.with_file_name("fifo");
    rustix::fs::mkfifoat(CWD, &fifo, Mode::RUSR | Mode::WUSR).unwrap();
    let socket = file.with_file_name("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    for odd in [fifo.as_path(), &socket, home.path(), Path::new("/dev/null")] {
        assert_eq!(fault_of(odd), UserFileError::Kind, "{}", odd.display());
    }
    for none in ["/nonexistent/file", "/dev/null/file"] {
        assert_eq!(fault_of(Path::new(none)), UserFileError::Absent, "{none}");
    }
    for path in ["file", "", "/", "/tmp/../etc/file"] {
        assert_eq!(fault_of(Path::new(path)), UserFileError::NoPath, "{path}");
    }
}

#[test]
fn a_persons_links_are_not_followed() {
    let (home, file) = home();
    // The group can write to this folder, so a link in it is not certainly a link of root, even if root owns the
    // folder.
    mode(home.path(), 0o770);
    let link = file.with_file_name("link");
    symlink(&file, &link).unwrap();
    assert_eq!(fault_of(&link), UserFileError::Link);
    symlink(home.path(), file.with_file_name("around")).unwrap();
    let around = file.with_file_name("around").join("file");
    assert_eq!(fault_of(&around), UserFileError::Link);
    mode(home.path(), 0o700);
    let is_root = me().uid == 0;
    assert_eq!(read(&around, me(), 4).is_ok(), is_root, "root's own link");
}

#[test]
fn a_folder_that_anybody_writes_to_is_not_trusted() {
    let (home, file) = home();
    mode(home.path(), 0o777);
    assert_eq!(fault_of(&file), UserFileError::TooOpen);
    mode(home.path(), 0o1777);
    assert!(read(&file, me(), 4).is_ok());
}

#[test]
fn what_was_read_is_removed_and_nothing_else() {
    let (_home, file) = home();
    let keep = file.with_file_name("keep");
    let source = read(&file, me(), 4).unwrap();
    std::fs::rename(&file, &keep).unwrap();
    assert_eq!(source.remove(), Err(UserFileError::Changed));
    std::fs::write(&file, "else").unwrap();
    assert_eq!(source.remove(), Err(UserFileError::Changed));
    assert_eq!(std::fs::read(&file).unwrap(), b"else");
    std::fs::rename(&keep, &file).unwrap();
    let witness = std::fs::File::open(&file).unwrap();
    source.remove().unwrap();
    assert!(!file.exists());
    let mut left = String::new();
    std::io::Read::read_to_string(&mut &witness, &mut left).unwrap();
    assert_eq!(left, "\0\0\0\0");
    assert_eq!(std::fs::read_dir(file.parent().unwrap()).unwrap().count(), 0);
}

#[test]
fn a_file_that_grew_or_got_a_second_name_stays() {
    let (_home, file) = home();
    let source = read(&file, me(), 4).unwrap();
    std::fs::hard_link(&file, file.with_file_name("twin")).unwrap();
    assert_eq!(source.remove(), Err(UserFileError::HardLink));
    std::fs::remove_file(file.with_file_name("twin")).unwrap();
    mode(&file, 0o600);
    std::fs::write(&file, "text!").unwrap();
    assert_eq!(source.remove(), Err(UserFileError::Changed));
    assert_eq!(std::fs::read(&file).unwrap(), b"text!");
}

#[test]
fn what_does_not_answer_is_left_behind() {
    let (hold, held) = mpsc::channel::<()>();
    let job = move || held.recv().map_err(|_| UserFileError::Kind);
    assert_eq!(within(Duration::from_millis(50), job), Err(UserFileError::Stuck));
    drop(hold);
}
