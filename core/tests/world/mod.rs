//! A world for dialogues: stores that fail, clocks that jump and a person who types from a script.
#![allow(
    missing_docs,
    dead_code,
    unreachable_pub,
    reason = "shared by tests that each use a part of it"
)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on must stop")]

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, VecDeque},
    rc::Rc,
};

use twinlock_core::{
    account::{Account, Folder, Membership},
    epoch,
    event::Event,
    fault::{CommitFault, LedgerFault, LookupFault, MachineFault, StoreFault},
    format::record as form,
    ledger::Epoch,
    login::login,
    otp::{
        hotp::{Keyed, digits_of},
        totp::step_at,
    },
    policy::{Echo, Policy},
    ports::{
        Accounts, Clock, Conversation, ConversationFault, Creation, Journal, Ledger, Part, Ports,
        Records, Seat, Shelf, Snapshot,
    },
    record::{Generation, Identity, Period, Record, State},
    request::{Request, SourceLabel},
    secret::Typed,
    time::{BootTime, Now, UnixTime},
    verdict::Verdict,
};

mod people;

pub use people::{authenticator, request};

pub const START: u64 = 1_800_000_000;
const SEED: [u8; 20] = *b"12345678901234567890";

/// Everything that a login can see, behind cells so that tests can change it under way.
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
    pub mark: Cell<u64>,
    pub store_fault: Cell<Option<StoreFault>>,
    /// Each call of a store or the ledger takes one; `true` makes it fail.
    pub faults: RefCell<VecDeque<bool>>,
    pub lines: RefCell<VecDeque<Line>>,
    pub said: RefCell<Vec<String>>,
    pub handed_on: RefCell<Vec<Part>>,
    pub events: RefCell<Vec<Event>>,
    /// Writes a new record under the login at that call of `is_newest`.
    pub change_at: Cell<Option<u32>>,
    pub writes: Cell<u32>,
}

/// What the person does at a prompt.
#[derive(Debug, Clone)]
pub enum Line {
    Type(String),
    Cut,
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
            mark: Cell::new(0),
            store_fault: Cell::new(None),
            faults: RefCell::default(),
            lines: RefCell::default(),
            said: RefCell::default(),
            handed_on: RefCell::default(),
            events: RefCell::default(),
            change_at: Cell::new(None),
            writes: Cell::new(0),
        };
        world.begin_epoch(START - 3600);
        world.account("ada", 1000);
        world.enrol("ada", 1000);
        world
    }

    pub fn begin_epoch(&self, unix: u64) {
        let begun = BootTime((self.boot.get() - (self.unix.get() - unix)) * 1_000_000_000);
        *self.epoch.borrow_mut() = Some(Epoch { boot_id: "b".into(), begun, mark: UnixTime(0) });
    }

    pub fn account(&self, name: &str, uid: u32) {
        let account = Account { name: name.into(), uid, gid: uid, full_name: String::new() };
        self.accounts.borrow_mut().insert(name.into(), account);
    }

    pub fn record(&self, name: &str, uid: u32, state: State) -> Record {
        let authenticators = match state {
            State::Active => vec![authenticator()],
            State::Removed => vec![],
        };
        Record {
            user: name.into(),
            uid,
            state,
            generation: Generation(1),
            since: UnixTime(START - 1000),
            authenticators,
        }
    }

    pub fn enrol(&self, name: &str, uid: u32) {
        let text = form::write(&self.record(name, uid, State::Active)).to_string();
        self.records.borrow_mut().insert(name.into(), (1, text));
    }

    pub fn code(&self, offset: i64) -> String {
        self.code_at(self.unix.get().saturating_add_signed(offset * 30))
    }

    pub fn code_at(&self, unix: u64) -> String {
        let app = authenticator();
        let keyed = Keyed::new(&app.key, app.parameters.algorithm).unwrap();
        let step = step_at(UnixTime(unix), Period::THIRTY);
        digits_of(keyed.truncated(step.0), app.parameters.digits).to_string()
    }

    pub fn wrong_code(&self) -> String {
        let right: Vec<String> = (-20..=20).map(|offset| self.code(offset)).collect();
        (0..).map(|number| format!("{number:06}")).find(|code| !right.contains(code)).unwrap()
    }

    /// One login; what is typed is taken from `lines` first, then the line is cut.
    pub fn login(&self, request: &Request, lines: &[&str]) -> Verdict {
        self.lines.borrow_mut().extend(lines.iter().map(|line| Line::Type((*line).into())));
        self.said.borrow_mut().clear();
        let verdict = login(request, &self.policy, self.ports());
        self.lines.borrow_mut().clear();
        verdict
    }

    /// One login that must be refused as wrong.
    pub fn refuse(&self, request: &Request, lines: &[&str]) {
        assert_eq!(self.login(request, lines), Verdict::Denied);
    }

    pub fn ports(&self) -> Ports<'_> {
        Ports {
            records: self,
            ledger: self,
            conversation: self,
            clock: self,
            accounts: self,
            journal: self,
        }
    }

    /// The reasons of all events, in order.
    pub fn reasons(&self) -> Vec<&'static str> {
        let events = self.events.borrow();
        events.iter().map(|event| event.reason.map_or("", |reason| reason.word())).collect()
    }

    fn fails(&self) -> bool {
        self.faults.borrow_mut().pop_front().unwrap_or(false)
    }
}

