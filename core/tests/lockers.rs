//! Tests programs that do not run as root: what the module asks of the agent, and what the agent verifies for a screen
//! locker.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on must stop")]

mod world;

use std::cell::RefCell;

use twinlock_core::{
    base::{
        error::{AgentError, FileError, StoreError},
        request::{Claim, Request, Source},
        time::DAY,
    },
    dialogue::locker::{Locker, LockerEnd},
    event::{Reason, verdict::Verdict},
    login::login_by_agent,
    message::Message,
    policy::{Action, Field, NotEnrolled, Rule},
    ports::{AgentReply, CodeAgent, Ledger, LedgerKey, Part},
    record::State,
};
use world::{Line, World, request};

const FIELDS: [Field; 3] = [Field::Code, Field::Given, Field::PasswordAndCode];

/// Does the agent's part of unlocking ada's screen locker, in which she gives the answer `answer`. Returns the agent's
/// result.
fn unlock(agent: &World, field: Field, answer: &str) -> LockerEnd {
    agent.lines.replace([Line::Type(answer.into())].into());
    let account = agent.accounts.borrow().get("ada").unwrap().clone();
    let Ok(user_ledger) = agent.open(&LedgerKey::of(Some(&account), "ada")) else {
        return LockerEnd::Unusable(Reason::Clock);
    };
    let locker = Locker {
        policy: &agent.policy,
        ports: agent.ports(),
        account: &account,
        user_ledger: user_ledger.as_ref(),
        service: "i3lock",
        field,
    };
    locker.unlock()
}

/// The agent to which the module sends answers. Its `World` has the records and the ledger, which the module cannot
/// read. `field` is the kind of field that the module asked for, and `got` has the answers that were sent.
struct Agent<'a> {
    world: &'a World,
    field: RefCell<Option<Field>>,
    got: RefCell<Vec<String>>,
}

impl<'a> Agent<'a> {
    fn new(world: &'a World) -> Self {
        Self { world, field: RefCell::default(), got: RefCell::default() }
    }
}

impl CodeAgent for Agent<'_> {
    fn begin(&self, service: &str, field: Field) -> Result<AgentReply, AgentError> {
        assert_eq!(service, "i3lock");
        self.field.replace(Some(Field::read(field.word()).unwrap()));
        let active = matches!(self.world.newest_record("ada").state, State::Active);
        let ended = |status| Ok(AgentReply::Ended { status, text: String::new() });
        match (active, self.world.policy.not_enrolled) {
            (true, _) => Ok(AgentReply::Asks),
            (false, NotEnrolled::Allow) => ended(0),
            (false, _) => ended(3),
        }
    }

    fn answer(&self, text: &str) -> Result<AgentReply, AgentError> {
        self.got.borrow_mut().push(text.into());
        Ok(match unlock(self.world, self.field.borrow().unwrap(), text) {
            LockerEnd::Accepted { digits } => {
                AgentReply::Ended { status: 0, text: digits.to_string() }
            }
            LockerEnd::Refused(Message::Throttled { .. }) => {
                AgentReply::Ended { status: 5, text: "later".into() }
            }
            LockerEnd::Refused(_) => AgentReply::Ended { status: 1, text: "no".into() },
            LockerEnd::NotNeeded | LockerEnd::Unusable(_) => {
                AgentReply::Ended { status: 6, text: "fault".into() }
            }
        })
    }
}

/// Returns the host as the module sees it in a program that runs as ada: the module can read neither records nor
/// ledger.
fn module(field: Field) -> World {
    let mut world = World::new();
    world.caller.set(1000);
    world.store_fault.set(Some(StoreError::File(FileError::Io { errno: 13 })));
    world.policy.field = field;
    world
}

fn ada(claim: Claim) -> Request {
    Request { service: "i3lock".into(), source: Source::Uid(1000), ..request("ada", claim) }
}

fn log_in(module: &World, claim: Claim, agent: &dyn CodeAgent, typed: &str) -> Verdict {
    module.said.borrow_mut().clear();
    module.lines.replace([Line::Type(typed.into())].into());
    login_by_agent(&ada(claim), &module.policy, module.ports(), agent)
}

fn tries(world: &World, budget: &str) -> usize {
    let name = format!("/try.{budget}.");
    world.names.borrow().keys().filter(|key| key.contains(&name)).count()
}

#[test]
fn right_code_is_granted_in_every_kind_of_field() {
    for claim in [Claim::Follows, Claim::Stack] {
        for field in FIELDS {
            let (module, host) = (module(field), World::new());
            let agent = Agent::new(&host);
            let before = if field == Field::Code { "" } else { "hunter22" };
            let typed = format!("{before}{}", host.code(0));
            assert_eq!(log_in(&module, claim, &agent, &typed), Verdict::Granted, "{field:?}");
            assert_eq!(module.handed_on.take(), [Part::AllBut(6)]);
            // At most two digits of the password leave the process.
            let sent = agent.got.take().concat();
            assert!(!sent.contains("hunter") && sent.len() <= 9, "{sent}");
            assert!(module.events.take().is_empty(), "the agent has logged it");
            assert_eq!(host.reasons(), [""]);
            // A code is accepted only once.
            assert_eq!(log_in(&module, claim, &agent, &typed), Verdict::Denied, "{field:?}");
            assert_eq!(host.reasons(), ["", "replayed"]);
        }
    }
}

