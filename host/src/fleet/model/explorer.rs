//! Visits every state that the hosts of a test and the store can reach, and checks each state.

use std::{
    collections::{BTreeMap, HashMap},
    hash::{DefaultHasher, Hash, Hasher},
    rc::Rc,
};

use twinlock_core::{
    base::error::FleetError,
    wire::fleet::{StoreWrite, Transaction},
};

use crate::fleet::model::{
    etcd::Hashed,
    process::{self, HostAnswer, HostPoint},
    scenario::{HostEntries, ModelFault, Scenario},
    state::{ModelState, Seat},
    world,
};

#[derive(Debug, Clone, Copy)]
enum ModelAction {
    Answer(usize),
    Fault(usize, ModelFault, CarriedOut),
    Lie(usize, usize),
    LateCopy(usize),
    TakeBack(usize),
    Snapshot,
    RollBack,
}

/// Whether the store carries out a transaction whose answer is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CarriedOut {
    Yes,
    No,
}

/// How many states, schedules and runs the explorer has visited.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Explored {
    pub(super) states: usize,
    pub(super) schedules: u128,
    pub(super) runs: usize,
}

struct Explorer<'a> {
    scenario: &'a Scenario<'a>,
    points: HashMap<(usize, Vec<u64>), Rc<HostPoint>>,
    answers: HashMap<u64, Rc<HostAnswer>>,
    seen: HashMap<u64, u128>,
    path: Vec<ModelAction>,
}

/// Explores a scenario, and prints how many schedules it has.
#[expect(clippy::print_stdout, reason = "a test says how much it has explored")]
pub(super) fn explore(what: &str, scenario: &Scenario<'_>) -> Explored {
    let mut explorer = Explorer {
        scenario,
        points: HashMap::new(),
        answers: HashMap::new(),
        seen: HashMap::new(),
        path: Vec::new(),
    };
    let begun = std::time::Instant::now();
    let start = explorer.start();
    let schedules = explorer.visit(&start);
    let (states, runs) = (explorer.seen.len(), explorer.points.len());
    let done = Explored { states, schedules, runs };
    let taken = begun.elapsed();
    let faults = scenario.faults;
    std::println!("{what}: {faults} faults, {done:?} in {taken:.1?}");
    done
}

