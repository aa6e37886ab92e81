//! Makes every system call of a login fail in each possible way. Checks that no login succeeds because of the fault,
//! no enrollment is lost, and the owner can log in afterwards.

mod harmless;
mod scenario;
mod strike;
mod world;

use harmless::Row;
use nix::errno::Errno;
use scenario::{CODE_FIRST, DEMANDED, PROVEN, RecordUse, SCRATCH, Scenario, TOKEN, TWO_CODES};
use strike::{Means, Strike, at_each, failures, try_all};
use twinlock_tests::{Blow, Ended, thorough};
use world::World;

/// What is wrong with the result of a fault; `None` if nothing is wrong.
type Complaint = Option<&'static str>;

fn blow<'a>(means: Means) -> Blow<'a> {
    match means {
        Means::Fail(error) => Blow::Fail(error),
        Means::Short(most) => Blow::Short(most),
        Means::Kill | Means::HoldForTheSame | Means::HoldForTheNext => Blow::Kill,
    }
}

/// Runs a login with the fault `strike`, and checks that the fault occurred.
fn struck(world: &World<'_>, lines: &str, strike: &Strike<'_>) -> Ended {
    let ended = world.login(lines, Some((strike.place, blow(strike.means))));
    assert!(ended.struck, "{strike:?} did not happen: {ended:?}");
    ended
}

/// Checks that after a fault the owner can log in with new answers, and that this login leaves no attempt that counts
/// against the limits. `turn` is the number of this login in a series; it selects the answers.
fn afterwards(world: &World<'_>, turn: scenario::Turn) -> Complaint {
    if world.scenario.record == RecordUse::Reads && !world.is_as_enrolled() {
        return Some("the record is not what it was");
    }
    if !world.gets_in(&world.typed(turn)) {
        return Some("the owner does not get in afterwards");
    }
    (world.names("try.") > 0).then_some("a try stays charged after the owner got in")
}

/// Checks a login with a correct code and a fault: the code is accepted at most once, and only if the fault is listed
/// as harmless.
fn right(world: &World<'_>, strike: &Strike<'_>) -> (Complaint, Option<&'static Row>) {
    let (typed, before) = (world.typed(0), world.m.log().len());
    let Scenario { harmless, charged, .. } = world.scenario;
    let granted = struck(world, &typed, strike).code == Some(0);
    let judged = world.m.log()[before..]
        .iter()
        .any(|line| charged.iter().any(|reason| line.contains(reason)));
    let row = if granted { harmless::row(harmless, strike) } else { None };
    let complaint = if granted && row.is_none() {
        Some("gets in although it is not said why")
    } else if granted && world.gets_in(&typed) {
        Some("gets in twice by one code")
    } else if !granted && !judged && world.names("try.") > 0 {
        Some("a try that was not judged stays charged")
    } else {
        afterwards(world, 1)
    };
    (complaint, row)
}

/// Checks a login with a wrong code and a fault: the code is refused and, once it was compared, its attempt stays
/// counted.
fn wrong(world: &World<'_>, strike: &Strike<'_>) -> Complaint {
    let before = world.m.log().len();
    let granted = struck(world, &world.wrong, strike).code == Some(0);
    let judged = world.m.log()[before..].iter().any(|line| line.contains("reason=wrong_code"));
    if granted {
        Some("gets in by a wrong code")
    } else if judged && world.names("try.") == 0 {
        Some("is judged and not charged")
    } else {
        afterwards(world, 0)
    }
}

/// What happened to the code of a login that was killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CodeFate {
    Unused,
    Burned,
}

fn killed(world: &World<'_>, strike: &Strike<'_>) -> (Complaint, CodeFate) {
    let typed = world.typed(0);
    let ended = struck(world, &typed, strike);
    let fate = if world.gets_in(&typed) { CodeFate::Unused } else { CodeFate::Burned };
    let complaint = if ended.code.is_some() {
        Some("is killed and ends by itself")
    } else if fate == CodeFate::Unused && world.gets_in(&typed) {
        Some("gets in twice by one code")
    } else {
        afterwards(world, 1)
    };
    (complaint, fate)
}

/// Pauses a login while another login uses the same code. Checks that exactly one of the two succeeds.
fn held_for_the_same(world: &World<'_>, strike: &Strike<'_>) -> Complaint {
    let typed = world.typed(0);
    let mut other = false;
    let mut meanwhile = || other = world.gets_in(&typed);
    let ended = world.login(&typed, Some((strike.place, Blow::Hold(&mut meanwhile))));
    match (ended.struck, ended.code == Some(0), other) {
        (false, _, _) => Some("is not held"),
        (_, true, true) => Some("two get in by one code"),
        (_, false, false) => Some("nobody gets in by the code"),
        (_, true, false) | (_, false, true) => afterwards(world, 1),
    }
}

/// Pauses a login while the owner logs in with the next code. Checks that the owner does not have to wait for the
/// paused login.
fn held_for_the_next(world: &World<'_>, strike: &Strike<'_>) -> Complaint {
    let mut other = false;
    let mut meanwhile = || other = world.gets_in(&world.typed(1));
    let ended = world.login(&world.typed(0), Some((strike.place, Blow::Hold(&mut meanwhile))));
    match (ended.struck, other) {
        (false, _) => Some("is not held"),
        (_, false) => Some("the owner waits for the one that is held"),
        (_, true) => afterwards(world, 2),
    }
}

