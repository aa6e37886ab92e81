//! Many enrolled people, whose records are made without the command.

use std::fs::File;
use std::io::Write;

use rustix::fs::{Mode, OFlags, mkdirat, openat, symlinkat};

use crate::machine::Machine;

/// Above all numbers that the machine gives to its own accounts.
const FIRST_UID: u64 = 1_000_000;

impl Machine {
    /// As many people more, each with a record like that of `model`, who are no accounts of the
    /// machine: a fleet's records on one of its hosts. `each` is told how many there are so far.
    pub fn crowd(&self, model: &str, people: std::ops::Range<u64>, mut each: impl FnMut(u64)) {
        let record = format!("/var/lib/twinlock/users/{model}/record.1.toml");
        let record = self.file(&record).read();
        let uid = format!("uid = {}\n", self.uid(model));
        let (users, uids) =
            (self.file("/var/lib/twinlock/users/x"), self.file("/var/lib/twinlock/uids/x"));
        let ((users, _), (uids, _)) = (users.parent(), uids.parent());
        for number in people {
            let name = format!("u{number:07}");
            let own = record.replacen(&format!("\"{model}\""), &format!("\"{name}\""), 1);
            let own = own.replacen(&uid, &format!("uid = {}\n", FIRST_UID + number), 1);
            mkdirat(&users, &name, Mode::RWXU).expect("a folder for a record");
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
            let file =
                openat(&users, format!("{name}/record.1.toml"), flags, Mode::RUSR | Mode::WUSR);
            File::from(file.expect("a record")).write_all(own.as_bytes()).expect("a record");
            symlinkat(&name, &uids, (FIRST_UID + number).to_string()).expect("a number's name");
            each(number + 1);
        }
    }
}
