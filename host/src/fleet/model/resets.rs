//! Tests changes of a record on one host during a login on another: after the change, no old key or code is accepted.

use twinlock_core::record::{Record, State};

use crate::fleet::model::{
    explorer::explore,
    process::{HostEvent, HostRun},
    scenario::{ModelHost, Scenario, faults, with_one_more_fault},
    state::ModelState,
    world::{self, CODES, ModelWorld},
};

fn removed(record: Record) -> Record {
    Record { state: State::Removed, ..world::record_with(Vec::new(), record.generation.0 + 1) }
}

fn replaced(record: Record) -> Record {
    let generation = record.generation.0 + 1;
    Record { codes: None, ..world::record_with(vec![world::app(2)], generation) }
}

/// Values of [`Scenario::marks`]. This one means that the record was changed before the code was claimed; the next one
/// means the opposite.
const CHANGED_FIRST: u64 = 1;
const CLAIMED_FIRST: u64 = 2;

/// Lets one host change the record while another logs in with a code of the old record.
fn no_grant_after(change: fn(Record) -> Record, login: &dyn Fn(&HostRun)) {
    let world = ModelWorld::of(world::app(1));
    let disks = [0, 1].map(|number| {
        let world = &world;
        move || world.host(number)
    });
    let changes = |run: &HostRun| run.change(&change);
    let before = world.store.revision(&world::name().record());
    let scenario = Scenario {
        hosts: vec![
            ModelHost { disk: &disks[0], program: &changes },
            ModelHost { disk: &disks[1], program: login },
        ],
        faults: faults(2),
        marks: &|store, marks| match marks {
            0 if world::is_claimed(store) => CLAIMED_FIRST,
            0 if store.revision(&world::name().record()) != before => CHANGED_FIRST,
            marks => marks,
        },
        always: &|state| {
            let is_late = state.marks == CHANGED_FIRST && state.grants() > 0;
            is_late.then(|| "let in by a key that was no longer in force".into())
        },
        ..Scenario::of(world.store.clone())
    };
    explore("a change meanwhile", &scenario);
}

#[test]
fn reset_kills_logins_of_other_hosts() {
    let code = world::code(&world::app(1), 0);
    for change in [removed, replaced] {
        no_grant_after(change, &|run| run.login(&[&code]));
        no_grant_after(change, &|run| run.login_after_look(&[&code]));
        no_grant_after(change, &|run| run.login(&[CODES[0]]));
        no_grant_after(change, &|run| run.login_unproven(&[&code]));
    }
}

fn lagging(program: &dyn Fn(&HostRun), last: &dyn Fn(&ModelState) -> Option<String>, most: u8) {
    let world = ModelWorld::of(world::app(2));
    let disk = || world.lagging_host(0, world::app(1));
    let scenario = Scenario {
        hosts: vec![ModelHost { disk: &disk, program }],
        faults: faults(most),
        last,
        ..Scenario::of(world.store.clone())
    };
    explore("a host that lags", &scenario);
}

#[test]
fn host_that_lags_judges_by_the_newest_record() {
    let [old, new] = [1, 2].map(|byte| world::code(&world::app(byte), 0));
    let in_by_old = |state: &ModelState| {
        (state.grants() > 0).then(|| "let in by a key that was replaced".into())
    };
    lagging(&|run| run.login(&[&old]), &in_by_old, 2);
    lagging(&|run| run.login_after_look(&[&old]), &in_by_old, 2);
    let in_by_new = |state: &ModelState| {
        (state.is_faultless() && state.grants() == 0).then(|| "refused".into())
    };
    lagging(&|run| run.login(&[&new]), &in_by_new, 1);
    lagging(&|run| run.login(&[CODES[1]]), &in_by_new, 1);
}

#[test]
fn host_that_lags_changes_the_newest_record() {
    let changed = |state: &ModelState| {
        let is_done = state.points[0].events == [HostEvent::Changed(true)];
        (state.is_faultless() && !is_done).then(|| "the change was refused".into())
    };
    lagging(&|run| run.change(&replaced), &changed, 1);
}

#[test]
#[ignore = "takes minutes"]
fn resets_with_one_more_fault() {
    with_one_more_fault(&[
        reset_kills_logins_of_other_hosts,
        host_that_lags_judges_by_the_newest_record,
        host_that_lags_changes_the_newest_record,
    ]);
}