impl Explorer<'_> {
    fn start(&mut self) -> ModelState {
        let seat =
            Seat { heard: Vec::new(), copies: 0, wrote_since_snapshot: false, is_stopped: false };
        let count = self.scenario.hosts.len();
        let points = (0..count).map(|host| self.point(host, &[])).collect();
        ModelState {
            store: self.scenario.store.clone(),
            points,
            marks: 0,
            faults: self.scenario.faults,
            most_faults: self.scenario.faults,
            lost_refunds: 0,
            seats: vec![seat; count],
            late: Vec::new(),
            returned: Vec::new(),
            repeated: BTreeMap::new(),
            snapshot: None,
            was_rolled_back: false,
        }
    }

    /// Visits a state and all states that follow. Returns the number of schedules that start from this state.
    fn visit(&mut self, state: &ModelState) -> u128 {
        let hash = state.hash();
        if let Some(known) = self.seen.get(&hash) {
            return *known;
        }
        self.check((self.scenario.always)(state));
        let actions = self.actions(state);
        if state.is_over() && state.late.is_empty() {
            let mut last = state.clone();
            last.settle();
            self.check((self.scenario.last)(&last));
        }
        let mut schedules = u128::from(actions.is_empty());
        for action in actions {
            self.path.push(action);
            let next = self.after(state, action);
            schedules += self.visit(&next);
            self.path.pop();
        }
        self.seen.insert(hash, schedules);
        schedules
    }

    fn check(&mut self, wrong: Option<String>) {
        if let Some(wrong) = wrong {
            let told = self.explained();
            panic!("{wrong}\n{}", told.join("\n"));
        }
    }

    /// Returns the current schedule in words.
    fn explained(&mut self) -> Vec<String> {
        let mut state = self.start();
        let mut told = Vec::new();
        for action in std::mem::take(&mut self.path) {
            let asked = match action {
                ModelAction::Answer(host)
                | ModelAction::Fault(host, ..)
                | ModelAction::Lie(host, _) => state.points[host].asks.as_ref(),
                ModelAction::LateCopy(number) => Some(state.late[number].1.get()),
                ModelAction::TakeBack(_) | ModelAction::Snapshot | ModelAction::RollBack => None,
            };
            told.push(format!("{action:?}: {}", asked.map(in_short).unwrap_or_default()));
            state = self.after(&state, action);
        }
        for (host, point) in state.points.iter().enumerate() {
            told.push(format!("host {host}: {:?}", point.events));
        }
        told
    }

    fn actions(&self, state: &ModelState) -> Vec<ModelAction> {
        let mut found = Vec::new();
        for (host, point) in state.points.iter().enumerate() {
            let Some(asks) = &point.asks else { continue };
            found.push(ModelAction::Answer(host));
            if state.seats[host].is_stopped || state.faults == 0 {
                continue;
            }
            for fault in self.scenario.kinds {
                let both = [CarriedOut::No, CarriedOut::Yes];
                let carried = match fault {
                    ModelFault::Retried | ModelFault::Copied | ModelFault::TakenBack => &both[1..],
                    ModelFault::GivenUpLate => &both[..1],
                    ModelFault::GivenUp | ModelFault::Crash => &both[..],
                };
                found.extend(carried.iter().map(|it| ModelAction::Fault(host, *fault, *it)));
            }
            let lies = (self.scenario.lies)(&state.store, asks).len();
            found.extend((0..lies).map(|lie| ModelAction::Lie(host, lie)));
        }
        found.extend((0..state.late.len()).map(ModelAction::LateCopy));
        let due = |number: &usize| !state.returned[*number].is_done;
        found.extend((0..state.returned.len()).filter(due).map(ModelAction::TakeBack));
        if self.scenario.rolls_back.is_some() && !state.was_rolled_back {
            let is_taken = state.snapshot.is_some();
            found.push(if is_taken { ModelAction::RollBack } else { ModelAction::Snapshot });
        }
        found
    }

    fn after(&mut self, state: &ModelState, action: ModelAction) -> ModelState {
        let mut next = state.clone();
        match action {
            ModelAction::Answer(host) => self.answered(&mut next, host),
            ModelAction::Fault(host, fault, carried) => {
                next.faults -= 1;
                self.failed(&mut next, host, fault, carried);
            }
            ModelAction::Lie(host, lie) => {
                next.faults -= 1;
                let asks = next.points[host].asks.as_ref().unwrap();
                let reply = (self.scenario.lies)(&next.store, asks).swap_remove(lie);
                self.hear(&mut next, host, HostAnswer::Reply(reply));
            }
            ModelAction::LateCopy(number) => {
                let (host, copy) = next.late.remove(number);
                if !next.seats[host].is_stopped {
                    next.apply(host, copy.get());
                }
            }
            ModelAction::TakeBack(number) => {
                let one = &mut next.returned[number];
                one.is_done = true;
                let one = one.clone();
                if !next.seats[one.host].is_stopped {
                    next.store.take_back(&one.key, &one.value);
                }
            }
            ModelAction::Snapshot => next.snapshot = Some(next.store.clone()),
            ModelAction::RollBack => {
                next.was_rolled_back = true;
                next.store = next.snapshot.take().unwrap();
                let all = self.scenario.rolls_back == Some(HostEntries::AllWritten);
                next.seats.iter_mut().for_each(|it| it.is_stopped = all || it.wrote_since_snapshot);
            }
        }
        next.marks = (self.scenario.marks)(&next.store, next.marks);
        next.returned.sort();
        next
    }
}

