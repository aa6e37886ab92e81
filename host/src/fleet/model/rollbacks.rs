//! Tests hosts that crash, and a store that is restored to an earlier state.

use crate::fleet::model::{
    explorer::explore,
    process::HostRun,
    scenario::{
        HostEntries, ModelFault, ModelHost, Promise, Scenario, faults, with_one_more_fault,
    },
    state::ModelState,
    world::{self, CODES, ModelWorld},
};

/// Lets one host log in twice and another once, all with the same code.
fn again(what: &str, with: &dyn Fn(Scenario<'_>) -> Scenario<'_>, codes: &[&str]) {
    let world = ModelWorld::of(world::app(1));
    let disks = [0, 1].map(|number| {
        let world = &world;
        move || world.host(number)
    });
    let twice = |run: &HostRun| {
        run.login(codes);
        run.login(codes);
    };
    let once = |run: &HostRun| run.login(codes);
    let scenario = with(Scenario {
        hosts: vec![
            ModelHost { disk: &disks[0], program: &twice },
            ModelHost { disk: &disks[1], program: &once },
        ],
        ..Scenario::of(world.store.clone())
    });
    // The closures live as long as this call.
    explore(what, &scenario);
}

fn twice_in_all(state: &ModelState) -> Option<String> {
    (state.grants() > 1).then(|| "two grants".into())
}

fn twice_on_one_host(state: &ModelState) -> Option<String> {
    state.points.iter().any(|point| point.grants() > 1).then(|| "two grants of one host".into())
}

#[test]
fn crash_gives_no_code_back() {
    let code = world::code(&world::app(1), 0);
    for codes in [&[code.as_str()][..], &CODES[..1]] {
        again(
            "crashes",
            &|scenario| Scenario {
                faults: faults(1),
                kinds: &[ModelFault::Crash, ModelFault::GivenUp],
                always: &twice_in_all,
                // What is left has a lease.
                last: &|state| (state.charges() > 2).then(|| "more charges than crashes".into()),
                ..scenario
            },
            codes,
        );
    }
}

#[test]
fn rolled_back_store_gives_no_code_back() {
    let code = world::code(&world::app(1), 0);
    for codes in [&[code.as_str()][..], &CODES[..1]] {
        for (entries, always) in [
            (HostEntries::AllWritten, &twice_in_all as Promise<'_>),
            (HostEntries::AsLogins, &twice_on_one_host),
        ] {
            again(
                "a store that is put back",
                &|scenario| Scenario {
                    faults: faults(0),
                    rolls_back: Some(entries),
                    always,
                    ..scenario
                },
                codes,
            );
        }
    }
}

#[test]
#[ignore = "takes minutes"]
fn rollbacks_with_one_more_fault() {
    with_one_more_fault(&[crash_gives_no_code_back, rolled_back_store_gives_no_code_back]);
}
