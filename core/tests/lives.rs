//! Runs random sequences of dialogues, with failing stores, jumping clocks and interventions of administrators.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop"
)]

mod world;

use std::collections::BTreeSet;

use proptest::prelude::*;
use twinlock_core::{
    base::{
        request::{Claim, PublicKey, Request},
        time::UnixTime,
    },
    event::{Accepted, Event, Kind, verdict::Verdict},
    policy::{AfterReset, BackupCodes, NotEnrolled, TicketNeed},
    record::{
        Record, SetId, State, enrollment,
        extras::{AuditStamp, KeyDisclosure},
    },
};
use world::{
    Line, World,
    people::{change, screen, stamp},
    reader, request,
};

/// One event of a random sequence.
#[derive(Debug, Clone)]
enum Happening {
    /// The clocks advance by half a minute, and the user logs in. `way` is the kind of login, and `lines` are the
    /// answers to its prompts; a word in angle brackets stands for a code on the screen or a code that the user has.
    /// `faults` says for each call of the store, in order, whether it fails.
    Login { way: Way, lines: Vec<&'static str>, faults: Vec<bool> },
    /// Both clocks advance by this many seconds.
    Wait(u64),
    /// The wall clock is set ahead by this many seconds; back if negative.
    SetClock(i64),
    /// An administrator sees the user's key.
    See,
    /// An administrator revokes the backup codes. The next login of the user then shows a new set.
    Owe,
    /// An administrator resets the user.
    Reset,
}

#[derive(Debug, Clone, Copy)]
enum Way {
    Password,
    Key,
    CodeFirst,
    Failed,
}

fn line() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        6 => Just("<own>"),
        4 => Just("<first>"),
        4 => Just("<group>"),
        4 => Just("<next>"),
        4 => Just("<code>"),
        2 => Just("<old code>"),
        4 => Just("start"),
        2 => proptest::sample::select(vec!["?", "1", "2", "3", "4", "yes", "", "i", "a"]),
        1 => proptest::sample::select(vec!["000000", "123456789", "FEJTQYCHWGPV", "\u{8}INC", "<cut>"]),
    ]
}

/// Generates the answers of a user who knows the dialogues. The answers end at a random point.
fn course() -> impl Strategy<Value = Vec<&'static str>> {
    let courses: Vec<Vec<&'static str>> = vec![
        vec!["start", "<first>", "<group>"],
        vec!["<own>", "<group>"],
        vec!["<code>", "<group>", "yes"],
        vec!["<own>", "start", "<first>", "<next>", "<group>"],
        vec!["?", "4", "<own>", "1", "<next>", "<group>"],
        vec!["?", "4", "<own>", "2", "<first>", "<code>", "<group>"],
        // The user enters a single code, although the change needs a second one.
        vec!["?", "4", "<own>", "1", "<group>"],
        vec!["?", "4", "<own>", "2", "<first>", "<first>", "<group>"],
        vec!["<own>", "start", "<first>", "<first>", "<group>"],
        vec!["?", "4", "<own>", "3", "", "<first>", "<next>"],
        vec!["?", "4", "<own>", "3", "", "<first>", "<first>"],
        vec!["?", "2", "<code>", "<group>"],
        vec!["<code>", "<group>"],
        vec!["<code>"],
        vec!["<old code>", "<group>"],
        vec!["<own>", "yes"],
    ];
    let cut = prop_oneof![4 => Just(9_usize), 1 => 0..6_usize];
    (proptest::sample::select(courses), cut).prop_map(|(mut course, cut)| {
        course.truncate(cut);
        course
    })
}

fn happening() -> impl Strategy<Value = Happening> {
    let way = prop_oneof![
        8 => Just(Way::Password),
        4 => Just(Way::Key),
        1 => Just(Way::CodeFirst),
        1 => Just(Way::Failed),
    ];
    let lines = prop_oneof![
        6 => course(),
        2 => (course(), proptest::collection::vec(line(), 0..4))
            .prop_map(|(course, more)| [course, more].concat()),
        1 => proptest::collection::vec(line(), 0..7),
    ];
    let faults = prop_oneof![
        4 => Just(Vec::new()),
        1 => proptest::collection::vec(proptest::bool::weighted(0.05), 0..120),
    ];
    let login = (way, lines, faults).prop_map(|(way, lines, faults)| Happening::Login {
        way,
        lines,
        faults,
    });
    prop_oneof![
        10 => login,
        4 => (20..400_u64).prop_map(Happening::Wait),
        1 => proptest::sample::select(vec![-3600_i64, -60, 60, 3600, 86_400]).prop_map(Happening::SetClock),
        1 => Just(Happening::See),
        1 => Just(Happening::Owe),
        1 => Just(Happening::Reset),
    ]
}

