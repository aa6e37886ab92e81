//! Whether the kernel says that the wall clock is synchronized.
#![expect(
    unsafe_code,
    reason = "no crate in the tree wraps adjtimex, and no file says what it does"
)]

use core::mem::MaybeUninit;

use nix::libc;
use twinlock_core::clock_mark::Trust;

/// Asks the kernel, which a daemon such as chronyd keeps informed; whoever sets the clock by hand ends it. Where the
/// call is not allowed, nothing vouches for the clock.
pub(crate) fn trust() -> Trust {
    let mut all = MaybeUninit::<libc::timex>::zeroed();
    // SAFETY: the kernel fills the structure; its `modes` are zero, so that nothing is changed.
    let state = unsafe { libc::adjtimex(all.as_mut_ptr()) };
    if (0..libc::TIME_ERROR).contains(&state) { Trust::Synchronized } else { Trust::Alone }
}
