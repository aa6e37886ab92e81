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

/// The acting person's name, as records keep it of who has seen a key or given a ticket out.
pub fn name(desk: &Desk) -> String {
    let loginuid = std::fs::read_to_string("/proc/self/loginuid").unwrap_or_default();
    let uid = loginuid.trim().parse().ok().filter(|uid| *uid != u32::MAX).unwrap_or(0);
    let found = desk.machine.accounts.by_uid(uid).ok().flatten();
    found
        .map_or_else(|| if uid == 0 { "root".into() } else { format!("uid:{uid}") }, |one| one.name)
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