/// What the user of a random sequence has, and the codes that granted access.
struct Life {
    world: World,
    /// The backup codes that are confirmed, valid and unused.
    held: Vec<String>,
    used: BTreeSet<String>,
    steps: BTreeSet<(Vec<u8>, u64)>,
    shown: Vec<Vec<u8>>,
    latest: u64,
}

/// The parts of a record that only its owner may change, and only with more than one code.
#[derive(PartialEq)]
struct Own {
    keys: Vec<Vec<u8>>,
    codes: Option<SetId>,
}

impl Life {
    fn new() -> Self {
        let mut world = World::new();
        world.records.borrow_mut().clear();
        world.policy.not_enrolled = NotEnrolled::Enroll;
        world.policy.set_up.ticket = TicketNeed::Free;
        world.policy.set_up.after_reset = AfterReset::Login;
        world.policy.backup_codes =
            BackupCodes { count: 3, warn_below: 1, ..BackupCodes::default() };
        world.policy.remember_for = 600;
        let latest = world.unix.get();
        let (held, used, steps, shown) = Default::default();
        Self { world, held, used, steps, shown, latest }
    }

    fn meet(&mut self, happening: &Happening) {
        let audit = AuditStamp { by: "kim".into(), at: UnixTime(self.world.unix.get()) };
        let stamp = stamp(self.world.unix.get() ^ 0xabcd, audit.at.0);
        match happening {
            Happening::Login { way, lines, faults } => {
                self.wait(31);
                self.log_in(*way, lines, faults);
            }
            Happening::Wait(seconds) => self.wait(*seconds),
            Happening::SetClock(by) => {
                self.world.unix.set(self.world.unix.get().saturating_add_signed(*by));
            }
            _ if !self.is_enrolled() => {}
            Happening::See => change(&self.world, |mut record| {
                record.authenticators[0].seen = Some(KeyDisclosure { audit, postponed: 0 });
                record
            }),
            Happening::Owe => {
                change(&self.world, |record| enrollment::owing_codes(record, audit, stamp));
                self.held.clear();
            }
            Happening::Reset => {
                change(&self.world, |record| enrollment::reset(record, audit, stamp));
                self.held.clear();
            }
        }
        self.latest = self.latest.max(self.world.unix.get());
    }

    fn wait(&self, seconds: u64) {
        self.world.unix.set(self.world.unix.get() + seconds);
        self.world.boot.set(self.world.boot.get() + seconds);
    }

    fn record(&self) -> Option<Record> {
        let there = self.world.records.borrow().contains_key("ada");
        there.then(|| self.world.newest_record("ada"))
    }

    fn is_enrolled(&self) -> bool {
        self.record().is_some_and(|record| record.state == State::Active)
    }

    fn own(&self) -> Own {
        let record = self.record();
        let keys = record.iter().flat_map(|record| &record.authenticators);
        Own {
            keys: keys.map(|one| one.key.bytes().to_vec()).collect(),
            codes: record.as_ref().and_then(|record| record.codes),
        }
    }

    fn line(&self, line: &str) -> Line {
        match line {
            "<cut>" => Line::Cut,
            "<code>" => Line::Type(self.held.first().cloned().unwrap_or_default()),
            "<old code>" => Line::Type(self.used.iter().next().cloned().unwrap_or_default()),
            line => Line::Type(line.into()),
        }
    }

    fn log_in(&mut self, way: Way, lines: &[&str], faults: &[bool]) {
        let (before, owed) = (self.own(), self.owes());
        let lines: Vec<Line> = lines.iter().map(|line| self.line(line)).collect();
        self.world.lines.borrow_mut().extend(lines);
        self.world.faults.borrow_mut().extend(faults.iter().copied());
        let events = self.world.events.borrow().len();
        let verdict = self.world.login(&visit(way), &[]);
        self.world.faults.borrow_mut().clear();
        let news: Vec<Event> = self.world.events.borrow()[events..].to_vec();
        self.learn(&news);
        assert_ne!(verdict, Verdict::Exempt);
        if verdict == Verdict::Granted {
            assert!(!matches!(way, Way::Failed), "no first factor");
            let accepted = news.iter().rfind(|event| event.kind == Kind::Accepted);
            self.account_for(accepted.unwrap().accepted.as_ref().unwrap());
        }
        self.compare(&before, owed);
    }

    fn owes(&self) -> bool {
        self.record().is_some_and(|record| record.extras.owed_codes.is_some())
    }

