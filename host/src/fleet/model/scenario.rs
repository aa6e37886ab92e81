//! What a test explores, and which conditions it checks.

use std::cell::Cell;

use twinlock_core::wire::fleet::{FleetReply, Transaction};

use crate::fleet::model::{
    etcd::ModelStore, local::LocalHost, process::HostProgram, state::ModelState,
};

/// What can go wrong. Each fault of a schedule is one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ModelFault {
    /// The transaction is carried out and the answer is lost; the daemon sends it again.
    Retried,
    /// The daemon gives up. The transaction was carried out before, or is not at all.
    GivenUp,
    /// The daemon gives up, and the transaction is carried out at any later time.
    GivenUpLate,
    /// The answer arrives, and a second copy is carried out at any later time.
    Copied,
    /// The host dies before it reads the answer.
    Crash,
    /// The answer arrives, but the daemon believes that it did not.
    TakenBack,
}

thread_local! {
    static MORE: Cell<u8> = const { Cell::new(0) };
}

/// Returns how many faults a schedule may have: `usual`, or one more in the ignored tests.
pub(super) fn faults(usual: u8) -> u8 {
    usual + MORE.get()
}

/// Runs tests in which each schedule may have one fault more than usual.
pub(super) fn with_one_more_fault(tests: &[fn()]) {
    MORE.set(1);
    tests.iter().for_each(|test| test());
    MORE.set(0);
}

pub(super) const NETWORK: [ModelFault; 4] =
    [ModelFault::Retried, ModelFault::GivenUp, ModelFault::GivenUpLate, ModelFault::Copied];

/// The store is restored to an earlier state. Says which hosts have written their own entry since that state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HostEntries {
    /// All hosts. Each daemon that runs writes its host's entry every minute.
    AllWritten,
    /// Only those hosts that have also written another entry since that state.
    AsLogins,
}

/// A host of a test: its disk, and what it does.
pub(super) struct ModelHost<'a> {
    pub(super) disk: &'a dyn Fn() -> LocalHost,
    pub(super) program: HostProgram<'a>,
}

/// Returns the replies that a lying store may give instead of the right one.
pub(super) type Lies<'a> = &'a dyn Fn(&ModelStore, &Transaction) -> Vec<FleetReply>;
/// A condition of a state. Returns what is wrong; `None` if nothing is wrong.
pub(super) type Promise<'a> = &'a dyn Fn(&ModelState) -> Option<String>;

/// What is explored, and which conditions are checked.
pub(super) struct Scenario<'a> {
    pub(super) store: ModelStore,
    pub(super) hosts: Vec<ModelHost<'a>>,
    /// How many faults of these kinds one schedule may have.
    pub(super) faults: u8,
    pub(super) kinds: &'a [ModelFault],
    pub(super) rolls_back: Option<HostEntries>,
    pub(super) lies: Lies<'a>,
    /// Called after each change of the store with a number that summarizes past events. Returns the new number.
    pub(super) marks: &'a dyn Fn(&ModelStore, u64) -> u64,
    /// The condition for every state.
    pub(super) always: Promise<'a>,
    /// The condition for the end: all hosts have ended, no copy is on its way, and the daemons have made all deletions.
    pub(super) last: Promise<'a>,
}

impl Scenario<'_> {
    /// Returns a scenario without faults and without conditions.
    pub(super) fn of(store: ModelStore) -> Self {
        Self {
            store,
            hosts: Vec::new(),
            faults: 0,
            kinds: &NETWORK,
            rolls_back: None,
            lies: &|_, _| Vec::new(),
            marks: &|_, marks| marks,
            always: &|_| None,
            last: &|_| None,
        }
    }
}
