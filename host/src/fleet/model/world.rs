//! A store with one user, `ada`, and the hosts of a test.

use twinlock_core::{
    base::{
        account::Account,
        request::{Source, SourceLabel},
        secret::Key,
        time::UnixTime,
    },
    ledger::{Used, names},
    otp::{
        hotp::{Keyed, digits_of},
        totp::step_at,
    },
    policy::{FleetUids, Limits, Policy},
    ports::{Clock, Entropy},
    record::{
        Authenticator, Generation, MovingFactor, Parameters, Period, Record, SetId, State,
        code_set::{CodeSet, Cost, Recipe, Shape},
        code_set_text,
        extras::RecordExtras,
        text as form,
    },
};
use zeroize::Zeroizing;

use crate::fleet::{
    Fleet, FleetScope, FleetStore,
    entries::number,
    key_file::{FleetKey, NamingRule, SealingKey},
    model::{
        etcd::ModelStore,
        local::{LocalHost, digest_of, start},
    },
    names::{META, StoreName},
    seal::{self, SealedKind, SealedPlace},
};

/// The backup codes of the set.
pub(super) const CODES: [&str; 3] = ["11112222", "33334444", "55556666"];
const SET: SetId = SetId(7);
/// The number of wrong codes before the first delay.
pub(super) const FREE: usize = 2;

pub(super) fn account() -> Account {
    Account { name: "ada".into(), uid: 1000, gid: 1000, full_name: String::new() }
}

pub(super) fn source() -> SourceLabel {
    Source::address([203, 0, 113, 7].into()).label()
}

pub(super) fn policy() -> Policy {
    let free = FREE.try_into().unwrap();
    Policy { throttle: Limits { free, ..Limits::default() }, ..Policy::default() }
}

pub(super) fn key() -> FleetKey {
    FleetKey {
        fleet: "example".into(),
        rule: NamingRule::Exact,
        naming: Zeroizing::new([9; 32]),
        sealing: vec![SealingKey { id: 1, key: Zeroizing::new([1; 32]) }],
        seals_with: 1,
    }
}

pub(super) fn name() -> StoreName {
    StoreName::of_user(&key(), "ada")
}

/// Returns the prefix of the etcd keys of ada's charged attempts.
pub(super) fn attempts() -> String {
    format!("{}try/", name().ledger())
}

/// Returns the highest used step of all authenticators; 0 if there is none.
pub(super) fn highest_step(store: &ModelStore) -> u64 {
    let tops = store.with_prefix(&format!("{}top/", name().ledger()));
    tops.iter().filter_map(|top| number(&top.value)).max().unwrap_or_default()
}

/// Returns whether a step was claimed or a backup code spent.
pub(super) fn is_claimed(store: &ModelStore) -> bool {
    let prefixes = [format!("{}top/", name().ledger()), name().spent(SET)];
    prefixes.iter().any(|prefix| !store.with_prefix(prefix).is_empty())
}

pub(super) fn fleet_of(
    host: &LocalHost,
    store: Box<dyn FleetStore>,
    entropy: Box<dyn Entropy>,
    clock: Box<dyn Clock>,
) -> Fleet {
    let scope = FleetScope {
        lowest_uid: 1000,
        uids: FleetUids::Same,
        host: format!("host{}", host.number),
        uid_of: |_| Some(1000),
    };
    Fleet::new(key(), store, scope, entropy, clock)
}

/// Returns an app with a key of one byte repeated.
pub(super) fn app(byte: u8) -> Authenticator {
    Authenticator {
        name: "app".into(),
        key: Key::new(vec![byte; 20]).unwrap(),
        parameters: Parameters::default(),
        moving: MovingFactor::default(),
        seen: None,
    }
}

/// Returns a token with a key of one byte repeated, whose next counter is 0.
pub(super) fn token(byte: u8) -> Authenticator {
    Authenticator { moving: MovingFactor::Counter { next: 0 }, ..app(byte) }
}