#[test]
fn what_is_no_app_code_is_neither_sent_nor_counted() {
    for (field, typed) in [
        (Field::PasswordAndCode, "correct horse"),
        (Field::PasswordAndCode, "123456"),
        (Field::Code, "123456789"),
        (Field::Code, "GXKPTQWMRBNCHDVLSFJZ"),
        (Field::Code, "FEJTQYCHWGPV"),
        (Field::Code, "?"),
        (Field::Given, "secret12345"),
    ] {
        let (module, host) = (module(field), World::new());
        let agent = Agent::new(&host);
        assert_eq!(log_in(&module, Claim::Follows, &agent, typed), Verdict::Denied, "{typed}");
        assert_eq!(agent.got.take(), ["-"], "{typed}");
        assert_eq!(host.reasons(), ["not_a_code"], "{typed}");
        assert_eq!(tries(&host, ""), 0);
        assert!(module.said.borrow().len() == 1, "no text before a first factor");
    }
    let (module, host) = (module(Field::Missing), World::new());
    assert_eq!(log_in(&module, Claim::Follows, &Agent::new(&host), "123456"), Verdict::Denied);
    assert_eq!(module.reasons(), ["no_first_pass"]);
}

#[test]
fn text_of_the_agent_is_shown_after_a_first_factor_only() {
    for (claim, shown) in [(Claim::Follows, false), (Claim::Stack, true)] {
        let (module, host) = (module(Field::Code), World::new());
        let wrong = host.wrong_code();
        assert_eq!(log_in(&module, claim, &Agent::new(&host), &wrong), Verdict::Denied);
        let said = module.said.borrow().join("\n");
        assert_eq!(said.contains("no"), shown, "{said}");
    }
}

#[test]
fn only_the_own_account_reaches_the_agent() {
    struct Nobody;
    impl CodeAgent for Nobody {
        fn begin(&self, _: &str, _: Field) -> Result<AgentReply, AgentError> {
            panic!("the agent is asked")
        }
        fn answer(&self, _: &str) -> Result<AgentReply, AgentError> {
            panic!("the agent is asked")
        }
    }
    for (effective, real) in [(1001, 1001), (1000, 1001), (1001, 1000), (1000, 0), (0, 1000)] {
        let module = module(Field::Code);
        module.caller.set(effective);
        module.lines.replace([Line::Type(module.code(0))].into());
        let request = Request { source: Source::Uid(real), ..ada(Claim::Stack) };
        let verdict = login_by_agent(&request, &module.policy, module.ports(), &Nobody);
        assert_ne!(verdict, Verdict::Granted, "{effective} {real}");
        assert_eq!(module.reasons(), ["caller_not_root"], "{effective} {real}");
    }
    // Without an agent, the module itself refuses a failed first factor and exempts the service that a rule exempts.
    let mut module = module(Field::Code);
    assert_eq!(log_in(&module, Claim::Failed, &Nobody, &module.code(0)), Verdict::Denied);
    let service = Some("i3lock".into());
    let action = Action::Exempt;
    module.policy.rules =
        vec![Rule { user: None, group: None, service, network: None, action, until: None }];
    assert_eq!(log_in(&module, Claim::Stack, &Nobody, ""), Verdict::Exempt);
}

#[test]
fn agent_without_a_verdict_lets_nobody_in() {
    struct Reply(Result<AgentReply, AgentError>, Result<AgentReply, AgentError>);
    impl CodeAgent for Reply {
        fn begin(&self, _: &str, _: Field) -> Result<AgentReply, AgentError> {
            self.0.clone()
        }
        fn answer(&self, _: &str) -> Result<AgentReply, AgentError> {
            self.1.clone()
        }
    }
    let ended = |status, text: &str| Ok(AgentReply::Ended { status, text: text.into() });
    let asks = || Ok(AgentReply::Asks);
    for (reply, reason) in [
        (Reply(Err(AgentError::Unreachable), asks()), "agent_unreachable"),
        (Reply(Err(AgentError::Untrusted), asks()), "agent_untrusted"),
        (Reply(ended(5, ""), asks()), "agent_busy"),
        (Reply(ended(4, ""), asks()), "agent_refused"),
        (Reply(asks(), Err(AgentError::Late)), "agent_late"),
        (Reply(asks(), asks()), "agent_broken"),
        (Reply(asks(), ended(0, "")), "agent_broken"),
        (Reply(asks(), ended(0, "5")), "agent_broken"),
        (Reply(asks(), ended(0, "9")), "agent_broken"),
        (Reply(asks(), ended(0, "7")), "agent_broken"),
        (Reply(asks(), ended(0, "-6")), "agent_broken"),
    ] {
        for claim in [Claim::Follows, Claim::Stack] {
            let module = module(Field::Code);
            let verdict = log_in(&module, claim, &reply, "123456");
            assert!(matches!(verdict, Verdict::Denied | Verdict::Unavailable), "{reason}");
            assert_eq!(module.reasons(), [reason], "{claim:?}");
            assert_eq!(module.handed_on.take(), [], "{reason}");
        }
    }
}

