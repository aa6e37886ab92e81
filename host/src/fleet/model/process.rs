//! The logins of a host. A login runs until it makes a request whose reply is not known yet. Once the model has the
//! reply, the login is run again from its start, with all replies so far.

use std::{
    cell::{Cell, RefCell},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    rc::Rc,
};

use twinlock_core::{
    answer::{self, Answer},
    base::{error::FleetError, secret::Typed},
    ledger::Budget,
    policy::Resync,
    ports::{Ledger, LedgerKey, Records},
    record::{Record, State},
    verify::{
        attempt::{Attempt, Outcome},
        record_update::change,
        resync::Memory,
    },
    wire::fleet::{FleetReply, FleetTask, Transaction},
};

use crate::fleet::{
    Fleet, FleetStore,
    model::{
        local::LocalHost,
        ports::{HostPorts, HostRandomClock},
        world,
    },
};

/// What a host learns about one of its requests.
#[derive(Debug, Clone)]
pub(super) enum HostAnswer {
    Reply(FleetReply),
    Fails(FleetError),
    /// The host dies before it has read the reply.
    Crash,
}

/// Result of one operation of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum HostEvent {
    Judged(Outcome),
    /// The record could not be read, or it is not that of an enrolled user.
    NotAsked,
    /// A change of the record; `true` if it is known to be committed.
    Changed(bool),
    /// The sequence number of the record that was read; `None` after an error.
    Read(Option<u64>),
    Crashed,
}

/// Progress of a host.
pub(super) struct HostPoint {
    pub(super) events: Vec<HostEvent>,
    /// The transaction whose reply the host waits for; `None` at the end of its program.
    pub(super) asks: Option<Transaction>,
}

impl HostPoint {
    pub(super) fn count(&self, is_one: impl Fn(&Outcome) -> bool) -> usize {
        let judged = |event: &&HostEvent| matches!(event, HostEvent::Judged(done) if is_one(done));
        self.events.iter().filter(judged).count()
    }

    pub(super) fn grants(&self) -> usize {
        self.count(|outcome| matches!(outcome, Outcome::Granted(_)))
    }

    pub(super) fn wrong(&self) -> usize {
        self.count(|outcome| *outcome == Outcome::Wrong)
    }
}

/// The operations of a host, one after the other.
pub(super) type HostProgram<'a> = &'a dyn Fn(&HostRun);

/// Panic payload at a request whose reply is not known yet.
struct NextAsk(Transaction);
struct CrashedHere;

/// One run of a host's program.
pub(super) struct HostRun {
    pub(super) host: Rc<LocalHost>,
    script: Rc<AnswerScript>,
    events: RefCell<Vec<HostEvent>>,
}

struct AnswerScript {
    answers: Vec<Rc<HostAnswer>>,
    next: Cell<usize>,
}

struct ScriptedStore(Rc<AnswerScript>);

impl FleetStore for ScriptedStore {
    fn ask(&self, task: FleetTask) -> Result<FleetReply, FleetError> {
        let FleetTask::Transact(transaction) = task else { return Err(FleetError::Broken) };
        let number = self.0.next.replace(self.0.next.get() + 1);
        match self.0.answers.get(number).map(|answer| &**answer) {
            None => resume_unwind(Box::new(NextAsk(transaction))),
            Some(HostAnswer::Crash) => resume_unwind(Box::new(CrashedHere)),
            Some(HostAnswer::Fails(fault)) => Err(*fault),
            Some(HostAnswer::Reply(reply)) => Ok(reply.clone()),
        }
    }
}

/// Runs the program of a host from its start, with the replies that the host has received so far.
pub(super) fn run(
    host: LocalHost,
    program: HostProgram<'_>,
    answers: Vec<Rc<HostAnswer>>,
) -> HostPoint {
    let script = Rc::new(AnswerScript { answers, next: Cell::new(0) });
    let run = HostRun { host: Rc::new(host), script, events: RefCell::default() };
    let ended = catch_unwind(AssertUnwindSafe(|| program(&run)));
    let asks = match ended.map_err(|thrown| thrown.downcast::<NextAsk>()) {
        Ok(()) => None,
        Err(Ok(next)) => Some(next.0),
        Err(Err(other)) => resume_unwind(other),
    };
    HostPoint { events: run.events.into_inner(), asks }
}

