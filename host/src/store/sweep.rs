//! Removes code sets that no record names any longer.

use rustix::fs::{self, AtFlags};
use twinlock_core::{
    base::time::{DAY, UnixTime},
    ports::Clock,
    record::{SetId, code_set_text, text as form},
};
use zeroize::Zeroizing;

use crate::{
    clock::KernelClock,
    store::records::{FolderListing, HostRecords, record_name},
    trusted_dir::TrustedDir,
};

/// Removes the code sets in the user's folder `dir`, except `kept`, the set that the newest record names. `newest` is
/// the sequence number of that record. If an older record names a set, the set is removed at once. If no record names
/// it, the set is removed only after a day, because a change in progress may be about to name it.
pub(crate) fn sets(
    records: &HostRecords,
    dir: &TrustedDir,
    newest: u64,
    kept: Option<SetId>,
    listing: &FolderListing,
) {
    let others = || listing.of_sets.iter().filter(|name| code_set_text::set_of(name) != kept);
    if others().next().is_none() {
        return;
    }
    let before = listing.sequences.iter().filter(|sequence| **sequence < newest);
    let dead: Vec<SetId> =
        before.filter_map(|sequence| named_by(records, dir, *sequence)).collect();
    for name in others() {
        if code_set_text::set_of(name).is_some_and(|set| dead.contains(&set))
            || is_forgotten(dir, name)
        {
            let _ = fs::unlinkat(dir.fd(), name, AtFlags::empty());
        }
    }
}

fn named_by(records: &HostRecords, dir: &TrustedDir, sequence: u64) -> Option<SetId> {
    let bytes = dir.read(&record_name(sequence), records.owner, form::RECORD_MAX).ok()?;
    let bytes = Zeroizing::new(bytes);
    form::read(std::str::from_utf8(&bytes).ok()?).ok()?.codes
}

fn is_forgotten(dir: &TrustedDir, name: &str) -> bool {
    let Ok(stat) = fs::statat(dir.fd(), name, AtFlags::SYMLINK_NOFOLLOW) else { return false };
    let Ok(now) = KernelClock.now() else { return false };
    now.unix.since(UnixTime(u64::try_from(stat.st_mtime).unwrap_or_default())) > DAY
}
