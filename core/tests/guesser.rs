//! Simulates attackers, to find out how many guesses they get in a year under the default settings. The threat model
//! quotes the results.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop"
)]

mod world;

use std::net::Ipv6Addr;

use twinlock_core::{
    base::request::{Claim, Request, Source},
    event::verdict::Verdict,
};
use world::{START, World, request};

const DAY: u64 = 86_400;
const YEAR: u64 = 365;
/// Number of the owner's logins per day, all from one known source.
const OWNER: u64 = 8;

/// A kind of attacker: from which addresses the attacker guesses, and whether with or without the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Guesser {
    /// The attacker knows the password and uses one address that the owner has never used.
    OneAddress,
    /// The attacker knows the password and uses a new address for each guess.
    ManyAddresses,
    /// The attacker knows the password and uses the owner's own address.
    OwnersAddress,
    /// The attacker is asked for the code before the password and uses a new address for each guess.
    CodeFirst,
}

fn owner() -> Request {
    Request { source: Source::address([198, 51, 100, 1].into()), ..request("ada", Claim::Stack) }
}

/// Returns the attacker's next request; `number` makes the address unique.
fn guess(guesser: Guesser, number: u128) -> Request {
    let new = Source::address(Ipv6Addr::from_bits(0x2001_0db8 << 96 | (number << 64)).into());
    let (source, claim) = match guesser {
        Guesser::OneAddress => (Source::address([203, 0, 113, 7].into()), Claim::Stack),
        Guesser::ManyAddresses => (new, Claim::Stack),
        Guesser::OwnersAddress => (owner().source, Claim::Stack),
        Guesser::CodeFirst => (new, Claim::Follows),
    };
    Request { source, ..request("ada", claim) }
}

/// Simulates an attacker who guesses as often as possible for `days` days. Returns, for each day, how many of the
/// guesses are compared with the valid codes; the others are refused without a comparison.
fn judged(guesser: Guesser, days: u64) -> Vec<u64> {
    let mut world = World::new();
    world.policy.tries = 1;
    world.known.borrow_mut().push(owner().source.label());
    let wrong = "000000";
    let mut counts = Vec::new();
    let mut number = 0;
    for day in 0..days {
        let mut count = 0;
        for login in 0..OWNER {
            let begin = START + day * DAY + login * (DAY / OWNER);
            let mut at = log_in(&world, begin);
            while at < begin + DAY / OWNER {
                set(&world, at);
                number += 1;
                let before = world.events.borrow().len();
                let _ = world.login(&guess(guesser, number), &[wrong]);
                let reason = world.events.borrow()[before].reason.map(|reason| reason.word());
                match reason {
                    Some("wrong_code") => count += 1,
                    Some("throttled" | "locked") => at += 30,
                    other => panic!("{other:?}"),
                }
            }
            world.events.borrow_mut().clear();
        }
        counts.push(count);
    }
    counts
}

/// Logs the owner in at the time `begin` or, if guesses from the same address delay the login, at the first later time
/// at which it is granted. Returns the time of the login.
fn log_in(world: &World, begin: u64) -> u64 {
    let wait = (0..60).map(|times| begin + times * 30).find(|at| {
        set(world, *at);
        let right = world.code(0);
        world.login(&owner(), &[&right]) == Verdict::Granted
    });
    wait.expect("the longest delay is a quarter of an hour")
}

fn set(world: &World, unix: u64) {
    let ahead = unix - world.unix.get();
    world.unix.set(unix);
    world.boot.set(world.boot.get() + ahead);
}

/// Returns the probability that one of `guesses` guesses was right, if three codes are valid at any time.
fn chance(guesses: u64) -> f64 {
    1.0 - (1.0 - 3.0 / 1e6_f64).powf(guesses as f64)
}

fn percent(chance: f64) -> String {
    format!("{:.2} %", chance * 100.0)
}

const SIMULATED: u64 = 4;

/// Simulates this attacker, and checks that the threat model contains the resulting figures in the row `name`.
fn is_quoted(guesser: Guesser, name: &str) {
    let counts = judged(guesser, SIMULATED);
    // Attempts older than a day do not count, so from the third day on all days are equal.
    let (most, last) = (counts.iter().max().copied().unwrap(), counts[counts.len() - 1]);
    assert!(counts[2..].iter().all(|count| count.abs_diff(last) <= last / 10), "{counts:?}");
    let year = counts.iter().sum::<u64>() + most * (YEAR - SIMULATED);
    let (daily, yearly) = (percent(chance(most)), percent(chance(year)));
    let row = format!("| {name} | {most} | {daily} | {year} | {yearly} |");
    // The folder is read at run time, because a copied checkout has its own threat model.
    let here = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_else(|_| ".".into());
    let path = here + "/../docs/threat-model.md";
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains(&row), "the threat model must say:\n{row}");
}

#[test]
fn from_one_address() {
    is_quoted(Guesser::OneAddress, "has the password, one address");
}

#[test]
fn from_a_new_address_each_time() {
    is_quoted(Guesser::ManyAddresses, "has the password, a new address for each guess");
}

#[test]
fn from_the_owners_own_address() {
    is_quoted(Guesser::OwnersAddress, "has the password, shares an address with the owner");
}

#[test]
fn where_the_code_comes_first() {
    is_quoted(
        Guesser::CodeFirst,
        "has nothing, `first_factor=follows`, a new address for each guess",
    );
}
