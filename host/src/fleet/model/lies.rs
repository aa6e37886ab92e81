//! Tests a store that sends false replies: it cannot cause a login that the host alone would refuse.

use std::cell::Cell;

use twinlock_core::{
    base::time::UnixTime,
    record::text as form,
    verify::attempt::Outcome,
    wire::fleet::{FleetOutcome, FleetReply, StoreEntry, StoreWrite, Transaction},
};

use crate::fleet::{
    model::{
        etcd::ModelStore,
        explorer::explore,
        local::{LocalHost, start},
        process::{HostEvent, HostRun},
        scenario::{ModelHost, Promise, Scenario, faults, with_one_more_fault},
        state::ModelState,
        world::{self, CODES, FREE, ModelWorld},
    },
    names::META,
    seal::SealedKind,
};

/// Returns false replies to a transaction. `old` are entries that were sealed earlier.
fn lies(store: &ModelStore, asks: &Transaction, old: &[StoreEntry]) -> Vec<FleetReply> {
    let honest = store.reply(FleetOutcome::Done, asks);
    let mut found = vec![honest.clone(), store.reply(FleetOutcome::Refused, asks)];
    // Nothing of this user but old values.
    let kept = |entry: &&StoreEntry| entry.key == META;
    let mut entries: Vec<_> = honest.entries.iter().filter(kept).cloned().collect();
    entries.extend(old.iter().cloned());
    found.push(FleetReply { entries, ..honest.clone() });
    // Refused, with the values that this host wanted to write.
    let mut own = FleetReply { outcome: FleetOutcome::Refused, ..honest.clone() };
    for write in &asks.writes {
        let StoreWrite::Put { key, value, .. } = write else { continue };
        own.entries.retain(|entry| entry.key != *key);
        let entry = StoreEntry { key: key.clone(), revision: 1, value: value.clone() };
        own.entries.insert(0, entry);
    }
    found.push(own);
    // Each value with one bit flipped, and all values under the keys of others.
    for place in 0..honest.entries.len() {
        let mut flipped = honest.clone();
        let value = &mut flipped.entries[place].value;
        let middle = value.len() / 2;
        value[middle] ^= 1;
        found.push(flipped);
    }
    let mut swapped = honest;
    let mut values: Vec<_> = swapped.entries.iter().map(|entry| entry.value.clone()).collect();
    let by = values.len().min(1);
    values.rotate_left(by);
    swapped.entries.iter_mut().zip(values).for_each(|(entry, value)| entry.value = value);
    found.push(swapped);
    found
}

fn lie_to(program: &dyn Fn(&HostRun), disk: &dyn Fn() -> LocalHost, always: Promise<'_>) {
    let mut world = ModelWorld::of(world::app(1));
    // The record number 2 had another key.
    let record = world::name().record();
    let now = world.store.clone();
    let text = form::write(&world::record_with(vec![world::app(9)], 0));
    world.put(SealedKind::Record, &record, 2, &text);
    let old = world.store.with_prefix(&record);
    let scenario = Scenario {
        hosts: vec![ModelHost { disk, program }],
        faults: faults(1),
        kinds: &[],
        lies: &|store, asks| lies(store, asks, &old),
        always,
        ..Scenario::of(now)
    };
    explore("lies", &scenario);
}

fn more_than_once(state: &ModelState) -> Option<String> {
    (state.grants() > 1).then(|| "two grants".into())
}

#[test]
fn store_that_lies_gives_no_code_back() {
    let world = ModelWorld::of(world::app(1));
    let code = world::code(&world::app(1), 0);
    for code in [code.as_str(), CODES[0]] {
        let login = |run: &HostRun| {
            run.login(&[code, code]);
            run.login_after_look(&[code]);
        };
        lie_to(&login, &|| world.host(0), &more_than_once);
    }
}

#[test]
fn store_that_lies_shows_no_older_record() {
    let world = ModelWorld::of(world::app(1));
    let code = world::code(&world::app(9), 0);
    let login = |run: &HostRun| {
        run.login(&[&code]);
        run.login_after_look(&[&code]);
        run.change(&|record| record);
        run.login_unproven(&[&code]);
    };
    lie_to(&login, &|| world.host(0), &|state| {
        (state.grants() > 0).then(|| "let in by a key of an older record".into())
    });
}

