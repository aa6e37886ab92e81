//! Warns about this host if its clock is unreliable, if its fleet does not answer, or if no login of root is left that
//! could undo a mistake.

use std::fs;

use twinlock_doctor::{
    finding::{Finding, Level},
    settings::RootCode,
};
use twinlock_host::{clock_mark, machine::Machine, store::enrolled_users};

use crate::{commands::fleet::status::of_this_host, enrollment::one_time};

/// Returns the warnings about this host. `records` is the path of the records folder, and `root` tells whether root has
/// a code.
pub(super) fn examine(machine: &Machine, records: &str, root: RootCode) -> Vec<Finding> {
    let clock = (!clock_mark::is_synchronized()).then(unsynchronized);
    let stuck = root == RootCode::HasNone && !other_root_terminal() && !has_codes(machine);
    let fleet = machine.records.fleet().map(|_| of_this_host()).unwrap_or_default();
    let fleet = fleet.into_iter().map(of_fleet);
    clock.into_iter().chain(stuck.then(|| no_way_back(records))).chain(fleet).collect()
}

fn of_fleet(what: String) -> Finding {
    Finding {
        level: Level::Warning,
        id: "fleet",
        place: "/etc/twinlock/fleet.toml".to_owned(),
        what,
        remedy: "`twinlock fleet status` shows the servers of etcd and all hosts.".to_owned(),
    }
}

fn unsynchronized() -> Finding {
    Finding {
        level: Level::Warning,
        id: "clock-not-synchronized",
        place: "the clock of the kernel".to_owned(),
        what: "No time service keeps the clock right (adjtimex): once it is off by more than a period, app codes are refused."
            .to_owned(),
        remedy: "Start one, such as systemd-timesyncd or chronyd, and check with `timedatectl`."
            .to_owned(),
    }
}

fn no_way_back(records: &str) -> Finding {
    Finding {
        level: Level::Warning,
        id: "no-way-back",
        place: records.to_owned(),
        what: "If a change locks all users out, nobody can undo it: root has no code, no user has backup codes, and root is logged in on no other terminal."
            .to_owned(),
        remedy: "Before a change, keep a second session of root open (`sudo -i`) until a login has worked; give administrators backup codes (`twinlock backup-codes USER`)."
            .to_owned(),
    }
}

/// Returns whether any enrolled user has a backup code that is not used.
fn has_codes(machine: &Machine) -> bool {
    let users = enrolled_users::everybody(&machine.records).into_iter().flatten();
    let records = users.filter_map(|entry| entry.found.ok().flatten());
    let mut left = records.map(|found| one_time::left(&machine.records, &found.record));
    left.any(|codes| codes.is_ok_and(|codes| codes.is_some_and(|codes| codes.left > 0)))
}

/// Returns whether a process of root has a controlling terminal other than that of this process.
pub(crate) fn other_root_terminal() -> bool {
    let own = fs::read_to_string("/proc/self/stat").ok().and_then(|stat| terminal(&stat));
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut shells = processes.filter_map(|entry| {
        let of = |name: &str| fs::read_to_string(entry.path().join(name)).ok();
        let terminal = terminal(&of("stat")?)?;
        let status = of("status")?;
        let ids = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
        ids.split_whitespace().all(|id| id == "0").then_some(terminal)
    });
    shells.any(|terminal| Some(terminal) != own)
}

/// Returns the device number of the controlling terminal, from the text of /proc/PID/stat; `None` if there is none.
fn terminal(stat: &str) -> Option<i64> {
    // The name of the program may contain blanks and parentheses.
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(4)?.parse().ok().filter(|number| *number != 0)
}

#[cfg(test)]
mod tests {
    use super::terminal;

    #[test]
    fn terminal_is_the_fifth_field_after_the_name() {
        assert_eq!(terminal("7 (a) b) S 1 7 7 34816 7 4194304 1"), Some(34816));
        assert_eq!(terminal("7 (sshd) S 1 7 7 0 -1 4194304 1"), None);
        assert_eq!(terminal("nothing"), None);
    }
}
