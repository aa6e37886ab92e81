//! Tests several hosts at the same time: a code is accepted once, every wrong code is charged, and no charge is lost or
//! left behind.

use std::rc::Rc;

use twinlock_core::verify::attempt::Outcome;

use crate::fleet::{
    model::{
        explorer::{Explored, explore},
        process::{HostPoint, HostRun},
        scenario::{ModelFault, ModelHost, Scenario, faults, with_one_more_fault},
        state::ModelState,
        world::{self, CODES, FREE, ModelWorld},
    },
    names::META,
    seal::SealedKind,
};

/// Lets hosts log in with the same code, and checks that at most one login succeeds, or exactly one if there is no
/// fault.
fn one_grant(what: &str, most: u8, hosts: u64, world: &ModelWorld, login: &dyn Fn(&HostRun)) {
    let disks: Vec<_> = (0..hosts).map(|number| move || world.host(number)).collect();
    let scenario = Scenario {
        hosts: disks.iter().map(|disk| ModelHost { disk, program: login }).collect(),
        faults: faults(most),
        always: &|state| (state.grants() > 1).then(|| "two grants".into()),
        last: &|state| {
            if state.is_faultless() && state.grants() != 1 {
                return Some("nobody was let in".into());
            }
            no_charge_is_left(state)
        },
        ..Scenario::of(world.store.clone())
    };
    explored(explore(what, &scenario));
}

fn no_charge_is_left(state: &ModelState) -> Option<String> {
    // An attempt whose backup codes could not be read stays charged: that fault must not give a guess away.
    let half = |point: &Rc<HostPoint>| point.count(|it| matches!(it, Outcome::HalfJudged(_)));
    let half: usize = state.points.iter().map(half).sum();
    let (left, lost) = (state.charges(), usize::from(state.lost_refunds));
    (left > lost + half).then(|| format!("{left} charges are left, and {lost} deletions were lost"))
}

fn explored(explored: Explored) {
    assert!(explored.schedules > 1 && explored.states > explored.runs);
}

#[test]
fn one_code_is_accepted_once() {
    let world = ModelWorld::of(world::app(1));
    let code = world::code(&world::app(1), 0);
    one_grant("one code, two hosts", 1, 2, &world, &|run| run.login(&[&code]));
    one_grant("one code, three hosts", 0, 3, &world, &|run| run.login(&[&code]));
    one_grant("after a look", 1, 2, &world, &|run| run.login_after_look(&[&code]));
    one_grant("unproven", 1, 2, &world, &|run| run.login_unproven(&[&code]));
}

#[test]
fn one_counter_of_a_token_is_accepted_once() {
    let world = ModelWorld::of(world::token(1));
    let code = world::code(&world::token(1), 0);
    one_grant("one code of a token", 1, 2, &world, &|run| run.login(&[&code]));
}

#[test]
fn adjacent_codes_are_accepted_once() {
    for of in [world::app(1), world::token(1)] {
        let world = ModelWorld::of(of.copied());
        let codes = [10, 11].map(|offset| world::code(&of, offset));
        let login = |run: &HostRun| run.login(&[&codes[0], &codes[1]]);
        let disks = [0, 1].map(|number| {
            let world = &world;
            move || world.host(number)
        });
        for count in [1, 2] {
            let scenario = Scenario {
                hosts: disks[..count]
                    .iter()
                    .map(|disk| ModelHost { disk, program: &login })
                    .collect(),
                faults: faults(2 - count as u8),
                always: &|state| (state.grants() > 1).then(|| "two grants".into()),
                last: &|state| {
                    let is_in = state.grants() == 1 || !state.is_faultless() || count == 2;
                    (!is_in).then(|| "nobody was let in".into())
                },
                ..Scenario::of(world.store.clone())
            };
            explore("two adjacent codes", &scenario);
        }
    }
}

#[test]
fn one_backup_code_is_accepted_once() {
    let world = ModelWorld::of(world::app(1));
    one_grant("one backup code", 1, 2, &world, &|run| run.login(&[CODES[0]]));
    one_grant("unproven backup code", 1, 2, &world, &|run| run.login_unproven(&[CODES[0]]));
}

#[test]
fn backup_code_with_unknown_end_is_lost() {
    let world = ModelWorld::of(world::app(1));
    let disks = [0, 1].map(|number| {
        let world = &world;
        move || world.host(number)
    });
    let twice = |run: &HostRun| {
        run.login(&[CODES[0]]);
        run.login_after_look(&[CODES[0]]);
    };
    let once = |run: &HostRun| run.login(&[CODES[0]]);
    let scenario = Scenario {
        hosts: vec![
            ModelHost { disk: &disks[0], program: &twice },
            ModelHost { disk: &disks[1], program: &once },
        ],
        faults: faults(1),
        kinds: &[ModelFault::GivenUp, ModelFault::GivenUpLate, ModelFault::Crash],
        always: &|state| (state.grants() > 1).then(|| "two grants".into()),
        ..Scenario::of(world.store.clone())
    };
    explored(explore("backup code again", &scenario));
}

