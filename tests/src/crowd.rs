//! Enrolls many users at once, by writing their records without the command.

use std::fs::File;
use std::io::Write;

use rustix::fs::{Mode, OFlags, mkdirat, openat, symlinkat};

use crate::machine::Machine;

/// User id of the first user that [`Machine::crowd`] creates. The ids of real accounts are smaller.
const FIRST_UID: u64 = 1_000_000;

/// Returns the name of a user that [`Machine::crowd`] creates.
pub fn crowd_name(number: u64) -> String {
    format!("u{number:07}")
}

impl Machine {
    /// Creates an account for each user that [`Machine::crowd`] enrolls with the same numbers. Nobody else may be added
    /// to this machine afterwards by the tools of the system, which would read the long list each time.
    pub fn crowd_accounts(&self, people: std::ops::Range<u64>) {
        let line = |number: u64| {
            let (name, uid) = (crowd_name(number), FIRST_UID + number);
            format!("{name}:x:{uid}:{uid}::/:/bin/sh\n")
        };
        self.file("/etc/passwd").append(people.map(line).collect::<String>());
    }

    /// Enrolls a new user for each number in `people`, with a copy of the record of the user `model`. The new users
    /// have no accounts (see [`Machine::crowd_accounts`]).
    pub fn crowd(&self, model: &str, people: std::ops::Range<u64>) {
        let record = format!("/var/lib/twinlock/users/{model}/record.1.toml");
        let record = self.file(&record).read();
        let uid = format!("uid = {}\n", self.uid(model));
        let (users, uids) =
            (self.file("/var/lib/twinlock/users/x"), self.file("/var/lib/twinlock/uids/x"));
        let ((users, _), (uids, _)) = (users.parent(), uids.parent());
        for number in people {
            let name = crowd_name(number);
            let own = record.replacen(&format!("\"{model}\""), &format!("\"{name}\""), 1);
            let own = own.replacen(&uid, &format!("uid = {}\n", FIRST_UID + number), 1);
            mkdirat(&users, &name, Mode::RWXU).expect("a folder for a record");
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
            let file =
                openat(&users, format!("{name}/record.1.toml"), flags, Mode::RUSR | Mode::WUSR);
            File::from(file.expect("a record")).write_all(own.as_bytes()).expect("a record");
            symlinkat(&name, &uids, (FIRST_UID + number).to_string()).expect("a number's name");
        }
    }
}
