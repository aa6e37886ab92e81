//! Notes in a record that its only key was generated on this host, so that no code of the key was used earlier or on
//! another host.

use crate::{
    base::time::BootTime,
    otp::hotp::Keyed,
    record::{Record, extras::FreshKey},
};

/// Notes in the record that its only key was generated on this host. No code of the key was accepted before the time
/// `since` of the boot clock, in the boot with the id `boot_id`. Does nothing if the record has several keys or none.
pub fn mark_as_fresh(record: &mut Record, boot_id: &str, since: BootTime) {
    let [only] = record.authenticators.as_slice() else { return };
    let Some(keyed) = Keyed::new(&only.key, only.parameters.algorithm) else { return };
    let mark = keyed.mark(only).0;
    record.extras.fresh_key = Some(FreshKey { mark, boot_id: boot_id.into(), since });
}
