//! Tests that a record of a host whose clock is ahead does not undo later changes on this host.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on must stop")]

#[path = "../../core/tests/world/mod.rs"]
mod world;

use twinlock_core::{
    base::{account::Account, time::UnixTime},
    ports::Records,
    record::{Generation, enrollment, extras::AuditStamp},
};
use world::{
    START, World,
    people::{change, stamp, with_codes},
};

fn audit() -> AuditStamp {
    AuditStamp { by: "kim".into(), at: UnixTime(START) }
}

#[test]
fn a_clock_that_is_ahead_over_there_does_not_undo_a_reset() {
    use twinlock_core::record::SetId;
    use twinlock_migrate::merge::{self, Arrival, Carried, Wanted};
    let (world, _) = with_codes(10);
    // The clock of the other host is 50 minutes ahead. Its record was imported here; then the user was reset here.
    let mut there = world.newest_record("ada");
    there.codes = Some(SetId(5));
    there.generation = Generation(5);
    there.extras.changed = Some(UnixTime(START + 3000));
    let here = enrollment::reset(there_copy(&world, 5), audit(), stamp(77, START + 1200));
    change(&world, |_| here);
    let account = Account { name: "ada".into(), uid: 1000, gid: 1000, full_name: String::new() };
    let snapshot = world.newest(&account).unwrap();
    let arrival = Arrival {
        codes_since: Some(UnixTime(START + 3000)),
        now: UnixTime(START + 1300),
        fresh: Generation(9),
        wanted: Wanted::Newer,
    };
    let done = merge::onto(snapshot.as_ref(), there, arrival);
    if let Ok(Carried::Replaces(record)) = &done {
        panic!("{:?} {:?}", record.state, record.codes);
    }
}

fn there_copy(world: &World, id: u64) -> twinlock_core::record::Record {
    let mut r = world.newest_record("ada");
    r.codes = Some(twinlock_core::record::SetId(id));
    r.generation = Generation(id);
    r.extras.changed = Some(UnixTime(START + 3000));
    r
}
