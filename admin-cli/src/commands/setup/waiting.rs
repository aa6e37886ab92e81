//! What a change waits for: this boot, this session, and the changes that wait.

use std::{fs, path::Path};

use twinlock_core::base::time::Now;
use twinlock_setup::saved::{FOLDER, SavedFolder};

/// Where the kernel tells which boot this is.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// Returns the audit session of this process, which a login got; `None` if no login has started it.
pub(super) fn audit_session() -> Option<u32> {
    let text = fs::read_to_string("/proc/self/sessionid").ok()?;
    text.trim().parse().ok().filter(|id| *id != u32::MAX)
}

/// Returns which boot this is.
pub(super) fn boot_id() -> String {
    fs::read_to_string(BOOT_ID).unwrap_or_default().trim().to_owned()
}

/// Returns the seconds since the boot.
pub(super) fn boot_seconds(now: Now) -> u64 {
    now.boot.0 / 1_000_000_000
}

/// Returns whether a change of any service waits.
pub(super) fn any_waits() -> bool {
    let all = Path::new(FOLDER);
    let waits = |name: &String| SavedFolder::of(all, name).waits().unwrap_or(true);
    SavedFolder::services(all).unwrap_or_default().iter().any(waits)
}
