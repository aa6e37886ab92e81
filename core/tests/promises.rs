//! Random lives: stores that fail, clocks that jump, ledgers that are lost, people who type anything.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod world;

use std::collections::BTreeSet;

use proptest::prelude::*;
use twinlock_core::{event::Accepted, request::Claim, verdict::Verdict};
use world::{Line, START, World, request};

const SCRATCH: [&str; 3] = ["10000001", "20000002", "30000003"];

/// One thing that happens.
#[derive(Debug, Clone)]
enum Happening {
    /// A login with a code of some steps from now, or with something else.
    Login { claim: Claim, answers: Vec<Typing>, faults: Vec<bool> },
    /// Time passes on both clocks.
    Wait(u64),
    /// The wall clock alone is set.
    SetClock(i64),
    /// The ledger is lost, epoch and all.
    LoseLedger,
}

#[derive(Debug, Clone)]
enum Typing {
    Code(i64),
    Again(usize),
    Scratch(&'static str),
    Text(String),
    Cut,
}

fn typing() -> impl Strategy<Value = Typing> {
    prop_oneof![
        4 => (-2..=2_i64).prop_map(Typing::Code),
        2 => (0..8_usize).prop_map(Typing::Again),
        1 => proptest::sample::select(SCRATCH.as_slice()).prop_map(Typing::Scratch),
        1 => prop_oneof![Just("?"), Just("1"), Just("2"), Just("3"), Just(""), Just("000000"), Just("\u{8}\n\r\u{7f}INC")]
            .prop_map(|text| Typing::Text(text.into())),
        1 => ".{0,12}".prop_map(Typing::Text),
        1 => Just(Typing::Cut),
    ]
}

fn happening() -> impl Strategy<Value = Happening> {
    let claim = prop_oneof![
        4 => Just(Claim::Stack),
        2 => Just(Claim::Follows),
        1 => Just(Claim::Failed),
        1 => Just(Claim::Publickey),
    ];
    let faults = prop_oneof![
        2 => Just(Vec::new()),
        1 => proptest::collection::vec(proptest::bool::weighted(0.15), 0..40),
    ];
    let login = (claim, proptest::collection::vec(typing(), 0..5), faults)
        .prop_map(|(claim, answers, faults)| Happening::Login { claim, answers, faults });
    prop_oneof![
        8 => login,
        3 => (0..90_u64).prop_map(Happening::Wait),
        1 => prop_oneof![Just(-60_i64), Just(60), Just(-3600), Just(3600), Just(-86_400), Just(86_400)]
            .prop_map(Happening::SetClock),
        1 => Just(Happening::LoseLedger),
    ]
}

/// A life, and the codes that let somebody in.
struct Life {
    world: World,
    typed: Vec<String>,
    granted: BTreeSet<String>,
    latest: u64,
}

impl Life {
    fn new() -> Self {
        let world = World::new();
        world.with_set(7, &SCRATCH);
        Self { world, typed: Vec::new(), granted: BTreeSet::new(), latest: START }
    }

    fn meet(&mut self, happening: &Happening) {
        match happening {
            Happening::Login { claim, answers, faults } => self.log_in(*claim, answers, faults),
            Happening::Wait(seconds) => self.wait(*seconds),
            Happening::SetClock(by) => {
                self.world.unix.set(self.world.unix.get().saturating_add_signed(*by));
            }
            Happening::LoseLedger => {
                self.world.names.borrow_mut().clear();
                *self.world.epoch.borrow_mut() = None;
            }
        }
        self.latest = self.latest.max(self.world.unix.get());
    }

    fn wait(&self, seconds: u64) {
        self.world.unix.set(self.world.unix.get() + seconds);
        self.world.boot.set(self.world.boot.get() + seconds);
    }

    fn log_in(&mut self, claim: Claim, answers: &[Typing], faults: &[bool]) {
        let lines: Vec<Line> = answers.iter().map(|typing| self.line(typing)).collect();
        let last_words: Vec<String> = lines.iter().map(|line| format!("{line:?}")).collect();
        self.world.lines.borrow_mut().extend(lines.clone());
        self.world.faults.borrow_mut().extend(faults.iter().copied());
        let verdict = self.world.login(&request("ada", claim), &[]);
        let left = self.world.faults.borrow().len();
        self.world.faults.borrow_mut().clear();
        assert_ne!(verdict, Verdict::Exempt, "{claim:?} {last_words:?} after {left} faults");
        if verdict != Verdict::Granted {
            return;
        }
        assert!(matches!(claim, Claim::Stack | Claim::Follows), "no first factor: {claim:?}");
        let event = self.world.events.borrow().last().cloned().unwrap();
        let Accepted::App { step, .. } = event.accepted.unwrap() else {
            let code = self.world.hashed.borrow().last().cloned().unwrap();
            assert!(SCRATCH.contains(&code.as_str()), "{code}");
            assert!(self.granted.insert(code), "a scratch code twice");
            return;
        };
        let step = step.0;
        let now = self.world.unix.get() / 30;
        assert!(step.abs_diff(now) <= 1, "step {step} at {now}");
        let code = self.world.code_at(step * 30);
        let typed = lines.iter().any(|line| matches!(line, Line::Type(text) if *text == code));
        assert!(typed, "nobody typed the code that was accepted");
        assert!(self.granted.insert(format!("{step} {code}")), "step {step} twice");
    }

    fn line(&mut self, typing: &Typing) -> Line {
        let text = match typing {
            Typing::Code(offset) => self.world.code(*offset),
            Typing::Scratch(code) => (*code).to_owned(),
            Typing::Again(back) => match self.typed.iter().rev().nth(*back) {
                Some(text) => text.clone(),
                None => return Line::Cut,
            },
            Typing::Text(text) => text.clone(),
            Typing::Cut => return Line::Cut,
        };
        self.typed.push(text.clone());
        Line::Type(text)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_login_without_proof_no_code_twice_and_the_owner_gets_in(
        happenings in proptest::collection::vec(happening(), 1..60),
    ) {
        let mut life = Life::new();
        for happening in &happenings {
            life.meet(happening);
        }
        let behind = life.latest + 2 * 86_400 - life.world.unix.get();
        life.wait(behind);
        let code = life.world.code(0);
        let verdict = life.world.login(&request("ada", Claim::Stack), &[&code, ""]);
        let verdict = match verdict {
            Verdict::Granted => verdict,
            // A ledger that was lost just before begins its memory with this login: the next code is good.
            Verdict::Exempt
            | Verdict::Denied
            | Verdict::Unavailable
            | Verdict::NoConversation => {
                life.wait(90);
                life.world.login(&request("ada", Claim::Stack), &[&life.world.code(0)])
            }
        };
        prop_assert_eq!(verdict, Verdict::Granted, "{:?}", life.world.said.borrow());
    }
}
