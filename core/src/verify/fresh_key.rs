//! Noting that a record's only key was generated on this host, so that none of its codes can have been used before.

use crate::{
    base::time::BootTime,
    otp::hotp::Keyed,
    record::{Record, extras::FreshKey},
};

/// Notes that the record's only key was generated on this host and that no code of it was accepted before `since`.
pub fn mark_as_fresh(record: &mut Record, boot_id: &str, since: BootTime) {
    let [only] = record.authenticators.as_slice() else { return };
    let Some(keyed) = Keyed::new(&only.key, only.parameters.algorithm) else { return };
    let mark = keyed.mark(only).0;
    record.extras.fresh_key = Some(FreshKey { mark, boot_id: boot_id.into(), since });
}
