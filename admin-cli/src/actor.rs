//! Who acts, by the kernel's word, and the log line that says what was done.

use twinlock_core::format::log_line;
use twinlock_host::journal::Severity;

use crate::desk::Desk;

/// What the kernel shows for a process that nobody's login has started.
const UNSET: &str = "4294967295";

/// Logs a change, with the acting person last.
pub fn log(desk: &Desk, event: &str, pairs: &[(&str, &str)]) {
    let actor = named(&std::fs::read_to_string("/proc/self/loginuid").unwrap_or_default());
    let mut pairs = pairs.to_vec();
    pairs.push(("actor", &actor));
    desk.machine.journal.send(Severity::Notice, &log_line::of_administration(event, &pairs));
}

/// The actor's word: the login's user id survives sudo and su, and what has none came without a login.
fn named(loginuid: &str) -> String {
    match loginuid.trim() {
        "" | UNSET => "unset".into(),
        "0" => "root".into(),
        uid => format!("uid:{uid}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_word_becomes_ours() {
        for (loginuid, actor) in
            [("1000\n", "uid:1000"), ("0", "root"), (UNSET, "unset"), ("", "unset")]
        {
            assert_eq!(named(loginuid), actor);
        }
    }
}
