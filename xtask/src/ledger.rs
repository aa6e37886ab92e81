//! Makes a ledger look as if it had been created some minutes ago.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rustix::time::{ClockId, clock_gettime};

use crate::command::Done;

/// Moves the beginning of a ledger's epoch to ten minutes ago, but not before the boot. A new ledger refuses all codes
/// of its first minute, because it does not know which codes were used before. Without this change, a test would have
/// to wait for a minute.
pub(crate) fn begin_earlier(ledger: &Path) -> Done {
    let up = clock_gettime(ClockId::Boottime);
    let up = Duration::from_secs(u64::try_from(up.tv_sec).unwrap_or_default());
    let ago = up.min(Duration::from_secs(600));
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let boot = boot.trim().replace('-', "");
    let epoch = format!("{boot}.{}.{}", (up - ago).as_nanos(), now.saturating_sub(ago).as_secs());
    let link = ledger.join("epoch");
    let replaced = fs::remove_file(&link).and_then(|()| symlink(epoch, &link));
    replaced.map_err(|error| format!("{} cannot be put back: {error}.", link.display()))
}
