//! The faults of system calls after which a login with a correct code still succeeds, each with the reason why that is
//! safe.

use nix::errno::Errno::{self, *};
use twinlock_tests::Place;

use super::strike::{Means, Strike};

/// Which faults of a call are harmless.
pub enum FaultKind {
    /// Every fault.
    Any,
    /// The call returns one of these errors.
    With(&'static [Errno]),
    /// The call transfers fewer bytes than requested.
    Short,
    /// The call returns a premature end of file.
    Cut,
    /// Every fault, if the call comes after the code was accepted and its attempt is no longer counted.
    Late,
}

use FaultKind::{Any, Cut, Late, Short, With};

/// A call whose fault is harmless: prefix of the call's name, the faults, and why a login succeeds nevertheless.
pub type Row = (&'static str, FaultKind, &'static str);

/// Harmless faults in every login.
pub const EVERYWHERE: &[Row] = &[
    ("close ", Any, "the file was only read, so closing it reports nothing that matters"),
    ("socket 1/0", Any, "libc reads the files instead"),
    ("connect /var/run/nscd/", Any, "libc reads the files instead"),
    ("newfstatat / ", Any, "libc checks whether the root has changed"),
    ("newfstatat /etc/nsswitch.conf", Any, "libc uses its default list of services"),
    ("openat /etc/nsswitch.conf", Any, "libc uses its default list of services"),
    ("read /etc/nsswitch.conf", Short, "libc reads the rest"),
    ("read /etc/nsswitch.conf", Cut, "libc uses its default list of services"),
    ("newfstatat /etc/passwd/", Any, "libc asks for the block size"),
    ("read /etc/passwd", Short, "libc reads the rest"),
    (
        "openat2 ",
        With(&[EPERM, ENOSYS]),
        "openat2 is missing: the path is opened component by component",
    ),
    ("openat2 /etc/twinlock/twinlock.toml", With(&[ENOENT]), "without a file the defaults apply"),
    (
        "openat2 /etc/twinlock/rules.toml",
        With(&[ENOENT]),
        "without a file the command has written no rules",
    ),
    ("openat2 /run/twinlock", With(&[ENOENT]), "it is created, and exists already"),
    ("read /etc/twinlock/twinlock.toml", With(&[EINTR]), "the call is repeated"),
    ("read /etc/twinlock/twinlock.toml", Short, "the rest is read"),
    ("getdents64 ", Short, "the rest is read"),
    (
        "openat /var/lib/twinlock/users/ada/record.",
        With(&[ENOENT]),
        "a change has replaced the record: the newest one is searched again",
    ),
    ("read /var/lib/twinlock/users/ada/record.", With(&[EINTR]), "the call is repeated"),
    ("read /var/lib/twinlock/users/ada/record.", Short, "the rest is read"),
    ("ioctl pipe:", Any, "the application checks whether this is a terminal"),
    ("write /memfd:said", Any, "the application's prompt"),
    ("read pipe:", Short, "the application reads byte by byte"),
    (
        "symlinkat /run/twinlock/users/ada/try.",
        With(&[EEXIST]),
        "another attempt holds the slot: the next slot is taken",
    ),
    (
        "readlinkat /run/twinlock/epoch",
        With(&[EINVAL, ENOENT]),
        "a new epoch cannot replace a valid one: the epoch is read again",
    ),
    (
        "newfstatat /var/lib/twinlock/users/ada/record.",
        With(&[ENOENT]),
        "there is no later record, which is true",
    ),
    (
        "unlinkat /run/twinlock/users/ada/try.",
        Any,
        "a charge that is not refunded only delays this user for longer",
    ),
    ("", Late, "the code was accepted: clock mark, known source and log are best effort"),
];

/// Harmless faults in a login before a first factor, which reads the same files for every user.
pub const AHEAD: &[Row] = &[
    (
        "mkdirat /run/twinlock/users/ada",
        With(&[ENOENT]),
        "the parent folder is created first, and then this one",
    ),
    ("openat2 /var/lib/twinlock/% ", Any, UNASKED),
    ("openat2 /var/lib/twinlock 2", Any, UNASKED),
    ("fstat /var/lib/twinlock 2", Any, UNASKED),
    ("openat2 /var/lib/twinlock 3", Any, UNASKED),
    ("fstat /var/lib/twinlock 3", Any, UNASKED),
    ("openat /var/lib/twinlock/store-id", Any, UNASKED),
    ("fstat /var/lib/twinlock/store-id", Any, UNASKED),
    ("read /var/lib/twinlock/store-id", Any, UNASKED),
    ("openat2 /etc/twinlock/store-id", Any, UNASKED),
    ("fstat /etc/twinlock/store-id", Any, UNASKED),
    ("read /etc/twinlock/store-id", Any, UNASKED),
    ("openat2 /var/lib/twinlock/users ", Any, UNASKED),
    ("fstat /var/lib/twinlock/users ", Any, UNASKED),
    ("openat2 /var/lib/twinlock/uids ", Any, UNASKED),
    ("fstat /var/lib/twinlock/uids ", Any, UNASKED),
    ("readlinkat /var/lib/twinlock/uids/", Any, UNASKED),
];
const UNASKED: &str = "for a user who has a record, absence need not be proven";

/// Harmless faults while a set of backup codes is read.
pub const SET: &[Row] = &[
    ("read /var/lib/twinlock/users/ada/codes.", With(&[EINTR]), "the call is repeated"),
    ("read /var/lib/twinlock/users/ada/codes.", Short, "the rest is read"),
    ("madvise ", Any, "the advice about memory is optional"),
    ("munmap ", Any, "the memory is only not returned to the kernel"),
    ("symlinkat /run/twinlock/users/ada/used.", Any, WHEN),
];
const WHEN: &str =
    "it tells only when a code was used; the name next to the record proves that it was";

/// Harmless faults while a record is replaced.
pub const CHANGE: &[Row] = &[
    ("getrandom ", With(&[EINTR]), "the call is repeated"),
    ("write /var/lib/twinlock/users/ada/tmp.", With(&[EINTR]), "the rest is written"),
    ("write /var/lib/twinlock/users/ada/tmp.", Short, "the rest is written"),
    ("renameat2 ", With(&[EINVAL, ENOSYS]), "the file is linked instead"),
    ("renameat2 ", With(&[EEXIST, ENOENT]), "another process was faster: the record is read again"),
    ("mkdirat /var/lib/twinlock/", With(&[EEXIST]), "the folder exists, which is true"),
    ("readlinkat /var/lib/twinlock/uids/", With(&[ENOENT]), HOLDER),
    (
        "unlinkat /var/lib/twinlock/users/ada/record.",
        Any,
        "the newest record counts, whatever else is in the folder",
    ),
];

const HOLDER: &str = "no name seems to hold the user id, so the user claims it again";

/// Harmless faults while the first of two adjacent codes is verified. Even without a fault, this code alone does not
/// grant access.
pub const FIRST: &[Row] = &[
    ("symlinkat /run/twinlock/users/ada/row.", Any, ROW),
    ("unlinkat /run/twinlock/users/ada/row.", Any, ROW),
    ("openat2 /var/lib/twinlock 1", Any, ROW),
    ("fstat /var/lib/twinlock 1", Any, ROW),
    ("openat2 /var/lib/twinlock/users/ada 2", Any, ROW),
    ("fstat /var/lib/twinlock/users/ada 2", Any, ROW),
    ("symlinkat /var/lib/twinlock/users/ada/failed.", Any, ROW),
    ("unlinkat /var/lib/twinlock/users/ada/failed.", Any, ROW),
    ("newfstatat /var/lib/twinlock 2", Any, ROW),
    ("openat2 /var/lib/twinlock/users/ada 4", Any, ROW),
    ("fstat /var/lib/twinlock/users/ada 4", Any, ROW),
    ("getdents64 /var/lib/twinlock/users/ada 5", Any, ROW),
    ("getdents64 /var/lib/twinlock/users/ada 6", Any, ROW),
    ("readlinkat /run/twinlock/users/ada/try.", With(&[ENOENT]), "another login has forgiven it"),
    ("sendto /dev/log", Any, NOTE),
    ("statx /run/twinlock 2", Any, NOTE),
    ("openat2 /run/twinlock/users/ada 3", Any, NOTE),
    ("fstat /run/twinlock/users/ada 2", Any, NOTE),
    ("fstatfs /run/twinlock/users/ada", Any, NOTE),
    ("symlinkat /run/twinlock/users/ada/refused.", Any, NOTE),
];
const ROW: &str = "the failure streak is stored with best effort; the attempts themselves count";
const NOTE: &str = "a refusal is stored with best effort";

/// Returns the entry that lists the fault `strike` as harmless; `None` if there is none, so that a login with this
/// fault must fail.
pub fn row<'r>(rows: &[&'r [Row]], strike: &Strike<'_>) -> Option<&'r Row> {
    let Place { what, nth, .. } = strike.place;
    let place = format!("{what} {nth} ");
    rows.iter().copied().flatten().find(|(begins, how, _)| {
        let fits = match (how, strike.means) {
            (Any, _) => true,
            (With(errors), Means::Fail(error)) => errors.contains(&error),
            (Short, Means::Short(most)) => most > 0,
            (Cut, Means::Short(most)) => most == 0,
            (Late, _) => strike.late,
            (With(_) | Short | Cut, _) => false,
        };
        fits && place.starts_with(begins)
    })
}
