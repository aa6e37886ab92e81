//! Tests what happens when another process changes the record during a dialogue: it replaces a record that the login
//! has just written, or resets the user while a question is open. Also tests tickets and bypass codes after the menu,
//! and final messages.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop"
)]

mod world;

use std::cell::Cell;

use twinlock_core::{
    base::{
        account::{Account, Folder},
        error::{CommitError, StoreError},
        request::{Claim, SourceLabel},
        secret::Typed,
        time::{Now, UnixTime},
    },
    event::verdict::Verdict,
    login::login,
    policy::Echo,
    ports::{Conversation, ConversationError, Part, Ports, Records, Snapshot},
    record::{
        Record, enrollment,
        extras::{AuditStamp, Bypass},
        voucher::Voucher,
    },
};
use world::{
    Line, START, World,
    people::{change, newcomer, screen, stack, stamp, with_codes},
    reader, request,
};

fn audit() -> AuditStamp {
    AuditStamp { by: "kim".into(), at: UnixTime(START) }
}
fn ty(text: &str) -> Line {
    Line::Type(text.into())
}

/// A store like that of the host. If another process replaces a new record between its creation and its re-read (`put`
/// in host/src/store/commit.rs), the change is reported as overtaken.
struct BuiltUpon<'a> {
    world: &'a World,
    /// Number of changes that the login can store undisturbed. The record that it stores next is replaced by another
    /// process before the login reads it again.
    until: Cell<u32>,
    build: fn(&World),
}

impl Records for BuiltUpon<'_> {
    fn newest(&self, account: &Account) -> Result<Option<Snapshot>, StoreError> {
        self.world.newest(account)
    }
    fn is_newest(&self, folder: &Folder, snapshot: &Snapshot) -> Result<bool, StoreError> {
        self.world.is_newest(folder, snapshot)
    }
    fn commit(&self, folder: &Folder, after: u64, record: &Record) -> Result<(), CommitError> {
        self.world.commit(folder, after, record)?;
        let until = self.until.get();
        self.until.set(until.wrapping_sub(1));
        if until == 0 {
            (self.build)(self.world);
            return Err(CommitError::Overtaken);
        }
        Ok(())
    }
    fn newest_uniform(
        &self,
        account: Option<&Account>,
    ) -> (Result<Option<Snapshot>, StoreError>, Option<Snapshot>) {
        self.world.newest_uniform(account)
    }
    fn note_failures(&self, folder: Option<&Folder>, before: u32, after: u32, now: UnixTime) {
        self.world.note_failures(folder, before, after, now);
    }
    fn forget_failures(&self, folder: &Folder) {
        self.world.forget_failures(folder);
    }
    fn remember_source(&self, folder: &Folder, source: &SourceLabel, now: UnixTime) {
        self.world.remember_source(folder, source, now);
    }
    fn mark_clock(&self, now: Now) {
        self.world.mark_clock(now);
    }
}

/// Issues a bypass code for ada, as an administrator does; her backup codes are unchanged.
fn bypass(world: &World) {
    change(world, |mut record| {
        let voucher = Voucher::of("123456789", UnixTime(START + 3600), [5; 16]).unwrap();
        record.extras.bypasses.push(Bypass { voucher, uses: 1, audit: audit() });
        record
    });
}

/// Runs a login with the answers `lines`. Another process replaces the record that this login writes first. Checks that
/// the newest record refers to a set of backup codes that exists, and that the first code on the screen is valid,
/// whatever the login returns.
fn codes_are_there(world: &World, lines: &[&str]) {
    world.lines.borrow_mut().extend(lines.iter().map(|line| ty(line)));
    world.said.borrow_mut().clear();
    let records = BuiltUpon { world, until: Cell::new(0), build: bypass };
    let _ = login(&stack(), &world.policy, Ports { records: &records, ..world.ports() });
    world.lines.borrow_mut().clear();
    let shown = reader::codes(&screen(world));
    let named = world.newest_record("ada").codes;
    assert!(
        named.is_none_or(|set| world.sets.borrow().contains_key(&set.0)),
        "the record names {named:?}, which was taken away: {}",
        screen(world)
    );
    assert!(named.is_none() || world.is_unspent(named, &shown[0].replace('-', "")));
}

