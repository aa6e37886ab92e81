//! Tests `twinlock setup` and `teardown` with a real sshd, sudo and su.

mod automation;
mod doors;
mod hostile;
mod killed;
mod matched;
mod misuse;
mod put_back;
mod root;
mod scope;
mod ssh;
mod sudo_time;
mod terminal;

use twinlock_tests::{Finished, Machine};

/// Key of ada's authenticator app.
const KEY: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

/// Returns a machine with the user ada, who is enrolled and has a key and a password.
fn machine() -> Machine {
    let m = Machine::new();
    m.twinlock();
    m.user("ada").key("ada").password("ada", "ada's password").enrolled("ada", KEY);
    m
}

/// Runs a command line of twinlock as root.
fn twinlock(m: &Machine, line: &str) -> Finished {
    let words = ["twinlock"].into_iter().chain(line.split_whitespace());
    m.run(words)
}