#[track_caller]
fn no_complaints(strikes: &[Strike<'_>], found: &[Complaint]) {
    assert!(strikes.len() > 60, "{strikes:?}");
    let complaints: Vec<_> =
        strikes.iter().zip(found).filter_map(|(strike, found)| Some((strike, (*found)?))).collect();
    assert!(complaints.is_empty(), "{complaints:#?}");
}

/// Returns the calls of the scenario's login with a correct code.
fn places(scenario: &Scenario) -> Vec<twinlock_tests::Place> {
    let world = World::new(scenario);
    world.places(&world.typed(0))
}

fn a_right_code(scenario: &Scenario, few: usize) {
    let places = places(scenario);
    let strikes = failures(&places, few);
    let found = try_all(scenario, &strikes, right);
    let (complaints, needed): (Vec<_>, Vec<_>) = found.into_iter().unzip();
    no_complaints(&strikes, &complaints);
    if thorough() {
        let is_needed = |row: &&Row| needed.iter().flatten().any(|one| std::ptr::eq(*one, *row));
        let idle = scenario.harmless.iter().copied().flatten().filter(|row| !is_needed(row));
        let idle: Vec<_> = idle.map(|(begins, _, why)| (begins, why)).collect();
        assert!(idle.is_empty(), "nothing is let in by {idle:#?}");
    }
}

fn a_wrong_code(scenario: &Scenario, few: usize) {
    let world = World::new(scenario);
    let places = world.places(&world.wrong);
    drop(world);
    let strikes = failures(&places, few);
    no_complaints(&strikes, &try_all(scenario, &strikes, wrong));
}

fn a_kill(scenario: &Scenario) {
    let places = places(scenario);
    let strikes = at_each(&places, Means::Kill);
    let found = try_all(scenario, &strikes, killed);
    let (complaints, fates): (Vec<_>, Vec<_>) = found.into_iter().unzip();
    no_complaints(&strikes, &complaints);
    // A login that is killed before a certain call leaves the code unused; from this call on, the code is used.
    let burned = fates.iter().position(|fate| *fate == CodeFate::Burned).expect("some are burned");
    assert!(places[burned].what.contains(scenario.claim), "{fates:?} {places:?}");
    assert!(fates[burned..].iter().all(|fate| *fate == CodeFate::Burned), "{fates:?}");
}

fn a_stop(scenario: &Scenario) {
    let places = places(scenario);
    let strikes = at_each(&places, Means::HoldForTheSame);
    no_complaints(&strikes, &try_all(scenario, &strikes, held_for_the_same));
    if thorough() {
        let strikes = at_each(&places, Means::HoldForTheNext);
        no_complaints(&strikes, &try_all(scenario, &strikes, held_for_the_next));
    }
}

#[test]
fn a_fault_lets_a_right_code_in_where_the_list_says_why() {
    a_right_code(&PROVEN, 2);
}

#[test]
fn a_fault_lets_a_right_code_ahead_of_the_first_factor_in_where_the_list_says_why() {
    a_right_code(&CODE_FIRST, 1);
}

#[test]
fn a_fault_lets_a_scratch_code_in_where_the_list_says_why() {
    a_right_code(&SCRATCH, 1);
}

#[test]
fn no_fault_does_so_with_a_wrong_scratch_code() {
    a_wrong_code(&SCRATCH, 1);
}

#[test]
fn a_fault_lets_the_code_of_a_token_in_where_the_list_says_why() {
    a_right_code(&TOKEN, 1);
}

#[test]
fn a_fault_lets_two_codes_in_a_row_in_where_the_list_says_why() {
    a_right_code(&TWO_CODES, 1);
}

#[test]
fn no_fault_turns_a_wrong_code_into_a_pass() {
    a_wrong_code(&PROVEN, 2);
}

#[test]
fn no_fault_does_so_ahead_of_the_first_factor() {
    a_wrong_code(&CODE_FIRST, 1);
}

#[test]
fn no_fault_turns_a_demand_into_an_exemption() {
    let world = World::new(&DEMANDED);
    assert!(!world.gets_in(&world.wrong));
    world.m.run(["sed", "-i", "s/^staff:.*/staff:x:50:/", "/etc/group"]).ok();
    assert!(world.gets_in(""), "{:?}", world.m.log());
    a_wrong_code(&DEMANDED, 1);
}

#[test]
fn what_cannot_be_read_is_named_in_the_log_and_in_the_ledger() {
    let world = World::new(&PROVEN);
    let places = world.places(&world.typed(0));
    let of_record = |strike: &Strike<'_>| {
        let words = strike.place.what.split_once(' ');
        let read = words.is_some_and(|(call, _)| call != "close");
        let reported = matches!(strike.means, Means::Fail(Errno::EIO | Errno::EACCES));
        read && reported && strike.place.what.contains("/var/lib/twinlock") && !strike.late
    };
    let strikes = failures(&places, 4);
    let strikes: Vec<_> = strikes.iter().filter(|strike| of_record(strike)).collect();
    assert!(strikes.len() >= 14, "{strikes:#?}");
    for strike in strikes {
        world.reset();
        let before = world.m.log().len();
        struck(&world, &world.typed(0), strike);
        let log = world.m.log()[before..].join("\n");
        assert!(log.contains("reason=record_io"), "{strike:?}: {log}");
        let kept = world.m.tree("/run/twinlock/users/ada");
        assert!(kept.contains(" record_io bare "), "{strike:?}: {kept}");
    }
}

#[test]
fn a_login_killed_anywhere_leaves_a_code_that_works_once_and_an_owner_who_gets_in() {
    a_kill(&PROVEN);
    if thorough() {
        a_kill(&CODE_FIRST);
        a_kill(&SCRATCH);
        a_kill(&TOKEN);
        a_kill(&TWO_CODES);
    }
}

#[test]
fn a_login_stopped_anywhere_delays_nobody_and_shares_its_code_with_nobody() {
    a_stop(&PROVEN);
    if thorough() {
        a_stop(&CODE_FIRST);
        a_stop(&SCRATCH);
        a_stop(&TOKEN);
    }
}
