//! Tests that every message fits its line and prompt in both languages.

use crate::event::Resynced;
use crate::message::Ways;
use crate::message::{
    change::Fate,
    new_codes::Why,
    set_up::{Beginning, Going, SameKey},
};
use crate::record::extras::AuditStamp;
use crate::text::*;
use alloc::{format, vec, vec::Vec};

#[expect(clippy::too_many_lines, reason = "a list of everything that is said")]
fn all() -> [Message; 50] {
    let user = || "a".repeat(32);
    [
        Message::AskCode,
        Message::AskPasswordAndCode,
        Message::OtherWays(Ways::Everybodys),
        Message::OtherWays(Ways::WithCodes),
        Message::OtherWays(Ways::AppOnly),
        Message::AskBackupCode,
        Message::NotAccepted,
        Message::Wrong { left: 2 },
        Message::Wrong { left: 1 },
        Message::Wrong { left: 0 },
        Message::NotACode,
        Message::NotAChoice,
        Message::NoBypass,
        Message::NoTicket,
        Message::Overtaken,
        Message::Elsewhere,
        Message::CallerNotRoot,
        Message::PressEnter,
        Message::NoSuchWay(Ways::Everybodys),
        Message::NoSuchWay(Ways::WithCodes),
        Message::NoSuchWay(Ways::AppOnly),
        Message::NoSuchWay(Ways::WithTicket),
        Message::OtherWays(Ways::WithTicket),
        Message::AskCodeOrTicket,
        Message::AskTicket,
        Message::Replayed { wait: 17 },
        Message::BeforeEpoch { wait: 599, ahead: None },
        Message::BeforeEpoch { wait: 86_399, ahead: None },
        Message::BeforeEpoch { wait: 86_399, ahead: Some(UnixTime(1_800_000_000)) },
        Message::Replayed { wait: 0 },
        Message::Spent,
        Message::CodesLeft { left: 0 },
        Message::CodesLeft { left: 1 },
        Message::CodesLeft { left: 9 },
        Message::FewCodesLeft { left: 1 },
        Message::FewCodesLeft { left: 19 },
        Message::ClockOff { ahead: -86_370, wait: Some(86_370) },
        Message::ClockOff { ahead: 570, wait: None },
        Message::ClockOff { ahead: 570, wait: Some(86_370) },
        Message::ClockOff { ahead: 0, wait: Some(86_370) },
        Message::ClockOff { ahead: 0, wait: None },
        Message::Resynced(Resynced::Clock { steps: -2879, seconds: -86_370 }),
        Message::Resynced(Resynced::Clock { steps: 0, seconds: 0 }),
        Message::Resynced(Resynced::Counter { skipped: 99 }),
        Message::MachineFault { user: user() },
        Message::Throttled { until: UnixTime(1_800_000_000), wait: 900 },
        Message::Locked { user: user() },
        Message::NotEnrolled { user: user() },
        Message::RecordUnreadable { user: user() },
        Message::RecordUnwritable { user: user() },
    ]
}

#[test]
fn lines_fit_a_terminal_and_prompts_their_clients() {
    for language in [Language::English, Language::Swedish] {
        all().iter().for_each(|message| fits(&login(language, message)));
        set_up_messages().iter().for_each(|message| fits(&set_up(language, message)));
        new_codes_messages().iter().for_each(|message| fits(&new_codes(language, message)));
        change_messages().iter().for_each(|message| fits(&change(language, message)));
    }
}

/// Checks that the last messages to clients without a user, such as scripts, are ASCII. OpenSSH's client shows other
/// characters in octal if no question follows.
#[test]
fn what_strangers_and_scripts_are_told_at_last_is_ascii() {
    let told = [Message::NotAccepted, Message::Wrong { left: 0 }];
    for language in [Language::English, Language::Swedish] {
        assert!(told.iter().all(|message| login(language, message).is_ascii()), "{language:?}");
        assert!(set_up(language, &SetUp::NeedsAPerson).is_ascii(), "{language:?}");
    }
}

#[test]
fn durations_read_well() {
    for (seconds, text) in [
        (0, "0 s"),
        (17, "17 s"),
        (60, "1 min"),
        (250, "4 min 10 s"),
        (7500, "2 h 5 min"),
        (3600, "1 h"),
    ] {
        assert_eq!(duration(seconds), text);
    }
}

fn fits(said: &str) {
    let longest = said.lines().map(|line| line.chars().count()).max();
    assert!(longest.unwrap() <= 78, "{said}");
    assert!(said.len() < 1024 && !said.contains('\u{1b}'), "{} {said}", said.len());
}

const LONG: u64 = 86_370;
const AT: UnixTime = UnixTime(1_800_000_000);

