//! Asks the kernel whether the wall clock is synchronized.
#![expect(
    unsafe_code,
    reason = "no crate in the tree wraps adjtimex, and no file says what it does"
)]

use core::mem::MaybeUninit;

use nix::libc;
use twinlock_core::ledger::clock_mark::Trust;

/// Returns whether the kernel considers the wall clock synchronized. A daemon such as chronyd reports this to the
/// kernel; setting the clock by hand ends it. If the system call is not allowed, the clock counts as not synchronized.
pub(crate) fn trust() -> Trust {
    let mut all = MaybeUninit::<libc::timex>::zeroed();
    // SAFETY: the kernel fills the structure; its `modes` are zero, so nothing is changed.
    let state = unsafe { libc::adjtimex(all.as_mut_ptr()) };
    if (0..libc::TIME_ERROR).contains(&state) { Trust::Synchronized } else { Trust::Alone }
}