#[test]
fn user_without_a_record_is_treated_by_the_settings() {
    for (not_enrolled, verdict) in
        [(NotEnrolled::Deny, Verdict::Denied), (NotEnrolled::Allow, Verdict::Exempt)]
    {
        let (module, mut host) = (module(Field::PasswordAndCode), World::new());
        host.policy.not_enrolled = not_enrolled;
        let removed = twinlock_core::record::text::write(&host.record("ada", 1000, State::Removed));
        host.records.borrow_mut().insert("ada".into(), (2, removed.to_string()));
        let agent = Agent::new(&host);
        assert_eq!(log_in(&module, Claim::Follows, &agent, "correct horse"), verdict);
        let end = unlock(&host, Field::Code, "");
        match not_enrolled {
            NotEnrolled::Allow => assert_eq!(end, LockerEnd::NotNeeded),
            NotEnrolled::Deny | NotEnrolled::Enroll | NotEnrolled::Remind => {
                assert_eq!(end, LockerEnd::Unusable(Reason::NotEnrolled));
            }
        }
        assert_eq!(host.reasons(), ["not_enrolled"]);
    }
}

#[test]
fn locker_and_logins_do_not_delay_each_other() {
    let host = World::new();
    let wrong = host.wrong_code();
    for _ in 0..20 {
        unlock(&host, Field::Code, &wrong);
    }
    assert_eq!([tries(&host, "locker"), tries(&host, "proven")], [5, 0]);
    assert_eq!((host.failures.get(), host.known.borrow().len()), (0, 0));
    assert!(host.letters.borrow().is_empty());
    // Wrong codes at the locker do not delay a login, and the success of the login does not end the delay of the
    // locker.
    assert_eq!(host.login(&request("ada", Claim::Stack), &[&host.code(-1)]), Verdict::Granted);
    assert_eq!(tries(&host, "locker"), 5);
    assert!(matches!(
        unlock(&host, Field::Code, &host.code(0)),
        LockerEnd::Refused(Message::Throttled { .. })
    ));
    // Wrong codes at a login do not delay the locker, and the success of the locker does not clear them.
    host.pass(31);
    host.refuse(&request("ada", Claim::Stack), &[wrong.as_str(); 3]);
    let failures = host.failures.get();
    assert_eq!(unlock(&host, Field::Code, &host.code(0)), LockerEnd::Accepted { digits: 6 });
    assert_eq!([tries(&host, "locker"), tries(&host, "proven")], [0, 3]);
    assert_eq!(host.failures.get(), failures);
}

#[test]
fn guesses_at_a_locker_are_bounded_by_the_day() {
    let host = World::new();
    let wrong = host.wrong_code();
    let mut compared = 0;
    for _ in 0..DAY / 60 {
        compared += usize::from(
            unlock(&host, Field::Code, &wrong) == LockerEnd::Refused(Message::Wrong { left: 0 }),
        );
        host.pass(60);
    }
    assert!((40..=60).contains(&compared), "{compared}");
    assert_eq!(host.failures.get(), 0);
}

#[test]
fn two_codes_in_a_row_teach_a_locker_nothing() {
    let host = World::new();
    for offset in [4, 5] {
        let end = unlock(&host, Field::Code, &host.code(offset));
        assert_eq!(end, LockerEnd::Refused(Message::Wrong { left: 0 }));
    }
}

#[test]
fn no_fault_of_the_host_unlocks() {
    for call in 0..60 {
        let host = World::new();
        let wrong = host.wrong_code();
        let faults = || (0..60).map(|number| number == call).collect();
        host.faults.replace(faults());
        let end = unlock(&host, Field::Code, &wrong);
        assert!(!matches!(end, LockerEnd::Accepted { .. } | LockerEnd::NotNeeded), "{call}");
        host.faults.replace(faults());
        if matches!(unlock(&host, Field::Code, &host.code(0)), LockerEnd::Accepted { .. }) {
            host.faults.borrow_mut().clear();
            let again = unlock(&host, Field::Code, &host.code(0));
            assert!(!matches!(again, LockerEnd::Accepted { .. }), "{call}: a code works once");
        }
    }
}