fn set_up_messages() -> Vec<SetUp> {
    let user = || "a".repeat(32);
    let source = || String::from("2001:db8:ffff:ffff::");
    let mut all = vec![
        SetUp::WrongTicket { left: 1 },
        SetUp::NothingTyped,
        SetUp::BeginAgain { without: Going::No },
        SetUp::BeginAgain { without: Going::On(Some(AT)) },
        SetUp::WrongTicket { left: 2 },
        SetUp::NotATicket,
        SetUp::NeedsAPerson,
        SetUp::BegunBefore { at: AT, source: source(), key: SameKey::Same },
        SetUp::BegunBefore { at: AT, source: source(), key: SameKey::Another },
        SetUp::Scan,
        SetUp::OrType { key: Zeroizing::new("JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP".into()) },
        SetUp::TypeKey { key: Zeroizing::new("JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP".into()) },
        SetUp::AskCode { digits: 8 },
        SetUp::WrongCode,
        SetUp::ClockOff { ahead: -570 },
        SetUp::ClockOff { ahead: 570 },
        SetUp::UsedCode { wait: 29 },
        SetUp::NotACode,
        SetUp::TooMany { until: Some(AT) },
        SetUp::TooMany { until: None },
        SetUp::NoTicket { user: user() },
    ];
    for by in [Beginning::Word, Beginning::Ticket] {
        for without in [Going::No, Going::On(None), Going::On(Some(AT))] {
            for reason in [None, Some("word ".repeat(60).trim().into())] {
                for reset in [None, Some(AuditStamp { by: user(), at: AT })] {
                    let (user, reason) = (user(), reason.clone());
                    all.push(SetUp::Begin { user, reason, by, without, reset });
                }
            }
        }
    }
    all
}

fn new_codes_messages() -> Vec<NewCodes> {
    let code = || Zeroizing::new(String::from("FEJT-QYCH-WGPV-SARM-XOKB"));
    let user = || "a".repeat(24);
    let mut all = vec![
        NewCodes::NotTheLast { left: 2, count: 1 },
        NewCodes::NotTheLast { left: 1, count: 10 },
        NewCodes::NothingTyped { count: 1 },
        NewCodes::NothingTyped { count: 10 },
        NewCodes::InForce { count: 1 },
        NewCodes::InForce { count: 20 },
        NewCodes::Later,
        NewCodes::Unsure,
        NewCodes::OldOneStays,
        NewCodes::TicketStays,
    ];
    for count in [1, 10, 20] {
        let set_up = Why::SetUp { user: user(), host: "b".repeat(12) };
        for why in [Why::LastTyped, set_up, Why::None, Why::Given { by: user() }, Why::Wished] {
            let codes = Codes((0..count).map(|_| code()).collect());
            all.push(NewCodes::Show { why, codes });
        }
    }
    all
}

fn change_messages() -> Vec<Change> {
    let by = || "a".repeat(20);
    vec![
        Change::Seen { by: by(), at: AT, left: 0 },
        Change::Seen { by: by(), at: AT, left: 1 },
        Change::Seen { by: by(), at: AT, left: 9 },
        Change::SeenAgain { left: 9 },
        Change::SeenElsewhere { by: by(), at: AT },
        Change::Menu { changed: AT, authenticators: 1 },
        Change::Menu { changed: AT, authenticators: 2 },
        Change::NoSuchChoice,
        Change::Which { names: vec!["phone".into(), "x".repeat(99)], fate: Fate::Replaced },
        Change::Which { names: vec!["phone".into(), "x".repeat(99)], fate: Fate::Removed },
        Change::SecondToRemove { name: "x".repeat(40) },
        Change::SecondCode,
        Change::SecondOfOld,
        Change::SecondOfOther,
        Change::Name,
        Change::Added,
        Change::WrongSecond { left: 2 },
        Change::WrongSecond { left: 1 },
        Change::UsedSecond { wait: LONG },
        Change::NotACode,
        Change::Replaced { entry: format!("{}:{} ({})", "h".repeat(20), by(), "x".repeat(40)) },
        Change::Removed { entry: "Example:ada (phone)".into() },
        Change::Unchanged,
        Change::Remember {
            address: "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff".into(),
            seconds: LONG,
        },
    ]
}

#[test]
fn a_remembered_device_has_its_time_in_words() {
    for (seconds, english, swedish) in [
        (8 * 3600, "device for 8 hours?", "enheten i 8 timmar?"),
        (3600, "device for 1 hour?", "enheten i 1 timme?"),
        (7 * 86_400, "device for 7 days?", "enheten i 7 dagar?"),
        (90 * 60, "device for 90 minutes?", "enheten i 90 minuter?"),
        (61, "device for 1 min 1 s?", "enheten i 1 min 1 s?"),
    ] {
        let asked = Change::Remember { address: "192.0.2.1".into(), seconds };
        assert!(change(Language::English, &asked).contains(english), "{seconds}");
        assert!(change(Language::Swedish, &asked).contains(swedish), "{seconds}");
    }
}

#[test]
fn reasons_are_wrapped() {
    assert_eq!(wrap("a b"), "a b");
    let wrapped = wrap(&"word ".repeat(40));
    assert!(wrapped.lines().count() == 3 && wrapped.lines().all(|line| line.len() <= 76));
}