impl HostRun {
    /// Runs one process of the host: a login or a command.
    fn process(&self, body: impl FnOnce(&HostPorts)) {
        let ended = catch_unwind(AssertUnwindSafe(|| {
            let ports = HostPorts { local: Rc::clone(&self.host), fleet: self.fleet() };
            body(&ports);
            ports.fleet.keep_records(&*self.host);
        }));
        match ended.map_err(|thrown| thrown.downcast::<CrashedHere>()) {
            Ok(()) => {}
            Err(Ok(_)) => self.note(HostEvent::Crashed),
            Err(Err(other)) => resume_unwind(other),
        }
    }

    fn fleet(&self) -> Fleet {
        let store = Box::new(ScriptedStore(Rc::clone(&self.script)));
        let of_host = || HostRandomClock(Rc::clone(&self.host));
        world::fleet_of(&self.host, store, Box::new(of_host()), Box::new(of_host()))
    }

    fn note(&self, event: HostEvent) {
        self.events.borrow_mut().push(event);
    }

    /// Logs in with these codes, until one is accepted. As in the PAM module, the record of an enrolled user is read
    /// from the disk, and the charge reads the store's record.
    pub(super) fn login(&self, codes: &[&str]) {
        self.process(|ports| {
            ports.fleet.trust_active_records();
            self.verify(ports, Budget::Proven, codes);
        });
    }

    /// Logs in where a remembered device could replace a code, so that the store's record is read first.
    pub(super) fn login_after_look(&self, codes: &[&str]) {
        self.process(|ports| self.verify(ports, Budget::Proven, codes));
    }

    /// Logs in before the first factor is proven.
    pub(super) fn login_unproven(&self, codes: &[&str]) {
        self.process(|ports| self.verify(ports, Budget::Unproven, codes));
    }

    fn verify(&self, ports: &HostPorts, budget: Budget, codes: &[&str]) {
        let account = world::account();
        let found = if budget.is_uniform() {
            ports.newest_uniform(Some(&account)).0
        } else {
            ports.newest(&account)
        };
        let found = found.ok().flatten().filter(|found| found.record.state == State::Active);
        let Some(snapshot) = found else { return self.note(HostEvent::NotAsked) };
        let ledger = ports.open(&LedgerKey::of(Some(&account), &account.name)).unwrap();
        let policy = world::policy();
        let source = world::source();
        let mut attempt = Attempt {
            policy: &policy,
            ports: ports.ports(),
            user_ledger: &*ledger,
            person: Some((&account, snapshot)),
            stand_in: None,
            broken: None,
            source: &source,
            budget,
            memory: Memory::new(Resync::Offered),
        };
        for code in codes {
            let Answer::Code(code) = answer::read(&Typed::new((*code).into())) else { panic!() };
            let outcome = attempt.verify(&code);
            let is_over = matches!(outcome, Outcome::Granted(_));
            self.note(HostEvent::Judged(outcome));
            if is_over {
                return;
            }
        }
    }

    /// Reads the record twice in one process.
    pub(super) fn read_twice(&self) {
        self.process(|ports| {
            for _ in 0..2 {
                let found = ports.newest(&world::account()).ok().flatten();
                self.note(HostEvent::Read(found.map(|found| found.sequence)));
            }
        });
    }

    /// Changes the newest record, as a login or a command does.
    pub(super) fn change(&self, with: &dyn Fn(Record) -> Record) {
        self.process(|ports| {
            ports.fleet.trust_active_records();
            let done = change(ports, &world::account(), &mut |found| {
                found.map(|found| with(found.record)).ok_or(())
            });
            self.note(HostEvent::Changed(done.is_ok()));
        });
    }
}
