//! A `World`, the simulated host of a test: failing stores, jumping clocks and a scripted user.
#![allow(
    missing_docs,
    dead_code,
    unreachable_pub,
    reason = "shared by tests that each use a part of it"
)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on must stop")]

pub mod apps;
mod around;
mod ledger;
pub mod people;
pub mod reader;
mod sets;

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, VecDeque},
    rc::Rc,
};

use twinlock_core::{
    base::{
        account::{Account, Folder},
        error::{CommitError, FileError, StoreError},
        request::{Claim, PublicKey, Request, Source, SourceLabel},
        time::{BootTime, Now, Step, UnixTime},
    },
    event::{Accepted, Event, Resynced, verdict::Verdict},
    ledger::{
        Capacity, Epoch,
        clock_mark::{ClockMark, Distance, KnownClock, Trust},
    },
    login::login,
    notify::notification::Notification,
    otp::totp::step_at,
    policy::{Echo, Policy},
    ports::{Clock, Ledger, Part, Ports, Records, Snapshot},
    record::{
        Authenticator, Generation, Identity, Period, Record, State, code_set::CodeSet,
        extras::RecordExtras, text as form,
    },
};

use apps::{authenticator, code_of};

pub const START: u64 = 1_800_000_000;
/// A clock mark (latest trusted time) that was created at [`START`] and has never moved.
const MADE: ClockMark = ClockMark { at: UnixTime(0), made: UnixTime(START), moved: 1_000_000 };

/// The simulated host of a test: all state that a login can read, in cells so that a test can change it during a login.
pub struct World {
    pub policy: Policy,
    pub unix: Cell<u64>,
    pub boot: Cell<u64>,
    pub accounts: RefCell<BTreeMap<String, Account>>,
    pub records: RefCell<BTreeMap<String, (u64, String)>>,
    pub known: RefCell<Vec<SourceLabel>>,
    pub failures: Cell<u32>,
    pub names: Rc<RefCell<BTreeMap<String, String>>>,
    pub epoch: RefCell<Option<Epoch>>,
    pub clock_mark: RefCell<KnownClock>,
    /// Whether the kernel reports the clock as synchronized.
    pub trust: Cell<Trust>,
    /// Number of boots of the host so far, from 1.
    pub boots: Cell<u64>,
    pub capacity: Cell<Capacity>,
    pub store_fault: Cell<Option<StoreError>>,
    /// The error that every change of a record gives, as on a full or read-only disk; `None` if the disk works.
    pub disk_fault: Cell<Option<StoreError>>,
    /// Results of the next calls of a store or the ledger; each call takes one entry, and `true` makes the call fail.
    pub faults: RefCell<VecDeque<bool>>,
    pub lines: RefCell<VecDeque<Line>>,
    pub said: RefCell<Vec<String>>,
    /// For each question, whether the answer was shown while it was typed.
    pub echoes: RefCell<Vec<Echo>>,
    /// The answers of the last login.
    pub typed: RefCell<Vec<String>>,
    pub handed_on: RefCell<Vec<Part>>,
    pub events: RefCell<Vec<Event>>,
    /// Number, from 0, of the call of `is_newest` during which another process writes a new record; `None` for no such
    /// change.
    pub change_at: Cell<Option<u32>>,
    /// The record that another process writes during the login; `None` if the other process writes a tombstone (record
    /// of a removed user).
    pub becomes: RefCell<Option<Record>>,
    pub writes: Cell<u32>,
    /// Sets of backup codes, by the number in their id. The next field has the times at which codes were spent.
    pub sets: RefCell<BTreeMap<u64, CodeSet>>,
    pub spent: RefCell<BTreeMap<(u64, u8), UnixTime>>,
    /// The codes that were hashed.
    pub hashed: RefCell<Vec<String>>,
    /// Seconds that pass while a code is hashed.
    pub late: Cell<u64>,
    /// The error that marking a code as spent gives; `None` for no error.
    pub spend_fault: Cell<Option<StoreError>>,
    /// Notifications in the outbox.
    pub letters: RefCell<Vec<Notification>>,
    /// The seed of the next random bytes.
    pub seed: Cell<u64>,
    /// The effective user id of the calling program.
    pub caller: Cell<u32>,
    /// Whether the calling program has a terminal.
    pub terminal: Cell<bool>,
}

/// The user's reaction to a prompt.
#[derive(Debug, Clone)]
pub enum Line {
    Type(String),
    Cut,
    /// Another process acts during the question, then the user types the text.
    Do(fn(&World), String),
}

