//! Facts about a pending change: this boot, this audit session, and whether any change is pending.

use std::{fs, path::Path};

use twinlock_core::base::time::Now;
use twinlock_setup::{
    saved::{FOLDER, SavedFolder},
    wishes::ServiceName,
};

/// File in which the kernel gives the id of this boot.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// Returns the audit session of this process, which the kernel assigns at a login; `None` if no login has started it.
pub(super) fn audit_session() -> Option<u32> {
    let text = fs::read_to_string("/proc/self/sessionid").ok()?;
    text.trim().parse().ok().filter(|id| *id != u32::MAX)
}

/// Returns the kernel's id of this boot; empty if it cannot be read.
pub(super) fn boot_id() -> String {
    fs::read_to_string(BOOT_ID).unwrap_or_default().trim().to_owned()
}

/// Returns the seconds from the boot to the time `now`.
pub(super) fn boot_seconds(now: Now) -> u64 {
    now.boot.0 / 1_000_000_000
}

/// Returns the names of the services that have a PAM service in common with `service`, and of which a change waits for its
/// confirmation or is being undone. `service` itself may be among them. If that cannot be found out, returns its name.
pub(super) fn overlapping(service: &ServiceName) -> Vec<String> {
    let all = Path::new(FOLDER);
    let Ok(names) = SavedFolder::services(all) else { return vec![service.as_str().to_owned()] };
    let waits = |name: &String| {
        let overlaps = ServiceName::of(name).is_some_and(|other| other.overlaps(service));
        overlaps && SavedFolder::of(all, name).waits().unwrap_or(true)
    };
    names.into_iter().filter(waits).collect()
}

/// Returns whether a change of any service waits for its confirmation or is being undone. If that cannot be found out,
/// returns `true`.
pub(super) fn any_waits() -> bool {
    let all = Path::new(FOLDER);
    let waits = |name: &String| SavedFolder::of(all, name).waits().unwrap_or(true);
    SavedFolder::services(all).unwrap_or_default().iter().any(waits)
}
