//! Sets of codes on disk: `codes.SET` beside the record that names it.

use twinlock_core::{account::Folder, fault::CommitFault, record::SetId};
use zeroize::Zeroizing;

use crate::records::HostRecords;

/// Writes the hashes of some codes durably, for a record that is then to name the set.
///
/// # Errors
/// [`CommitFault`]; nothing names the set, so that nothing has changed.
pub fn lay_down(
    records: &HostRecords,
    folder: &Folder,
    codes: &[Zeroizing<String>],
) -> Result<SetId, CommitFault> {
    let _ = (records, folder, codes);
    Err(CommitFault::Store(twinlock_core::fault::StoreFault::Io { errno: 38 }))
}
