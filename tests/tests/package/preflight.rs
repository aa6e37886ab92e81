//! Tests that xtask refuses to work on a host where private machines (see `twinlock_tests::Machine`) cannot be
//! created. It prints one sentence, ends with status 2, and does nothing else.

use std::process::{Command, Output};

use twinlock_tests::repository;

use crate::deb::target;

/// Command lines of every task that uses private machines.
const CHORES: [&str; 7] = [
    "test --yes",
    "test --all --yes",
    "demo --auto --yes",
    "demo --fleet --auto --yes",
    "bench --quick --yes",
    "wirings --yes",
    "package --try --yes",
];

/// Runs the xtask command line `chore` in the checkout. `around` is a shell command that runs it: the whole command
/// line is in the variable `LINE`.
fn run(around: &str, chore: &str) -> Output {
    let (folder, xtask) = (repository().display(), target().join("debug/xtask"));
    let line = format!("cd '{folder}' && exec '{}' {chore}", xtask.display());
    let mut shell = Command::new("sh");
    shell.args(["-c", around]).env("LINE", line).env("CARGO", "/bin/false");
    shell.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    shell.output().expect("a shell")
}

#[test]
fn chores_refuse_at_once_without_private_machines() {
    for (around, reason) in [
        (
            "unshare --mount sh -c 'mount --rbind / /mnt && exec chroot /mnt sh -c \"$LINE\"'",
            "this is a chroot",
        ),
        (
            "unshare --mount --pid --fork --mount-proc sh -c 'mount --rbind / /mnt && exec chroot /mnt sh -c \"$LINE\"'",
            "this is a chroot",
        ),
        (
            "exec setpriv --bounding-set -sys_admin --inh-caps -sys_admin sh -c \"$LINE\"",
            "does not let root enter a mount namespace",
        ),
        (
            "exec setpriv --bounding-set -mknod --inh-caps -mknod sh -c \"$LINE\"",
            "does not let root make device nodes",
        ),
        (
            "unshare --mount sh -c 'mount -t tmpfs none /proc && sh -c \"$LINE\"'",
            "/proc is not mounted",
        ),
    ] {
        for chore in CHORES {
            let refused = run(around, chore);
            let said = String::from_utf8_lossy(&refused.stderr);
            assert_eq!(refused.status.code(), Some(2), "{around}: {chore}: {said}");
            assert!(said.starts_with("Nothing was done, because "), "{around}: {chore}: {said}");
            assert!(
                said.contains(reason) && said.lines().count() == 1,
                "{around}: {chore}: {said}"
            );
            assert!(refused.stdout.is_empty(), "{around}: {chore}: {refused:?}");
        }
    }
}
