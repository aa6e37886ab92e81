//! Uploads what this host has and the fleet lacks, and shows a progress bar.

use twinlock_host::fleet::membership::{
    Comparison, FleetMembership, LocalUser, MembershipError, UploadScope,
};

use crate::{
    commands::fleet::side, context::Context, error::exit::CliError, terminal::progress::Progress,
};

/// Uploads backup codes, records and used steps, in this order, so that no record in the store refers to a set of codes
/// that the store lacks.
pub(super) fn send(
    context: &Context,
    fleet: &FleetMembership<'_>,
    users: &[LocalUser],
    found: &Comparison,
    scope: UploadScope,
) -> Result<(), CliError> {
    let mut progress = Progress::of(found.only_here.len() + found.newer_here.len());
    let host = side(context);
    let sent = fleet.send_codes(host, users, found, scope).and_then(|()| {
        fleet.send_records(users, found, &mut |count| (0..count).for_each(|_| progress.step()))
    });
    progress.clear();
    let newer = found.newer_here.iter().map(|one| one.user);
    let of: Vec<usize> = found.only_here.iter().chain(&found.same).copied().chain(newer).collect();
    let sent = sent.and_then(|()| fleet.send_steps(host, users, &of));
    sent.map_err(|fault: MembershipError| in_part(fault.into()))
}

/// Adds to an error that the uploaded entries stay in the store, and that the same command uploads the rest.
pub(super) fn in_part(failure: CliError) -> CliError {
    failure.but("what was sent up stays, and the same command sends the rest")
}