    /// Stores the keys on the screen in `shown`. Stores the backup codes on the screen in `held`, if they are valid.
    fn learn(&mut self, _: &[Event]) {
        let shown = screen(&self.world);
        self.shown.extend(reader::key(&shown).map(|key| key.key.bytes().to_vec()));
        // Answers do not appear on the screen, so the login has shown each code that is on it.
        let codes = reader::codes(&shown);
        let in_force = self.record().and_then(|record| record.codes);
        let new = in_force.is_some_and(|id| {
            let last = codes.last().map(|code| code.replace('-', ""));
            last.is_some_and(|last| self.world.is_of_set(id, &last))
        });
        if new {
            self.held = codes.iter().rev().take(3).map(|code| code.replace('-', "")).collect();
        }
        if in_force.is_none() {
            self.held.clear();
        }
        let typed = self.world.typed.borrow();
        let spent: Vec<String> =
            typed.iter().filter(|line| self.held.contains(line)).cloned().collect();
        drop(typed);
        // A typed code may be spent, even if it was refused because of a fault.
        self.held.retain(|code| !spent.contains(code) || self.world.is_unspent(in_force, code));
    }

    /// Checks that the code that granted access was typed, and was never used before.
    fn account_for(&mut self, accepted: &Accepted) {
        let typed = self.world.typed.borrow().clone();
        match accepted {
            Accepted::App { step, .. } => {
                let mut keys = self.own().keys;
                keys.extend(self.shown.iter().cloned());
                let owner = keys.into_iter().find(|key| {
                    let code = world::apps::code_of_bytes(key, step.0);
                    typed.contains(&code)
                });
                let owner = owner.expect("nobody typed the code that was accepted");
                assert!(self.steps.insert((owner, step.0)), "{step:?} twice");
            }
            Accepted::BackupCode { .. } => {
                let mut codes = typed.iter().filter(|line| line.len() == 20);
                let fresh = codes.find(|code| !self.used.contains(*code));
                self.used.insert(fresh.expect("only used codes were typed").clone());
            }
            Accepted::Device => assert!(typed.is_empty(), "a device asks for nothing"),
            Accepted::Bypass { .. } | Accepted::Ticket => panic!("nobody gave out any"),
        }
    }

    /// If the keys or the set of backup codes have changed since `before`, checks that the user typed as many codes as
    /// the change needs. `owed` says whether the user had to be shown new backup codes before.
    fn compare(&self, before: &Own, owed: bool) {
        let after = self.own();
        if before.keys.is_empty() || after == *before {
            return;
        }
        let typed = self.world.typed.borrow();
        let codes = typed.iter().filter(|line| {
            line.len() == 20 || line.len() == 6 && line.bytes().all(|byte| byte.is_ascii_digit())
        });
        let keys_changed = after.keys != before.keys;
        let ended = after.codes.is_none();
        // Backup codes that are due, and the set that follows the last code, need only the one code of the login.
        let enough = if keys_changed { 3 } else { 2 };
        let excused = !keys_changed && (owed || ended || self.was_last(&typed));
        assert!(excused || codes.count() >= enough, "{typed:?}");
    }

    fn was_last(&self, typed: &[String]) -> bool {
        typed.iter().any(|line| line.len() == 20)
            || screen(&self.world).contains("You have no backup")
    }

    /// Returns whether the owner can log in when the stores work: with the app, with a backup code or, if not
    /// enrolled, by a set-up.
    fn owner_gets_in(&mut self) -> bool {
        let password = visit(Way::Password);
        if !self.is_enrolled() {
            return self.world.login(&password, &["start", "<first>", "<group>"])
                == Verdict::Granted;
        }
        let keys = self.own().keys;
        assert!(keys.iter().all(|key| self.shown.contains(key)), "a key that its owner never saw");
        let codes: Vec<String> = self.held.clone();
        let app = ["<own>", "start", "<first>", "<next>", "<group>"];
        let owes = self.owes();
        let app = if self.record().unwrap().authenticators[0].seen.is_some() {
            &app[..]
        } else {
            &["<own>", "<group>"]
        };
        let by_app = self.world.login(&password, app) == Verdict::Granted;
        let by_code = codes.first().is_none_or(|code| {
            owes || self.world.login(&password, &[code, "<group>"]) == Verdict::Granted
        });
        by_app && by_code
    }
}

fn visit(way: Way) -> Request {
    match way {
        Way::Password => request("ada", Claim::Stack),
        Way::Key => Request {
            public_key: PublicKey::Verified,
            keys: Some("ssh-ed25519 AAAA".into()),
            ..request("ada", Claim::Publickey)
        },
        Way::CodeFirst => request("ada", Claim::Follows),
        Way::Failed => request("ada", Claim::Failed),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_dialogue_breaks_a_promise(happenings in proptest::collection::vec(happening(), 1..40)) {
        let mut life = Life::new();
        life.log_in(Way::Password, &["start", "<first>", "<group>"], &[]);
        for happening in &happenings {
            life.meet(happening);
        }
        let behind = life.latest + 2 * 86_400 - life.world.unix.get();
        life.wait(behind);
        if !life.owner_gets_in() {
            life.wait(3 * 3600);
            prop_assert!(life.owner_gets_in(), "{} {:?}", screen(&life.world), life.world.reasons());
        }
    }
}
