//! Removes sets of codes that no record names any more.

use rustix::fs::{self, AtFlags};
use twinlock_core::{
    format::{codes, record as form},
    ports::Clock,
    record::SetId,
    time::{DAY, UnixTime},
};
use zeroize::Zeroizing;

use crate::{
    clock::KernelClock,
    place::Room,
    records::{HostRecords, Listing, record_name},
};

/// Removes all sets except `kept`, that of the newest record, whose number is `newest`. A set that no record names
/// yet may be about to be named, so it is removed only after a day.
pub(crate) fn sets(
    records: &HostRecords,
    (room, newest): (&Room, u64),
    kept: Option<SetId>,
    listing: &Listing,
) {
    let others = || listing.of_sets.iter().filter(|name| codes::set_of(name) != kept);
    if others().next().is_none() {
        return;
    }
    let before = listing.sequences.iter().filter(|sequence| **sequence < newest);
    let dead: Vec<SetId> =
        before.filter_map(|sequence| named_by(records, room, *sequence)).collect();
    for name in others() {
        if codes::set_of(name).is_some_and(|set| dead.contains(&set)) || is_forgotten(room, name) {
            let _ = fs::unlinkat(room.fd(), name, AtFlags::empty());
        }
    }
}

fn named_by(records: &HostRecords, room: &Room, sequence: u64) -> Option<SetId> {
    let bytes = room.read(&record_name(sequence), records.owner, form::RECORD_MAX).ok()?;
    let bytes = Zeroizing::new(bytes);
    form::read(std::str::from_utf8(&bytes).ok()?).ok()?.codes
}

fn is_forgotten(room: &Room, name: &str) -> bool {
    let Ok(stat) = fs::statat(room.fd(), name, AtFlags::SYMLINK_NOFOLLOW) else { return false };
    let Ok(now) = KernelClock.now() else { return false };
    now.unix.since(UnixTime(u64::try_from(stat.st_mtime).unwrap_or_default())) > DAY
}
