//! Faults after which a correct code is still accepted, each with the reason why that is safe.

use nix::errno::Errno::{self, *};
use twinlock_tests::Place;

use super::strike::{Means, Strike};

/// How a call fails.
pub enum How {
    /// In every way.
    Any,
    /// With one of these errors.
    With(&'static [Errno]),
    /// For fewer bytes than requested.
    Short,
    /// With a premature end of file.
    Cut,
    /// In every way, after the refund.
    Late,
}

use How::{Any, Cut, Late, Short, With};

/// Prefix of a call's name, how it fails, and why no login is refused for it.
pub type Row = (&'static str, How, &'static str);

/// Faults in every login.
pub const EVERYWHERE: &[Row] = &[
    ("close ", Any, "nothing was written by it, and nothing is learnt from it"),
    ("socket 1/0", Any, "libc goes on to the files"),
    ("connect /var/run/nscd/", Any, "libc goes on to the files"),
    ("newfstatat / ", Any, "libc asks whether it is in another root than before"),
    ("newfstatat /etc/nsswitch.conf", Any, "libc has a list of services of its own"),
    ("openat /etc/nsswitch.conf", Any, "libc has a list of services of its own"),
    ("read /etc/nsswitch.conf", Short, "libc reads on"),
    ("read /etc/nsswitch.conf", Cut, "libc has a list of services of its own"),
    ("newfstatat /etc/passwd/", Any, "libc asks how much to read at once"),
    ("read /etc/passwd", Short, "libc reads on"),
    ("openat2 ", With(&[EPERM, ENOSYS]), "the path is walked part by part"),
    ("openat2 /etc/twinlock/twinlock.toml", With(&[ENOENT]), "no file means the built-in settings"),
    (
        "openat2 /etc/twinlock/rules.toml",
        With(&[ENOENT]),
        "no file means that the command wrote no rules",
    ),
    ("newfstatat /run/twinlock ", With(&[ENOENT]), "what is absent is made, and stands already"),
    ("openat2 /run/twinlock", With(&[ENOENT]), "what is absent is made, and stands already"),
    ("read /etc/twinlock/twinlock.toml", With(&[EINTR]), "it is read again"),
    ("read /etc/twinlock/twinlock.toml", Short, "it is read on"),
    ("getdents64 ", Short, "it is read on"),
    (
        "openat /var/lib/twinlock/users/ada/record.",
        With(&[ENOENT]),
        "a change replaced it; looked for again",
    ),
    ("read /var/lib/twinlock/users/ada/record.", With(&[EINTR]), "it is read again"),
    ("read /var/lib/twinlock/users/ada/record.", Short, "it is read on"),
    ("ioctl pipe:", Any, "the application asks whether this is a terminal"),
    ("write /memfd:said", Any, "the application's prompt"),
    ("read pipe:", Short, "the application reads byte by byte"),
    (
        "symlinkat /run/twinlock/users/ada/try.",
        With(&[EEXIST]),
        "another try has the slot; the next is taken",
    ),
    (
        "readlinkat /run/twinlock/epoch",
        With(&[EINVAL, ENOENT]),
        "a new one cannot be begun where one stands; it is read again",
    ),
    (
        "newfstatat /var/lib/twinlock/users/ada/record.",
        With(&[ENOENT]),
        "there is no later record: the true answer",
    ),
    (
        "unlinkat /run/twinlock/users/ada/try.",
        Any,
        "a charge not given back refuses longer, and nobody else",
    ),
    (
        "",
        Late,
        "the code was accepted: clock mark, known source and log are kept as well as it goes",
    ),
];

/// Faults before a first factor, where the proof of an absence is read for every user.
pub const AHEAD: &[Row] = &[
    (
        "mkdirat /run/twinlock/users/ada",
        With(&[ENOENT]),
        "the folder of all is made first, and then this",
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
const UNASKED: &str = "whoever has a record need not be proven absent";

/// Faults while a code set is read.
pub const SET: &[Row] = &[
    ("read /var/lib/twinlock/users/ada/codes.", With(&[EINTR]), "it is read again"),
    ("read /var/lib/twinlock/users/ada/codes.", Short, "it is read on"),
    ("madvise ", Any, "libc's advice about memory"),
    ("munmap ", Any, "memory is not given back"),
    ("symlinkat /run/twinlock/users/ada/used.", Any, WHEN),
];
const WHEN: &str = "it tells when a code was used; that it was stands beside the record";

/// Faults while a record is replaced.
pub const CHANGE: &[Row] = &[
    ("getrandom ", With(&[EINTR]), "it is asked again"),
    ("write /var/lib/twinlock/users/ada/tmp.", With(&[EINTR]), "it is written on"),
    ("write /var/lib/twinlock/users/ada/tmp.", Short, "it is written on"),
    ("renameat2 ", With(&[EINVAL, ENOSYS]), "it is linked instead"),
    ("renameat2 ", With(&[EEXIST, ENOENT]), "somebody was faster; it is looked at again"),
    ("mkdirat /var/lib/twinlock/", With(&[EEXIST]), "it is there: the true answer"),
    ("readlinkat /var/lib/twinlock/uids/", With(&[ENOENT]), HOLDER),
    (
        "unlinkat /var/lib/twinlock/users/ada/record.",
        Any,
        "the newest counts, whatever stands beside it",
    ),
];

const HOLDER: &str = "nobody seems to hold the user id, and the person takes it again";

/// Faults at a first code, which is wrong by itself.
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
const ROW: &str = "the row of failures is noted as well as it goes; the tries themselves count";
const NOTE: &str = "a refusal is noted as well as it goes";

/// Returns the row that allows a correct code after a strike.
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