/// The steps from one state to the next.
impl Explorer<'_> {
    fn answered(&mut self, state: &mut ModelState, host: usize) {
        if state.seats[host].is_stopped {
            return self.hear(state, host, HostAnswer::Fails(FleetError::RolledBack));
        }
        let asks = state.points[host].asks.clone().unwrap();
        let reply = state.apply(host, &asks);
        if state.seats[host].copies > 0 {
            state.repeat(host, &asks, &reply);
        }
        self.hear(state, host, HostAnswer::Reply(reply));
    }

    fn failed(
        &mut self,
        state: &mut ModelState,
        host: usize,
        fault: ModelFault,
        carried: CarriedOut,
    ) {
        let asks = state.points[host].asks.clone().unwrap();
        let is_out = carried == CarriedOut::Yes;
        if fault == ModelFault::Copied {
            let reply = state.apply(host, &asks);
            state.repeat(host, &asks, &reply);
            state.late.push((host, Hashed::copy_of(&asks)));
            return self.hear(state, host, HostAnswer::Reply(reply));
        }
        if fault == ModelFault::TakenBack {
            let reply = state.apply(host, &asks);
            state.give_up(host, &asks, true);
            return self.hear(state, host, HostAnswer::Reply(reply));
        }
        if is_out {
            state.apply(host, &asks);
        }
        if fault == ModelFault::Retried {
            state.seats[host].copies += 1;
            return;
        }
        let was_made = is_out || state.seats[host].copies > 0;
        state.give_up(host, &asks, was_made);
        if fault == ModelFault::GivenUpLate {
            state.late.push((host, Hashed::copy_of(&asks)));
        }
        let answer = match fault {
            ModelFault::Crash => HostAnswer::Crash,
            ModelFault::Retried
            | ModelFault::GivenUp
            | ModelFault::GivenUpLate
            | ModelFault::Copied
            | ModelFault::TakenBack => HostAnswer::Fails(FleetError::Unreachable),
        };
        self.hear(state, host, answer);
    }

    fn hear(&mut self, state: &mut ModelState, host: usize, answer: HostAnswer) {
        let number = number_of(&answer);
        self.answers.entry(number).or_insert_with(|| Rc::new(answer));
        let seat = &mut state.seats[host];
        seat.heard.push(number);
        seat.copies = 0;
        let heard = seat.heard.clone();
        state.points[host] = self.point(host, &heard);
    }

    fn point(&mut self, host: usize, heard: &[u64]) -> Rc<HostPoint> {
        let key = (host, heard.to_vec());
        if let Some(known) = self.points.get(&key) {
            return Rc::clone(known);
        }
        let answers = heard.iter().map(|number| Rc::clone(&self.answers[number])).collect();
        let of = &self.scenario.hosts[host];
        let point = Rc::new(process::run((of.disk)(), of.program, answers));
        self.points.insert(key, Rc::clone(&point));
        point
    }
}

fn number_of(answer: &HostAnswer) -> u64 {
    let mut hasher = DefaultHasher::new();
    match answer {
        HostAnswer::Reply(reply) => {
            let mut bytes = Vec::new();
            reply.push(&mut bytes);
            bytes.hash(&mut hasher);
        }
        HostAnswer::Fails(fault) => fault.reason().hash(&mut hasher),
        HostAnswer::Crash => "crash".hash(&mut hasher),
    }
    hasher.finish()
}

/// Returns a transaction in a few words.
fn in_short(asks: &Transaction) -> String {
    let tail = |key: &str| key.replace(world::name().ledger().as_str(), "l/");
    let compares: Vec<_> = asks
        .compares
        .iter()
        .map(|one| {
            let test = format!("{:?}", one.test);
            format!("{} {}", tail(&one.key), &test[..test.len().min(16)])
        })
        .collect();
    let writes: Vec<_> = asks
        .writes
        .iter()
        .map(|write| match write {
            StoreWrite::Put { key, .. } => format!("put {}", tail(key)),
            StoreWrite::Delete { key } => format!("delete {}", tail(key)),
        })
        .collect();
    format!("if {compares:?} {writes:?}")
}