#[test]
fn no_wrong_code_is_free() {
    let world = ModelWorld::of(world::app(1));
    let code = world::wrong_code(&world::app(1));
    let disks = [0, 1].map(|number| {
        let world = &world;
        move || world.host(number)
    });
    let guess = |run: &HostRun| run.login(&[&code, &code]);
    let scenario = Scenario {
        hosts: disks.iter().map(|disk| ModelHost { disk, program: &guess }).collect(),
        faults: faults(1),
        always: &|state| {
            let (wrong, charges) = (state.wrong(), state.charges());
            (wrong > FREE || wrong > charges)
                .then(|| format!("{wrong} codes were judged, {charges} are charged"))
        },
        last: &|state| {
            let is_enough = state.wrong() >= FREE || !state.is_faultless();
            (!is_enough).then(|| "the hosts block each other".into())
        },
        ..Scenario::of(world.store.clone())
    };
    explored(explore("wrong codes", &scenario));
}

#[test]
fn limits_of_the_fleet_bound_every_host() {
    // The settings of both hosts allow two wrong codes, and the fleet allows `free`.
    for (free, judged) in [(1, 1), (5, FREE)] {
        let mut world = ModelWorld::of(world::app(1));
        let limits = format!("format 1\nthrottle {free} 30 900 60 100\n");
        world.put(SealedKind::Record, META, 1, &limits);
        let code = world::wrong_code(&world::app(1));
        let disks = [0, 1].map(|number| {
            let world = &world;
            move || world.host(number)
        });
        let programs: [&dyn Fn(&HostRun); 2] =
            [&|run| run.login(&[&code, &code]), &|run| run.login_unproven(&[&code, &code])];
        for program in programs {
            let scenario = Scenario {
                hosts: disks.iter().map(|disk| ModelHost { disk, program }).collect(),
                faults: faults(1),
                always: &|state| {
                    let wrong = state.wrong();
                    (wrong > judged).then(|| format!("{wrong} codes were judged, not {judged}"))
                },
                ..Scenario::of(world.store.clone())
            };
            explored(explore("limits of the fleet", &scenario));
        }
    }
}

#[test]
fn no_host_deletes_the_charge_of_another() {
    let world = ModelWorld::of(world::app(1));
    let (wrong, right) = (world::wrong_code(&world::app(1)), world::code(&world::app(1), 0));
    // The first host only repeats a code: it charges and refunds, and forgives nothing.
    let repeats = || world::with_used_code(world.host(0), &world::app(1));
    let other = || world.host(1);
    let repeat = |run: &HostRun| run.login(&[&right, &right]);
    let guess = |run: &HostRun| run.login(&[&wrong]);
    let scenario = Scenario {
        hosts: vec![
            ModelHost { disk: &repeats, program: &repeat },
            ModelHost { disk: &other, program: &guess },
        ],
        faults: faults(1),
        always: &|state| (state.wrong() > state.charges()).then(|| "a charge is gone".into()),
        ..Scenario::of(world.store.clone())
    };
    explored(explore("refunds", &scenario));
}

#[test]
fn refund_after_a_claim_spares_the_slot_of_another() {
    let world = ModelWorld::of(world::app(1));
    let codes = [10, 11].map(|offset| world::code(&world::app(1), offset));
    let wrong = world::wrong_code(&world::app(1));
    let disks = [0, 1].map(|number| {
        let world = &world;
        move || world.host(number)
    });
    let learn = |run: &HostRun| run.login(&[&codes[0], &codes[1]]);
    let guess = |run: &HostRun| run.login(&[&wrong]);
    let scenario = Scenario {
        hosts: vec![
            ModelHost { disk: &disks[0], program: &learn },
            ModelHost { disk: &disks[1], program: &guess },
        ],
        faults: faults(0),
        // 1: the step was claimed while only the first wrong code was charged.
        marks: &|store, marks| match marks {
            0 if world::is_claimed(store) => {
                1 + u64::from(store.with_prefix(&world::attempts()).len() > 1)
            }
            marks => marks,
        },
        always: &|state| {
            let is_gone = state.marks == 1 && state.points[1].wrong() > state.charges();
            is_gone.then(|| "the charge of the second host is gone".into())
        },
        ..Scenario::of(world.store.clone())
    };
    explored(explore("a slot that is used again", &scenario));
}