impl World {
    pub fn new() -> Self {
        let world = Self {
            policy: Policy::default(),
            unix: Cell::new(START),
            boot: Cell::new(1_000_000),
            accounts: RefCell::default(),
            records: RefCell::default(),
            known: RefCell::default(),
            failures: Cell::new(0),
            names: Rc::default(),
            epoch: RefCell::new(None),
            clock_mark: RefCell::new(KnownClock { mark: MADE, ahead: vec![] }),
            trust: Cell::new(Trust::Alone),
            boots: Cell::new(1),
            capacity: Cell::new(Capacity::UNBOUNDED),
            store_fault: Cell::new(None),
            disk_fault: Cell::new(None),
            faults: RefCell::default(),
            lines: RefCell::default(),
            said: RefCell::default(),
            echoes: RefCell::default(),
            typed: RefCell::default(),
            handed_on: RefCell::default(),
            events: RefCell::default(),
            change_at: Cell::new(None),
            becomes: RefCell::default(),
            writes: Cell::new(0),
            sets: RefCell::default(),
            spent: RefCell::default(),
            hashed: RefCell::default(),
            late: Cell::new(0),
            spend_fault: Cell::new(None),
            letters: RefCell::default(),
            seed: Cell::new(1),
            caller: Cell::new(0),
            terminal: Cell::new(true),
        };
        world.begin_epoch(START - 3600);
        world.account("ada", 1000);
        world.enroll("ada", 1000);
        world
    }

    pub fn begin_epoch(&self, unix: u64) {
        let begun = BootTime((self.boot.get() - (self.unix.get() - unix)) * 1_000_000_000);
        *self.epoch.borrow_mut() = Some(Epoch {
            boot_id: format!("{:032x}", self.boots.get()),
            begun,
            mark: UnixTime(0),
            ahead: vec![],
        });
    }

    /// Restarts the host at the wall-clock time `unix`: the ledger is empty, and the boot clock restarts.
    pub fn restart(&self, unix: u64) {
        self.names.borrow_mut().clear();
        self.boots.set(self.boots.get() + 1);
        self.boot.set(20);
        self.unix.set(unix);
        *self.epoch.borrow_mut() = None;
        // Begins the epoch, as the systemd units that prepare the ledger do at boot.
        let _ = Ledger::floor(self, Clock::now(self).unwrap()).unwrap();
    }

    /// Advances both clocks by this many seconds.
    pub fn pass(&self, seconds: u64) {
        self.unix.set(self.unix.get() + seconds);
        self.boot.set(self.boot.get() + seconds);
    }

    pub fn account(&self, name: &str, uid: u32) {
        let account = Account { name: name.into(), uid, gid: uid, full_name: String::new() };
        self.accounts.borrow_mut().insert(name.into(), account);
    }

    pub fn record(&self, name: &str, uid: u32, state: State) -> Record {
        let authenticators = match state {
            State::Active => vec![authenticator()],
            State::Pending | State::Removed => vec![],
        };
        Record {
            user: name.into(),
            uid,
            state,
            generation: Generation(1),
            since: UnixTime(START - 1000),
            authenticators,
            codes: None,
            extras: RecordExtras::default(),
        }
    }

    pub fn enroll(&self, name: &str, uid: u32) {
        let text = form::write(&self.record(name, uid, State::Active)).to_string();
        self.records.borrow_mut().insert(name.into(), (1, text));
    }

    pub fn code(&self, offset: i64) -> String {
        self.code_at(self.unix.get().saturating_add_signed(offset * 30))
    }

    pub fn code_at(&self, unix: u64) -> String {
        code_of(&authenticator(), step_at(UnixTime(unix), Period::THIRTY).0)
    }

    /// Returns the newest record of a user.
    pub fn newest_record(&self, name: &str) -> Record {
        form::read(&self.records.borrow().get(name).unwrap().1).unwrap()
    }

    /// Gives a user these authenticators in place of the app that every user has.
    pub fn equip(&self, name: &str, authenticators: Vec<Authenticator>) {
        let record = Record { authenticators, ..self.record(name, 1000, State::Active) };
        let text = form::write(&record).to_string();
        let sequence = self.records.borrow().get(name).map_or(1, |found| found.0 + 1);
        self.records.borrow_mut().insert(name.into(), (sequence, text));
    }

    pub fn wrong_code(&self) -> String {
        let right: Vec<String> = (-20..=20).map(|offset| self.code(offset)).collect();
        (0..).map(|number| format!("{number:06}")).find(|code| !right.contains(code)).unwrap()
    }

    /// Runs one login. Answers come from `lines`; after that, the connection is closed.
    pub fn login(&self, request: &Request, lines: &[&str]) -> Verdict {
        self.lines.borrow_mut().extend(lines.iter().map(|line| Line::Type((*line).into())));
        self.said.borrow_mut().clear();
        self.echoes.borrow_mut().clear();
        self.typed.borrow_mut().clear();
        let verdict = login(request, &self.policy, self.ports());
        self.lines.borrow_mut().clear();
        verdict
    }

    /// Runs one login with the answers `lines`, and checks that it is refused.
    pub fn refuse(&self, request: &Request, lines: &[&str]) {
        assert_eq!(self.login(request, lines), Verdict::Denied);
    }

