//! Checks that this host can create private machines (see [`crate::Machine`]), and that what happens in a machine does
//! not change the host. Both checks may fail, for example in a chroot.

use std::fs::File;
use std::sync::OnceLock;

use nix::sched::{CloneFlags, setns, unshare};
use rustix::fs::{AtFlags, CWD, Statx, StatxFlags, statx};
use rustix::io::Errno;

use crate::holder::{Furnished, Holder};

const CHROOT: &str = "this is a chroot: what is done here would reach the machine around it";

/// Checks that root can create private machines here, and that they change nothing outside.
///
/// # Errors
/// A clause without a full stop that says what is not possible.
pub fn private_machines() -> Result<(), String> {
    own_root()?;
    Holder::begun(None, Furnished::Bare).map(drop)
}

/// Checks that the root folder of this process is that of the host, and not that of a chroot. The first call checks
/// this and stores the result; later calls return the stored result.
pub(crate) fn own_root() -> Result<(), String> {
    static CHECKED: OnceLock<Result<(), String>> = OnceLock::new();
    let checked = CHECKED.get_or_init(|| {
        root_of_the_first_process()?;
        // Uses a separate thread with its own root, since the check leaves the thread in the namespace's root.
        let thread = std::thread::spawn(root_of_the_namespace);
        thread.join().unwrap_or_else(|_| Err("the check of the root has failed".to_owned()))
    });
    checked.clone()
}

/// Checks that the root folder of this process is that of the first process (process 1).
fn root_of_the_first_process() -> Result<(), String> {
    let own = looked_at("/").map_err(|error| format!("/ cannot be looked at: {error}"))?;
    let first = match looked_at("/proc/1/root/") {
        Ok(first) => first,
        // The first process has more rights than root has here, so its root cannot be read; the check of the mount
        // namespace decides.
        Err(Errno::ACCESS | Errno::PERM) => return Ok(()),
        Err(error) => return Err(format!("/proc is not mounted ({error})")),
    };
    // From another mount namespace, mount ids differ even if the roots are the same.
    let namespace = |of: &str| std::fs::read_link(format!("/proc/{of}/ns/mnt")).ok();
    let together = namespace("1") == namespace("self");
    if same(&first, &own) && (!together || first.stx_mnt_id == own.stx_mnt_id) {
        Ok(())
    } else {
        Err(CHROOT.to_owned())
    }
}

/// Checks that this thread has the root folder of its mount namespace, which nsenter(1) enters. In a chroot, even the
/// first process may have another root folder.
fn root_of_the_namespace() -> Result<(), String> {
    let (before, after) = around_entering().map_err(|error| {
        format!("this machine does not let root enter a mount namespace ({error})")
    })?;
    if same(&before, &after) && before.stx_mnt_id == after.stx_mnt_id {
        Ok(())
    } else {
        Err(CHROOT.to_owned())
    }
}

/// Returns the status of the root folder of this thread twice: as it is now, and as it is after the thread has entered
/// its mount namespace anew, and with it the root of that namespace.
fn around_entering() -> std::io::Result<(Statx, Statx)> {
    let before = looked_at("/")?;
    let namespace = File::open("/proc/thread-self/ns/mnt")?;
    unshare(CloneFlags::CLONE_FS)?;
    setns(namespace, CloneFlags::CLONE_NEWNS)?;
    Ok((before, looked_at("/")?))
}

fn looked_at(path: &str) -> rustix::io::Result<Statx> {
    statx(CWD, path, AtFlags::empty(), StatxFlags::BASIC_STATS | StatxFlags::MNT_ID)
}

fn same(one: &Statx, other: &Statx) -> bool {
    let numbers = |of: &Statx| (of.stx_dev_major, of.stx_dev_minor, of.stx_ino);
    numbers(one) == numbers(other)
}