#[test]
fn lost_answer_costs_no_login() {
    for (of, codes) in [
        (world::app(1), [world::code(&world::app(1), 0)]),
        (world::token(1), [world::code(&world::token(1), 0)]),
        (world::app(1), [CODES[0].into()]),
    ] {
        let world = ModelWorld::of(of);
        let disk = || world.host(0);
        let login = |run: &HostRun| run.login_after_look(&[&codes[0]]);
        let scenario = Scenario {
            hosts: vec![ModelHost { disk: &disk, program: &login }],
            faults: faults(3),
            kinds: &[ModelFault::Retried, ModelFault::Copied],
            last: &|state| (state.grants() != 1).then(|| "nobody was let in".into()),
            ..Scenario::of(world.store.clone())
        };
        explored(explore("lost answers", &scenario));
    }
}

#[test]
fn clock_that_is_behind_lowers_no_step() {
    const LOWERED: u64 = u64::MAX;
    let world = ModelWorld::of(world::app(1));
    let codes = [0, -10].map(|offset| world::code(&world::app(1), offset));
    let right = || world.host(0);
    let behind = || {
        let host = world.host(1);
        host.behind.set(300);
        host
    };
    let [now, before] =
        [&codes[0], &codes[1]].map(|code| move |run: &HostRun| run.login(&[code, code]));
    let scenario = Scenario {
        hosts: vec![
            ModelHost { disk: &right, program: &now },
            ModelHost { disk: &behind, program: &before },
        ],
        faults: faults(0),
        marks: &|store, highest| match world::highest_step(store) {
            step if step < highest => LOWERED,
            step => step,
        },
        always: &|state| (state.marks == LOWERED).then(|| "the highest step went down".into()),
        ..Scenario::of(world.store.clone())
    };
    explored(explore("a clock behind", &scenario));
}

#[test]
fn nothing_is_claimed_without_a_charge() {
    const CLAIMED: u64 = 1;
    const UNCHARGED: u64 = 2;
    const CHARGE: u64 = 4;
    let world = ModelWorld::of(world::app(1));
    for code in [world::code(&world::app(1), 0), CODES[0].into()] {
        let disk = || world.host(0);
        let login = |run: &HostRun| run.login(&[&code]);
        let scenario = Scenario {
            hosts: vec![ModelHost { disk: &disk, program: &login }],
            faults: faults(1),
            kinds: &[ModelFault::TakenBack],
            marks: &|store, marks| {
                let is_new = world::is_claimed(store) && marks & CLAIMED == 0;
                let kept = marks & (CLAIMED | UNCHARGED) | u64::from(is_new);
                let charges = store.with_prefix(&world::attempts()).len() as u64;
                let is_wrong = is_new && marks < CHARGE;
                let kept = if is_wrong { kept | UNCHARGED } else { kept };
                charges * CHARGE + kept
            },
            always: &|state| {
                (state.marks & UNCHARGED != 0).then(|| "a code that was not charged".into())
            },
            ..Scenario::of(world.store.clone())
        };
        explored(explore("a charge that was taken back", &scenario));
    }
}

#[test]
fn failure_elsewhere_ends_no_streak() {
    let world = ModelWorld::of(world::app(1));
    let wrong = world::wrong_code(&world::app(1));
    let first = || world.host(0);
    let locked = || {
        let host = world.host(1);
        host.failures.set(world::policy().throttle.in_a_row);
        host
    };
    let guess = |run: &HostRun| run.login(&[&wrong]);
    let scenario = Scenario {
        hosts: vec![
            ModelHost { disk: &first, program: &guess },
            ModelHost { disk: &locked, program: &guess },
        ],
        faults: faults(1),
        always: &|state| (state.points[1].wrong() > 0).then(|| "no longer locked out".into()),
        ..Scenario::of(world.store.clone())
    };
    explored(explore("locked out", &scenario));
}

#[test]
#[ignore = "takes minutes"]
fn races_with_one_more_fault() {
    with_one_more_fault(&[
        one_code_is_accepted_once,
        one_counter_of_a_token_is_accepted_once,
        adjacent_codes_are_accepted_once,
        one_backup_code_is_accepted_once,
        backup_code_with_unknown_end_is_lost,
        no_wrong_code_is_free,
        no_host_deletes_the_charge_of_another,
        refund_after_a_claim_spares_the_slot_of_another,
        lost_answer_costs_no_login,
        clock_that_is_behind_lowers_no_step,
        nothing_is_claimed_without_a_charge,
        failure_elsewhere_ends_no_streak,
    ]);
}