#[test]
fn host_that_fetched_a_record_takes_no_older_one() {
    let [old, new] = [9, 1].map(|byte| world::code(&world::app(byte), 0));
    let world = ModelWorld::of(world::app(1));
    let login = |run: &HostRun| {
        run.login_after_look(&[&new]);
        run.login_after_look(&[&old]);
    };
    lie_to(&login, &|| world.lagging_host(0, world::app(9)), &|state| {
        // Only the newest record has the key of the first code.
        let has_seen =
            matches!(state.points[0].events.first(), Some(HostEvent::Judged(Outcome::Granted(_))));
        (has_seen && state.grants() > 1).then(|| "let in by an older record".into())
    });
}

#[test]
fn records_never_get_older() {
    let world = ModelWorld::of(world::app(1));
    let host = || {
        let host = world.lagging_host(0, world::app(8));
        host.record.borrow_mut().as_mut().unwrap().0 = 1;
        host
    };
    let reads = |run: &HostRun| {
        run.read_twice();
        run.read_twice();
    };
    lie_to(&reads, &host, &|state| {
        let number = |event: &HostEvent| match event {
            HostEvent::Read(number) => *number,
            HostEvent::Judged(_)
            | HostEvent::NotAsked
            | HostEvent::Changed(_)
            | HostEvent::Crashed => None,
        };
        let read: Vec<_> = state.points[0].events.iter().filter_map(number).collect();
        (!read.is_sorted()).then(|| format!("the numbers of the records were {read:?}"))
    });
}

#[test]
fn store_that_lies_gives_no_guess_away() {
    let world = ModelWorld::of(world::app(1));
    let code = world::wrong_code(&world::app(1));
    let guess = |run: &HostRun| {
        run.login(&[&code, &code, &code]);
        run.login_unproven(&[&code]);
    };
    lie_to(&guess, &|| world.host(0), &|state| {
        let judged = state.points[0].wrong();
        (judged > FREE + 1).then(|| format!("{judged} codes were judged"))
    });
}

#[test]
fn old_end_of_a_streak_hides_no_failure() {
    let code = world::code(&world::app(1), 0);
    let most = world::policy().throttle.in_a_row;
    // The host has stored its failures next to the record, and a restart has emptied its ledger.
    for (failed, ended, locked) in [(60, 300, true), (60, 60, true), (60, 30, false)] {
        let mut world = ModelWorld::of(world::app(1));
        world.end_streak(ended);
        let disk = || {
            let host = world.host(0);
            host.failures.set(most);
            host.failed_at.set(UnixTime(start().0 - failed));
            host
        };
        let programs: [&dyn Fn(&HostRun); 2] =
            [&|run| run.login(&[&code]), &|run| run.login_after_look(&[&code])];
        for program in programs {
            let scenario = Scenario {
                hosts: vec![ModelHost { disk: &disk, program }],
                last: &|state| {
                    let is_locked = state.points[0].events == [HostEvent::Judged(Outcome::Locked)];
                    (is_locked != locked).then(|| format!("ended {ended} s ago: {is_locked}"))
                },
                ..Scenario::of(world.store.clone())
            };
            explore("an end of a streak", &scenario);
        }
    }
}

#[test]
fn old_end_of_a_streak_keeps_the_stored_number() {
    let wrong = world::wrong_code(&world::app(1));
    let mut world = ModelWorld::of(world::app(1));
    world.end_streak(300);
    let disk = || {
        let host = world.host(0);
        host.failures.set(7);
        host.failed_at.set(UnixTime(start().0 - 60));
        host
    };
    for (program, counted) in [
        (&(|run: &HostRun| run.login(&[&wrong])) as &dyn Fn(&HostRun), 8),
        (&|run: &HostRun| run.login_unproven(&[&wrong]), 8),
    ] {
        let noted = Cell::new(0);
        let program = |run: &HostRun| {
            program(run);
            noted.set(run.host.failures.get());
        };
        let scenario = Scenario {
            hosts: vec![ModelHost { disk: &disk, program: &program }],
            last: &|_| (noted.get() != counted).then(|| format!("{} failures", noted.get())),
            ..Scenario::of(world.store.clone())
        };
        explore("the number of failures", &scenario);
    }
}

#[test]
#[ignore = "takes minutes"]
fn lies_with_one_more_fault() {
    with_one_more_fault(&[
        store_that_lies_gives_no_code_back,
        store_that_lies_shows_no_older_record,
        host_that_fetched_a_record_takes_no_older_one,
        records_never_get_older,
        store_that_lies_gives_no_guess_away,
    ]);
}
