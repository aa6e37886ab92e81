//! Unit tests of `trusted_dir`.

use super::*;
use std::os::unix::fs::{PermissionsExt, symlink};

fn me() -> Owner {
    Owner(rustix::process::getuid().as_raw())
}

fn dir(name: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::Builder::new()
        .prefix(name)
        .permissions(std::fs::Permissions::from_mode(0o700))
        .tempdir()
        .unwrap();
    let path = folder.path().canonicalize().unwrap().to_str().unwrap().to_owned();
    (folder, path)
}

fn write(path: &str, mode: u32) {
    std::fs::write(path, "text").unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn only_a_plain_private_file_is_read() {
    let (_folder, path) = dir("place");
    let file = format!("{path}/file");
    let read = |max| read_file(&file, me(), PRIVATE, max);
    write(&file, 0o600);
    assert_eq!(read(4).unwrap(), b"text");
    assert_eq!(read(3), Err(FileError::TooLarge));
    write(&file, 0o640);
    assert_eq!(read(4), Err(FileError::TooOpen));
    write(&file, 0o600);
    assert_eq!(read_file(&file, Owner(me().0 + 1), PRIVATE, 4), Err(FileError::WrongOwner));
    std::fs::hard_link(&file, format!("{path}/twin")).unwrap();
    assert_eq!(read(4), Err(FileError::HardLink));
}

#[test]
fn links_are_refused_wherever_they_stand() {
    let (_folder, path) = dir("place");
    std::fs::create_dir(format!("{path}/real")).unwrap();
    std::fs::set_permissions(format!("{path}/real"), std::fs::Permissions::from_mode(0o700))
        .unwrap();
    write(&format!("{path}/real/file"), 0o600);
    symlink("real", format!("{path}/link")).unwrap();
    symlink("file", format!("{path}/real/alias")).unwrap();
    for linked in ["link/file", "real/alias"] {
        let linked = format!("{path}/{linked}");
        assert_eq!(read_file(&linked, me(), PRIVATE, 9), Err(FileError::Symlink));
        assert!(open_beneath::walk_to_file(&linked).is_err());
    }
    assert!(open_beneath::walk_to_file(&format!("{path}/real/file")).is_ok());
    assert!(TrustedDir::open(&format!("{path}/real"), me()).is_ok());
    assert_eq!(TrustedDir::open(&format!("{path}/link"), me()).unwrap_err(), FileError::Symlink);
    let real = TrustedDir::open(&format!("{path}/real"), me()).unwrap();
    assert!(real.read("alias", me(), 9).is_err());
    assert!(real.below("..", me()).is_err());
}

#[test]
fn what_is_no_file_is_found_out_at_once() {
    let (_folder, path) = dir("place");
    let fifo = format!("{path}/fifo");
    rustix::fs::mkfifoat(CWD, &fifo, Mode::RUSR | Mode::WUSR).unwrap();
    assert_eq!(read_file(&fifo, me(), PRIVATE, 9), Err(FileError::WrongKind));
    assert_eq!(read_file(&path, me(), PRIVATE, 9), Err(FileError::WrongKind));
    let absent = read_file(&format!("{path}/none"), me(), PRIVATE, 9);
    assert!(is_absent(absent.unwrap_err()));
}

#[test]
fn names_can_be_listed_again_and_again() {
    let (_folder, path) = dir("place");
    let dir = TrustedDir::open(&path, me()).unwrap();
    for count in 0..400 {
        assert_eq!(dir.names().unwrap().len(), count);
        symlink("x", format!("{path}/name.{count}")).unwrap();
    }
}
