//! Runs random sequences of logins, with failing stores, jumping clocks, lost ledgers and arbitrary input.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod world;

use std::collections::BTreeSet;

use proptest::prelude::*;
use twinlock_core::{
    base::request::Claim,
    event::{Accepted, verdict::Verdict},
    record::{Authenticator, MovingFactor},
};
use world::{
    Line, START, World,
    apps::{authenticator, code_of, token},
    request,
};

const SCRATCH: [&str; 3] = ["10000001", "20000002", "30000003"];

/// One event of a random sequence.
#[derive(Debug, Clone)]
enum Happening {
    /// A login. Its answers are codes of the phone (each some steps before or after the current one), codes of the
    /// token, or other input.
    Login { claim: Claim, answers: Vec<Typing>, faults: Vec<bool> },
    /// Both clocks advance by this many seconds.
    Wait(u64),
    /// The wall clock is set ahead by this many seconds; back if negative.
    SetClock(i64),
    /// The phone's clock is set to this many time steps ahead of the host's; behind if negative.
    SetPhone(i64),
    /// The ledger is lost, including the time at which it began.
    LoseLedger,
}

#[derive(Debug, Clone)]
enum Typing {
    Code(i64),
    /// A code of ada's hardware token. Before it, the button of the token was pressed this many times for codes that
    /// were not used.
    Token(u64),
    Again(usize),
    Scratch(&'static str),
    Text(String),
    Cut,
}

fn typing() -> impl Strategy<Value = Vec<Typing>> {
    prop_oneof![
        4 => (-2..=2_i64).prop_map(|step| vec![Typing::Code(step)]),
        2 => (-2..=2_i64).prop_map(|step| vec![Typing::Code(step), Typing::Code(step + 1)]),
        2 => (0..4_u64).prop_map(|skipped| vec![Typing::Token(skipped)]),
        1 => (4..40_u64).prop_map(|skipped| vec![Typing::Token(skipped), Typing::Token(0)]),
        2 => (0..8_usize).prop_map(|back| vec![Typing::Again(back)]),
        1 => (0..8_usize).prop_map(|back| vec![Typing::Again(back + 1), Typing::Again(back + 1)]),
        1 => proptest::sample::select(SCRATCH.as_slice()).prop_map(|code| vec![Typing::Scratch(code)]),
        1 => prop_oneof![Just("?"), Just("1"), Just("2"), Just("3"), Just(""), Just("000000"), Just("\u{8}\n\r\u{7f}INC")]
            .prop_map(|text| vec![Typing::Text(text.into())]),
        1 => ".{0,12}".prop_map(|text| vec![Typing::Text(text)]),
        1 => Just(vec![Typing::Cut]),
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
    let answers = proptest::collection::vec(typing(), 0..5).prop_map(|typed| typed.concat());
    let login = (claim, answers, faults).prop_map(|(claim, answers, faults)| Happening::Login {
        claim,
        answers,
        faults,
    });
    prop_oneof![
        8 => login,
        3 => (0..90_u64).prop_map(Happening::Wait),
        1 => prop_oneof![Just(-60_i64), Just(60), Just(-3600), Just(3600), Just(-86_400), Just(86_400)]
            .prop_map(Happening::SetClock),
        1 => (-25..=25_i64).prop_map(Happening::SetPhone),
        1 => Just(Happening::LoseLedger),
    ]
}

/// The state of one sequence, and the codes that granted access.
struct Life {
    world: World,
    /// Number of time steps by which the phone's clock is ahead of the host's; negative if it is behind.
    phone: i64,
    /// The counter of the token's next code.
    button: u64,
    typed: Vec<String>,
    used: BTreeSet<(String, u64)>,
    latest: u64,
}

impl Life {
    fn new() -> Self {
        let world = World::new();
        world.equip("ada", vec![authenticator(), token(7, 0)]);
        world.with_set(7, &SCRATCH);
        Self { world, phone: 0, button: 0, typed: vec![], used: BTreeSet::new(), latest: START }
    }

    fn meet(&mut self, happening: &Happening) {
        match happening {
            Happening::Login { claim, answers, faults } => self.log_in(*claim, answers, faults),
            Happening::Wait(seconds) => self.wait(*seconds),
            Happening::SetClock(by) => {
                self.world.unix.set(self.world.unix.get().saturating_add_signed(*by));
            }
            Happening::SetPhone(steps) => self.phone = *steps,
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
        let before = self.world.newest_record("ada");
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
        let Accepted::App { authenticator, step, resynced, .. } = event.accepted.unwrap() else {
            let code = self.world.hashed.borrow().last().cloned().unwrap();
            assert!(SCRATCH.contains(&code.as_str()), "{code}");
            assert!(self.used.insert((code, 0)), "a scratch code twice");
            return;
        };
        let mut keys = before.authenticators.iter();
        let owner = keys.find(|one| one.name == authenticator).unwrap();
        self.account_for(owner, step.0, resynced.is_some(), &lines, claim);
    }

    /// Checks the code of the time step or counter `step`, with which `owner` was accepted: it was typed, it is
    /// current, and it was never used before. If `pair` is set, the code before it must have been typed too. Also
    /// checks that the record contains the new counter or drift.
    fn account_for(
        &mut self,
        owner: &Authenticator,
        step: u64,
        pair: bool,
        lines: &[Line],
        claim: Claim,
    ) {
        let shows = |line: &Line, step: u64| {
            let code = code_of(owner, step);
            matches!(line, Line::Type(text) if *text == code)
        };
        let last = lines.iter().rposition(|line| shows(line, step));
        assert!(last.is_some(), "nobody typed the code that was accepted");
        if pair {
            assert_eq!(claim, Claim::Stack, "two codes in a row without a first factor");
            let first = lines.iter().position(|line| shows(line, step - 1));
            assert!(first.is_some() && first < last, "the one before it was not typed before it");
            assert!(self.used.insert((owner.name.clone(), step - 1)), "{} twice", step - 1);
        }
        assert!(self.used.insert((owner.name.clone(), step)), "{} {step} twice", owner.name);
        let record = self.world.newest_record("ada");
        let stands =
            record.authenticators.iter().find(|one| one.name == owner.name).unwrap().moving;
        let now = self.world.unix.get() / 30;
        match (owner.moving, stands) {
            (MovingFactor::Counter { next }, MovingFactor::Counter { next: stands }) => {
                assert!(step >= next && stands == step + 1, "{step} {next} {stands}");
            }
            (MovingFactor::Clock { drift }, MovingFactor::Clock { drift: stands }) => {
                let expected = now.saturating_add_signed(drift.into());
                assert!(step.abs_diff(expected) <= if pair { 20 } else { 1 }, "{step} at {now}");
                let learned = i64::from(stands) == step.cast_signed() - now.cast_signed();
                assert!(if pair { learned } else { stands == drift }, "{drift} {stands}");
            }
            (before, after) => assert_eq!(before, after),
        }
    }

    fn line(&mut self, typing: &Typing) -> Line {
        let text = match typing {
            Typing::Code(offset) => self.world.code(self.phone + offset),
            Typing::Token(skipped) => {
                self.button += skipped + 1;
                code_of(&token(7, 0), self.button - 1)
            }
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

    /// Returns whether the owner can log in with one or two adjacent codes of each authenticator.
    fn owner_gets_in(&mut self) -> bool {
        let record = self.world.newest_record("ada");
        let drift = i64::from(record.authenticators.first().unwrap().drift());
        // If the drift is larger than two adjacent codes can reveal, an administrator must help.
        self.phone = self.phone.clamp(drift - 18, drift + 18);
        let codes = [self.world.code(self.phone), self.world.code(self.phone + 1)];
        let ask = request("ada", Claim::Stack);
        let by_phone = self.world.login(&ask, &codes.each_ref().map(String::as_str));
        let MovingFactor::Counter { next } = record.authenticators.last().unwrap().moving else {
            return false;
        };
        self.button = self.button.min(next + 98);
        let codes = [self.button, self.button + 1].map(|counter| code_of(&token(7, 0), counter));
        self.button += 2;
        let by_token = self.world.login(&ask, &codes.each_ref().map(String::as_str));
        (by_phone, by_token) == (Verdict::Granted, Verdict::Granted)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

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
        if !life.owner_gets_in() {
            // A ledger that was just lost begins a new epoch with this login; later codes are valid.
            life.wait(3 * 3600);
            prop_assert!(life.owner_gets_in(), "{:?} {:?}", life.world.said.borrow(), life.world.reasons());
        }
    }
}