impl Records for World {
    fn newest(&self, account: &Account) -> Result<Option<Snapshot>, StoreFault> {
        if self.fails() {
            return Err(StoreFault::Io { errno: 5 });
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

    fn newest_alike(
        &self,
        account: Option<&Account>,
    ) -> (Result<Option<Snapshot>, StoreFault>, Option<Snapshot>) {
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

    fn note_failures(&self, folder: Option<&Folder>, counted: (u32, u32), _: UnixTime) {
        if folder.is_some() && counted.0 != counted.1 && !self.fails() {
            self.failures.set(counted.1);
        }
    }

    fn forget_failures(&self, _: &Folder) {
        if !self.fails() {
            self.failures.set(0);
        }
    }

    fn is_newest(&self, folder: &Folder, snapshot: &Snapshot) -> Result<bool, StoreFault> {
        if self.fails() {
            return Err(StoreFault::Io { errno: 5 });
        }
        match self.change_at.get() {
            Some(0) => {
                self.change_at.set(None);
                let mut records = self.records.borrow_mut();
                let found = records.get_mut(folder.as_str()).unwrap();
                found.0 += 1;
                found.1 =
                    form::write(&self.record(folder.as_str(), 1000, State::Removed)).to_string();
            }
            Some(later) => self.change_at.set(Some(later - 1)),
            None => {}
        }
        let newest = self.records.borrow().get(folder.as_str()).map(|(sequence, _)| *sequence);
        Ok(newest == Some(snapshot.sequence))
    }

    fn commit(&self, _: &Folder, _: u64, _: &Record) -> Result<(), CommitFault> {
        panic!("a login changes no record");
    }

    fn remember_source(&self, _: &Folder, source: &SourceLabel, _: UnixTime) {
        self.known.borrow_mut().push(source.clone());
    }

    fn mark_clock(&self, now: UnixTime) {
        if epoch::mark_is_due(UnixTime(self.mark.get()), now) {
            self.mark.set(now.0);
        }
    }
}

impl Ledger for World {
    fn open(&self, seat: &Seat) -> Result<Box<dyn Shelf + '_>, LedgerFault> {
        if self.fails() {
            return Err(LedgerFault::NotTmpfs);
        }
        let prefix = match seat {
            Seat::Account(folder) => format!("users/{}/", folder.as_str()),
            Seat::Bucket(bucket) => format!("unknown/{bucket}/"),
        };
        Ok(Box::new(FakeShelf { world: self, prefix }))
    }

    fn open_alike(&self, seat: &Seat) -> Result<Box<dyn Shelf + '_>, LedgerFault> {
        self.open(seat)
    }

    fn floor(&self, now: Now) -> Result<UnixTime, LedgerFault> {
        if self.fails() {
            return Err(LedgerFault::Untrusted);
        }
        let known = self.epoch.borrow().as_ref().and_then(|known| epoch::floor(known, "b", now));
        Ok(known.unwrap_or_else(|| {
            let mark = epoch::mark_from(Some(UnixTime(self.mark.get())));
            let begun = Epoch { boot_id: "b".into(), begun: now.boot, mark };
            let floor = epoch::floor(&begun, "b", now).unwrap();
            *self.epoch.borrow_mut() = Some(begun);
            floor
        }))
    }
}

struct FakeShelf<'a> {
    world: &'a World,
    prefix: String,
}

impl Shelf for FakeShelf<'_> {
    fn create(&self, name: &str, content: &str) -> Result<Creation, LedgerFault> {
        if self.world.fails() {
            return Err(LedgerFault::Io { errno: 28 });
        }
        self.world.writes.set(self.world.writes.get() + 1);
        let key = format!("{}{name}", self.prefix);
        if self.world.names.borrow().contains_key(&key) {
            return Ok(Creation::Taken);
        }
        self.world.names.borrow_mut().insert(key, content.into());
        Ok(Creation::Made)
    }

    fn names(&self) -> Result<Vec<String>, LedgerFault> {
        if self.world.fails() {
            return Err(LedgerFault::Io { errno: 5 });
        }
        let names = self.world.names.borrow();
        Ok(names
            .keys()
            .filter_map(|name| name.strip_prefix(&self.prefix).map(str::to_owned))
            .collect())
    }

    fn content(&self, name: &str) -> Result<Option<String>, LedgerFault> {
        if self.world.fails() {
            return Err(LedgerFault::Io { errno: 5 });
        }
        Ok(self.world.names.borrow().get(&format!("{}{name}", self.prefix)).cloned())
    }

    fn erase(&self, name: &str) {
        if !self.world.fails() {
            self.world.names.borrow_mut().remove(&format!("{}{name}", self.prefix));
        }
    }
}

impl Conversation for World {
    fn ask(&self, text: &str, _: Echo) -> Result<Typed, ConversationFault> {
        self.said.borrow_mut().push(text.into());
        match self.lines.borrow_mut().pop_front() {
            Some(Line::Type(text)) => Ok(Typed::new(text)),
            Some(Line::Cut) | None => Err(ConversationFault),
        }
    }

    fn tell(&self, text: &str) {
        self.said.borrow_mut().push(text.into());
    }

    fn hand_on(&self, part: Part) {
        self.handed_on.borrow_mut().push(part);
    }
}

impl Clock for World {
    fn now(&self) -> Result<Now, MachineFault> {
        if self.fails() {
            return Err(MachineFault);
        }
        let boot = BootTime(self.boot.get() * 1_000_000_000);
        Ok(Now { unix: UnixTime(self.unix.get()), boot })
    }
}

impl Accounts for World {
    fn by_name(&self, name: &str) -> Result<Option<Account>, LookupFault> {
        if self.fails() {
            return Err(LookupFault);
        }
        Ok(self.accounts.borrow().get(name).cloned())
    }

    fn membership(&self, _: &Account, _: &str) -> Result<Membership, LookupFault> {
        if self.fails() { Err(LookupFault) } else { Ok(Membership::Outside) }
    }
}

impl Journal for World {
    fn note(&self, event: &Event) {
        self.events.borrow_mut().push(event.clone());
    }
}
