//! The faults that tests inject into the system calls of a login, and a function that tries them on several machines.

use std::sync::Mutex;
use std::thread;

use nix::errno::Errno;
use twinlock_tests::{Place, thorough};

use super::scenario::Scenario;
use super::world::World;

/// A fault at one system call of a login.
#[derive(Debug)]
pub struct Strike<'p> {
    /// The system call at which the fault occurs.
    pub place: &'p Place,
    /// The fault to inject.
    pub means: Means,
    /// Whether this call comes after the login has accepted the code.
    pub late: bool,
}

/// What is done to the system call or to its process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// The call returns an error.
    Fail(Errno),
    /// The call is made for at most this many bytes.
    Short(u64),
    /// The process is killed.
    Kill,
    /// The process is paused while another login uses the same code.
    HoldForTheSame,
    /// The process is paused while the owner logs in with the next code.
    HoldForTheNext,
}

/// Returns the faults to inject at the system calls `places`: each error that a call can return, and each way in which
/// a call can transfer fewer bytes than asked. Unless the test is thorough, takes only the first `few` errors of each
/// call.
pub fn failures(places: &[Place], few: usize) -> Vec<Strike<'_>> {
    let of_place = |place: &Place| {
        let most = if thorough() { usize::MAX } else { few };
        let errors = place.errors().iter().take(most).copied().map(Means::Fail);
        errors.chain(place.shorts().iter().copied().map(Means::Short)).collect()
    };
    strikes(places, of_place)
}

/// Returns the fault `means` at each of these calls.
pub fn at_each(places: &[Place], means: Means) -> Vec<Strike<'_>> {
    strikes(places, |_| vec![means])
}

fn strikes(places: &[Place], means: impl Fn(&Place) -> Vec<Means>) -> Vec<Strike<'_>> {
    let given_back =
        |place: &Place| place.what.starts_with("unlinkat /run/twinlock/users/ada/try.");
    let accepted = places.iter().position(given_back).unwrap_or(places.len());
    let mut strikes = Vec::new();
    for (at, place) in places.iter().enumerate() {
        let new = |means| Strike { place, means, late: at > accepted };
        strikes.extend(means(place).into_iter().map(new));
    }
    strikes
}

/// Calls `try_one` for each fault, on several machines at the same time. Returns the results in the order of the
/// faults.
pub fn try_all<T: Send>(
    scenario: &Scenario,
    strikes: &[Strike<'_>],
    try_one: impl Fn(&World<'_>, &Strike<'_>) -> T + Sync,
) -> Vec<T> {
    let next = Mutex::new(0..strikes.len());
    let found = Mutex::new(Vec::new());
    let workers = thread::available_parallelism().map_or(2, |count| count.get() + 1);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                let world = World::new(scenario);
                while let Some(at) = { next.lock().expect("the strikes").next() } {
                    world.reset();
                    let one = try_one(&world, &strikes[at]);
                    found.lock().expect("what is found").push((at, one));
                }
            });
        }
    });
    let mut found = found.into_inner().expect("what is found");
    found.sort_by_key(|(at, _)| *at);
    found.into_iter().map(|(_, one)| one).collect()
}