/// Returns the code that an app shows `offset` steps from now. For a token, returns the code of the counter `offset`.
pub(super) fn code(of: &Authenticator, offset: i64) -> String {
    let now = match of.moving {
        MovingFactor::Clock { .. } => step_at(start(), Period::THIRTY).0,
        MovingFactor::Counter { .. } => 0,
    };
    let keyed = Keyed::new(&of.key, of.parameters.algorithm).unwrap();
    digits_of(keyed.truncated(now.saturating_add_signed(offset)), of.parameters.digits).to_string()
}

/// Returns a code that is wrong for the 200 steps before and after the present one.
pub(super) fn wrong_code(of: &Authenticator) -> String {
    let right: Vec<String> = (-200..=200).map(|offset| code(of, offset)).collect();
    let mut all = (0..).map(|number| format!("{number:06}"));
    all.find(|code| !right.contains(code)).unwrap()
}

pub(super) fn record_with(authenticators: Vec<Authenticator>, generation: u64) -> Record {
    Record {
        user: "ada".into(),
        uid: 1000,
        state: State::Active,
        generation: Generation(generation),
        since: UnixTime(start().0 - 100_000),
        authenticators,
        codes: Some(SET),
        extras: RecordExtras::default(),
    }
}

/// A store and the disks of hosts, before anybody has logged in.
pub(super) struct ModelWorld {
    pub(super) store: ModelStore,
    sequence: u64,
    record: String,
    set: String,
}

impl ModelWorld {
    /// Returns a world in which the record number 3 of `ada` has this authenticator and a set of three backup codes.
    pub(super) fn of(authenticator: Authenticator) -> Self {
        let recipe = Recipe { salt: [9; 16], cost: Cost::GUESSABLE };
        let hashes = CODES.iter().map(|code| digest_of(code)).collect();
        let set = CodeSet { shape: Shape::Digits8, recipe, hashes };
        let record = form::write(&record_with(vec![authenticator], 1)).to_string();
        let mut world = Self {
            store: ModelStore::default(),
            sequence: 3,
            record,
            set: code_set_text::write(&set).to_string(),
        };
        world.put(SealedKind::Record, META, 0, "");
        let text = world.record.clone();
        world.put(SealedKind::Record, &name().record(), 3, &text);
        let text = world.set.clone();
        world.put(SealedKind::CodeSet, &name().code_set(SET), 0, &text);
        world
    }

    pub(super) fn put(&mut self, kind: SealedKind, store_key: &str, number: u64, text: &str) {
        let place = SealedPlace { kind, store_key };
        let entropy = LocalHost::numbered(100 + number);
        let value = seal::seal(&key(), &place, number, text.as_bytes(), &entropy).unwrap();
        self.store.put(store_key, value);
    }

    /// Stores the end of a failure streak, `ago` seconds before now.
    pub(super) fn end_streak(&mut self, ago: u64) {
        let (key, since) = (name().streak(), start().0 - ago);
        self.put(SealedKind::LedgerName, &key, since, "");
        let sealed = self.store.get(&key).unwrap().to_vec();
        self.store.put(&key, [&since.to_be_bytes()[..], &sealed].concat());
    }

    /// Returns a host whose disk has an older record, with this authenticator.
    pub(super) fn lagging_host(&self, number: u64, authenticator: Authenticator) -> LocalHost {
        let host = self.host(number);
        let record = form::write(&record_with(vec![authenticator], 0)).to_string();
        *host.record.borrow_mut() = Some((self.sequence - 1, record));
        host
    }

    /// Returns a host whose disk has the record and the codes.
    pub(super) fn host(&self, number: u64) -> LocalHost {
        let host = LocalHost::numbered(number);
        *host.record.borrow_mut() = Some((self.sequence, self.record.clone()));
        host.sets.borrow_mut().insert(SET.0, self.set.clone());
        host
    }
}

/// Returns a host whose ledger already has the step of the present code of an app.
pub(super) fn with_used_code(host: LocalHost, of: &Authenticator) -> LocalHost {
    let mark = Keyed::new(&of.key, of.parameters.algorithm).unwrap().mark(of);
    let name = names::used_name(&Used { mark, step: step_at(start(), Period::THIRTY) });
    host.names.borrow_mut().insert(name, names::instant(start()));
    host
}