/// Ada has a single backup code. When she uses it, the login shows her a new one, and another process replaces the
/// record at that moment. Checks that afterwards the old or the new code grants access.
#[test]
fn who_has_only_the_last_code_is_not_locked_out_by_a_change_upon_its_renewal() {
    let (world, codes) = with_codes(1);
    world.lines.borrow_mut().extend([ty(&codes[0]), ty("<group>")]);
    world.said.borrow_mut().clear();
    let records = BuiltUpon { world: &world, until: Cell::new(0), build: bypass };
    let first = login(&stack(), &world.policy, Ports { records: &records, ..world.ports() });
    world.lines.borrow_mut().clear();
    let shown = reader::codes(&screen(&world));
    let with_new = world.login(&stack(), &[&shown[0], "<group>"]);
    let said = screen(&world);
    let with_old = world.login(&stack(), &[&codes[0], "<group>"]);
    assert!([with_new, with_old].contains(&Verdict::Granted), "{first:?}, then: {said}");
}

#[test]
fn a_set_that_somebody_elses_change_has_carried_on_is_not_taken_away_last_code() {
    let (world, codes) = with_codes(1);
    codes_are_there(&world, &[&codes[0], "<group>"]);
}

#[test]
fn a_set_that_somebody_elses_change_has_carried_on_is_not_taken_away_owed() {
    let (world, _) = with_codes(10);
    change(&world, |r| enrollment::owing_codes(r, audit(), stamp(50, START)));
    world.unix.set(world.unix.get() + 60);
    codes_are_there(&world, &["<own>", "<group>"]);
}

#[test]
fn set_up_that_is_held_open_ends_with_a_reset() {
    fn reset(world: &World) {
        change(world, |r| enrollment::reset(r, audit(), stamp(77, START + 1)));
    }
    let world = newcomer();
    world.lines.borrow_mut().extend([ty("start"), ty("<first>"), Line::Do(reset, "".into())]);
    let verdict = world.login(&stack(), &[]);
    assert_ne!(verdict, Verdict::Granted, "let in after the reset: {}", screen(&world));
}

/// Logs in without a proven first factor, with the answers `lines`. If `throttled`, the user has entered six wrong
/// codes before. Returns the reasons that the login logs, and the number of its additional calls of the ports, compared
/// with the same login whose last answer is no code ("hunter2").
fn seen(user: &str, throttled: bool, lines: &[&str]) -> (Vec<&'static str>, usize) {
    let one = |last: &str| {
        let mut world = World::new();
        world.policy.tries = 1;
        for _ in 0..if throttled { 6 } else { 0 } {
            let wrong = world.wrong_code();
            let _ = world.login(&request(user, Claim::Follows), &[&wrong]);
        }
        world.events.borrow_mut().clear();
        world.faults.borrow_mut().extend([false; 1000]);
        let (_, before) = lines.split_last().unwrap();
        let typed: Vec<&str> = before.iter().copied().chain([last]).collect();
        assert_eq!(world.login(&request(user, Claim::Follows), &typed), Verdict::Denied);
        let calls = 1000 - world.faults.borrow().len();
        (world.reasons(), calls)
    };
    let (reasons, calls) = one(lines.last().unwrap());
    (reasons, calls - one("hunter2").1)
}

#[test]
fn a_voucher_typed_behind_the_menu_is_not_judged_before_a_first_factor_either() {
    for voucher in ["FEJT-QYCH-WGPV", "123456789"] {
        for lines in [vec![voucher], vec!["?", "1", voucher], vec!["?", "2", voucher]] {
            for user in ["ada", "nobody"] {
                let (free, throttled) = (seen(user, false, &lines), seen(user, true, &lines));
                assert_eq!(free, throttled, "{user} {lines:?}: tells who is throttled");
                assert_eq!(free.1, 0, "{user} {lines:?}");
            }
        }
    }
}

/// Ada sets up her second factor. In each round, another call of a store or the ledger fails. Checks that, if the login
/// says that new backup codes will be shown at the next login, the record says so too.
#[test]
fn codes_that_are_said_not_to_work_do_not_and_new_ones_come() {
    for at in 0..120 {
        let world = newcomer();
        world.faults.borrow_mut().extend((0..at).map(|_| false).chain([true]));
        let verdict = world.login(&stack(), &["start", "<first>", "<group>"]);
        world.faults.borrow_mut().clear();
        let promised = screen(&world).contains("Your next login shows you new ones");
        if promised && verdict == Verdict::Granted {
            let record = world.newest_record("ada");
            assert!(
                record.extras.owed_codes.is_some(),
                "fault {at}: {:?} is in force",
                record.codes
            );
        }
    }
}