    /// Returns the step of the last accepted code. Also returns the clock error or counter that the code revealed.
    pub fn accepted(&self) -> (Step, Option<Resynced>) {
        match self.events.borrow().last().and_then(|event| event.accepted.clone()) {
            Some(Accepted::App { step, resynced, .. }) => (step, resynced),
            other => panic!("{other:?}"),
        }
    }

    pub fn ports(&self) -> Ports<'_> {
        Ports {
            records: self,
            codes: self,
            ledger: self,
            conversation: self,
            clock: self,
            accounts: self,
            journal: self,
            entropy: self,
            outbox: self,
        }
    }

    /// Returns the logged reasons of all events, in order.
    pub fn reasons(&self) -> Vec<&'static str> {
        let events = self.events.borrow();
        events.iter().map(|event| event.reason.map_or("", |reason| reason.word())).collect()
    }

    pub fn fails(&self) -> bool {
        self.faults.borrow_mut().pop_front().unwrap_or(false)
    }
}

pub fn request(user: &str, claim: Claim) -> Request {
    Request {
        service: "sshd".into(),
        typed_user: Some(user.into()),
        source: Source::address([203, 0, 113, 7].into()),
        claim,
        public_key: PublicKey::Absent,
        keys: None,
    }
}

impl Records for World {
    fn newest(&self, account: &Account) -> Result<Option<Snapshot>, StoreError> {
        if self.fails() {
            return Err(FileError::Io { errno: 5 }.into());
        }
        if let Some(fault) = self.store_fault.get() {
            return Err(fault);
        }
        let records = self.records.borrow();
        let Some((sequence, text)) = records.get(&account.name) else { return Ok(None) };
        let known = self.known.borrow().clone();
        Ok(Some(Snapshot {
            sequence: *sequence,
            identity: Identity::default(),
            record: form::read(text)?,
            known,
            failures: self.failures.get(),
        }))
    }

    fn newest_uniform(
        &self,
        account: Option<&Account>,
    ) -> (Result<Option<Snapshot>, StoreError>, Option<Snapshot>) {
        let found = account.map_or(Ok(None), |account| self.newest(account));
        let nobody = Record::nobodys().map(|record| Snapshot {
            sequence: 1,
            identity: Identity::default(),
            record,
            known: vec![],
            failures: 0,
        });
        (found, nobody)
    }

    fn note_failures(&self, folder: Option<&Folder>, before: u32, after: u32, _: UnixTime) {
        if folder.is_some() && before != after && !self.fails() {
            self.failures.set(after);
        }
    }

    fn forget_failures(&self, _: &Folder) {
        if !self.fails() {
            self.failures.set(0);
        }
    }

    fn is_newest(&self, folder: &Folder, snapshot: &Snapshot) -> Result<bool, StoreError> {
        if self.fails() {
            return Err(FileError::Io { errno: 5 }.into());
        }
        match self.change_at.get() {
            Some(0) => {
                self.change_at.set(None);
                let mut records = self.records.borrow_mut();
                let found = records.get_mut(folder.as_str()).unwrap();
                found.0 += 1;
                let tombstone = || self.record(folder.as_str(), 1000, State::Removed);
                let record = self.becomes.take().unwrap_or_else(tombstone);
                found.1 = form::write(&record).to_string();
            }
            Some(later) => self.change_at.set(Some(later - 1)),
            None => {}
        }
        let newest = self.records.borrow().get(folder.as_str()).map(|(sequence, _)| *sequence);
        Ok(newest == Some(snapshot.sequence))
    }

    fn commit(&self, folder: &Folder, after: u64, record: &Record) -> Result<(), CommitError> {
        if self.fails() {
            return Err(FileError::Io { errno: 28 }.into());
        }
        if let Some(fault) = self.disk_fault.get() {
            return Err(CommitError::Store(fault));
        }
        let mut records = self.records.borrow_mut();
        let found = records.entry(folder.as_str().into()).or_default();
        if found.0 != after {
            return Err(CommitError::Overtaken);
        }
        *found = (after + 1, form::write(record).to_string());
        // This simulates a folder that could not be made durable: the change is in force, but may be lost in a power
        // failure.
        if self.fails() { Err(FileError::Io { errno: 5 }.into()) } else { Ok(()) }
    }

    fn remember_source(&self, _: &Folder, source: &SourceLabel, _: UnixTime) {
        self.known.borrow_mut().push(source.clone());
    }

    fn mark_clock(&self, now: Now) {
        let known = self.clock_mark.borrow().clone();
        let after = match known.mark.distance(now) {
            Distance::Reached => known,
            Distance::Near => KnownClock { mark: known.mark.moved_to(now.unix, now.boot), ..known },
            Distance::Far => known.used_far_ahead(now, self.trust.get()),
        };
        *self.clock_mark.borrow_mut() = after;
    }
}