/// A user whose client has to answer a question after the final message, as the client of OpenSSH has to for Swedish
/// text. `last` is the number of final messages, and `behind` the number of questions after them.
struct Asked<'a> {
    world: &'a World,
    last: Cell<u32>,
    behind: Cell<u32>,
    /// Number of log events when the final message was shown.
    logged: Cell<usize>,
}

impl Conversation for Asked<'_> {
    fn ask(&self, text: &str, echo: Echo) -> Result<Typed, ConversationError> {
        self.behind.set(self.behind.get() + u32::from(self.last.get() > 0));
        self.world.ask(text, echo)
    }
    fn hand_on(&self, part: Part) {
        self.world.hand_on(part);
    }
    fn tell(&self, text: &str) {
        self.world.tell(text);
    }
    fn say_last(&self, words: &str, question: &str) {
        self.last.set(self.last.get() + 1);
        self.logged.set(self.world.events.borrow().len());
        self.tell(words);
        self.tell(question);
    }
}

fn with_last_words(world: &World, lines: &[&str]) -> (Verdict, u32, u32) {
    world.lines.borrow_mut().extend(lines.iter().map(|line| ty(line)));
    world.said.borrow_mut().clear();
    let person = Asked { world, last: Cell::new(0), behind: Cell::new(0), logged: Cell::new(0) };
    let ports = Ports { conversation: &person, ..world.ports() };
    let verdict = login(&stack(), &world.policy, ports);
    world.lines.borrow_mut().clear();
    let logged = person.logged.get();
    assert!(
        person.last.get() == 0 || logged > 0,
        "a login that is killed at its final message is in no log"
    );
    (verdict, person.last.get(), person.behind.get())
}

#[test]
fn who_gets_in_is_not_asked_to_end() {
    let (mut world, codes) = with_codes(10);
    world.policy.tries = 10;
    world.policy.throttle.free = 2;
    let wrong = world.wrong_code();
    let mut lines = vec!["?", "4", codes[0].as_str(), "1"];
    lines.extend([wrong.as_str(); 10]);
    let (verdict, last, behind) = with_last_words(&world, &lines);
    assert!(
        verdict != Verdict::Granted || last == 0,
        "{verdict:?}, last words {last}, asked {behind} times behind them: {}",
        screen(&world)
    );
}

#[test]
fn last_words_of_a_hand_over_are_said_once() {
    let (mut world, _) = with_codes(10);
    world.policy.throttle.free = 2;
    world.policy.tries = 10;
    change(&world, |mut r| {
        r.authenticators[0].seen =
            Some(twinlock_core::record::extras::KeyDisclosure { audit: audit(), postponed: 0 });
        r
    });
    world.unix.set(world.unix.get() + 60);
    let wrong = world.wrong_code();
    let mut lines = vec!["<own>", "start", "<first>"];
    lines.extend([wrong.as_str(); 10]);
    let (verdict, last, _) = with_last_words(&world, &lines);
    assert!(last <= 1, "{verdict:?} {last}: {}", screen(&world));
}

#[test]
fn what_is_promised_of_a_pending_key_is_true() {
    let world = newcomer();
    let _ = world.login(&stack(), &["start"]);
    world.unix.set(world.unix.get() + 14 * 60);
    let mut lines = vec!["start"];
    lines.extend(["12"; 10]);
    let _ = world.login(&stack(), &lines);
    let said = screen(&world);
    let key = reader::key(&said).unwrap();
    world.unix.set(world.unix.get() + 2 * 60);
    let _ = world.login(&stack(), &["start"]);
    let same = reader::key(&screen(&world)).unwrap().key == key.key;
    assert!(same || !said.contains("within 15 minutes"), "{}", &said[said.len() - 200..]);
}

/// Checks that a refusal is logged before the final message is shown. `LoginGraceTime` of sshd, or a user who closes
/// the window, may end the module while it waits at "Press Enter".
#[test]
fn a_refusal_is_logged_before_its_last_words() {
    let world = newcomer();
    let mut lines = vec!["start"];
    lines.extend(["12"; 10]);
    let _ = with_last_words(&world, &lines);
    let (world, codes) = with_codes(1);
    let _ = with_last_words(&world, &[&codes[0], ""]);
}
