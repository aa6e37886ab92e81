//! Unlocks a screen: verifies one code of an app for a program that does not run as root, such as a screen locker. The
//! agent runs this code for the user who asks. The PAM module is the client of the agent (`login/by_agent.rs`).

use crate::{
    answer::{self, Answer},
    base::{
        account::Account,
        request::{Claim, PublicKey, Request, Source, SourceLabel},
        time::{HOUR, Now},
    },
    event::{Accepted, Event, Kind, Reason},
    ledger::Budget,
    message::{Message, own_account::OwnAccount},
    policy::{
        Echo, Field, Policy, Resync,
        admission::{AccountState, Admission, AdmissionInput, admit},
        rules::{self, Subject},
    },
    ports::{LedgerKey, Ports, Snapshot, UserLedger},
    record::code_set::Shape,
    text,
    verify::{
        allowance::{Allowance, Taken},
        attempt::{Attempt, Outcome},
        refusal_log,
        resync::Memory,
    },
};

/// Limit of the log lines per hour about requests in which no code was compared. The user can send any number of
/// requests, and a flood of log lines could push lines about other users out of the log.
const LOGGED: Allowance = Allowance { word: "locker-log", most: 30, seconds: HOUR };

/// One request to unlock a screen.
pub struct Locker<'a> {
    /// The settings of the host.
    pub policy: &'a Policy,
    /// The ports of the host. The conversation is that with the program of the user.
    pub ports: Ports<'a>,
    /// The user who asks.
    pub account: &'a Account,
    /// The user's entries in the ledger.
    pub user_ledger: &'a dyn UserLedger,
    /// The PAM service, as the program names it.
    pub service: &'a str,
    /// What the answer contains: a code only, or a password and a code.
    pub field: Field,
}

/// How a request to unlock a screen ended. The end is already logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LockerEnd {
    /// The code was correct, and no other login can use it.
    Accepted {
        /// Number of digits of the code, at the end of the answer.
        digits: usize,
    },
    /// No code is needed, and none was asked for.
    NotNeeded,
    /// The answer was refused. Holds the message, which the user may see only if the first factor is proven.
    Refused(Message),
    /// The request ended without a verdict about a code. Holds the reason.
    Unusable(Reason),
}

impl Locker<'_> {
    /// Asks for one answer and verifies the code in it.
    pub fn unlock(&self) -> LockerEnd {
        let Ok(now) = self.ports.clock.now() else { return self.unusable(Reason::Clock) };
        let found = self.ports.records.newest(self.account);
        let admission = self.admission(found.as_ref().map(Option::as_ref).map_err(|it| *it), now);
        match (admission, found.ok().flatten()) {
            (Admission::Ask, Some(found)) => self.ask(found),
            (Admission::Exempt(reason), _) => {
                if self.may_log() {
                    self.log(Kind::Exempt, Some(reason), None);
                }
                LockerEnd::NotNeeded
            }
            (Admission::Refuse(reason), _) => self.unusable(reason),
            (Admission::Ask | Admission::SetUp(_), _) => self.unusable(Reason::NotEnrolled),
        }
    }

    /// Decides whether a code is asked for. The decision is that of a login at which no dialogue is possible.
    fn admission(
        &self,
        found: Result<Option<&Snapshot>, crate::base::error::StoreError>,
        now: Now,
    ) -> Admission {
        let subject =
            Subject { account: self.account, service: self.service, address: None, now: now.unix };
        let mut membership =
            |account: &Account, group: &str| self.ports.accounts.membership(account, group);
        let known = AdmissionInput {
            account: AccountState::Exists { uid: self.account.uid },
            decided: rules::decide(&self.policy.rules, &subject, &mut membership),
            record: found.map(|found| found.map(|found| &found.record)),
            policy: self.policy,
            public_key: PublicKey::Absent,
            now,
        };
        admit(&known).without_set_up()
    }

    fn ask(&self, found: Snapshot) -> LockerEnd {
        let prompt = text::own_account(self.policy.language, &OwnAccount::AskCode);
        let Ok(typed) = self.ports.conversation.ask(&prompt, Echo::Hidden) else {
            return self.unusable(Reason::Conversation);
        };
        let code = match answer::read_field(self.field, &typed) {
            Answer::Code(code)
                if !code.is_voucher() && code.of_shape(Shape::Letters20).is_empty() =>
            {
                code
            }
            Answer::Stop => return self.refused(Reason::Stopped, Message::NotACode),
            Answer::Code(_) | Answer::Help | Answer::Other => {
                return self.refused(Reason::NotACode, Message::NotACode);
            }
        };
        let source = self.source();
        let mut attempt = Attempt {
            policy: self.policy,
            ports: self.ports,
            user_ledger: self.user_ledger,
            person: Some((self.account, found)),
            stand_in: None,
            broken: None,
            source: &source,
            budget: Budget::Locker,
            // There is one code, and two are needed to learn how far off a clock is.
            memory: Memory::new(Resync::Off),
        };
        self.end(attempt.verify(&code))
    }

    fn end(&self, outcome: Outcome) -> LockerEnd {
        let reason = outcome.rejection();
        let message = match outcome {
            Outcome::Granted(accepted @ Accepted::App { .. }) => return self.accept(accepted),
            Outcome::Faulty(reason) => return self.unusable(reason),
            Outcome::HalfJudged(fault) => return self.unusable(Reason::Codes(fault)),
            Outcome::Throttled { until, wait } => Message::Throttled { until, wait },
            Outcome::Replayed { wait } | Outcome::Repeated { wait } => Message::Replayed { wait },
            Outcome::BeforeEpoch { wait, ahead } => Message::BeforeEpoch { wait, ahead },
            Outcome::Wrong | Outcome::ClockOff { .. } => Message::Wrong { left: 0 },
            // This budget knows neither a lock nor another code than that of an app.
            Outcome::Granted(_)
            | Outcome::LastCode(_)
            | Outcome::Ticket(_)
            | Outcome::NoBypass
            | Outcome::NoTicket
            | Outcome::Spent
            | Outcome::Locked => Message::NotACode,
        };
        self.refused(reason.unwrap_or(Reason::NotACode), message)
    }

    /// Replaces a key that a user other than its owner has seen. The owner is told who has seen the key, and may
    /// postpone the replacement a few times.
    fn accept(&self, accepted: Accepted) -> LockerEnd {
        if let Ok(now) = self.ports.clock.now() {
            self.ports.records.mark_clock(now);
        }
        let digits = accepted.length();
        self.log(Kind::Accepted, None, Some(accepted));
        LockerEnd::Accepted { digits }
    }

    fn refused(&self, reason: Reason, message: Message) -> LockerEnd {
        self.note(reason);
        LockerEnd::Refused(message)
    }

    fn unusable(&self, reason: Reason) -> LockerEnd {
        self.note(reason);
        LockerEnd::Unusable(reason)
    }

    /// Logs a refusal, and stores it for `twinlock why`.
    fn note(&self, reason: Reason) {
        // A wrong code has cost a try, and the tries are limited. It is logged in any case, so that nobody hides
        // guesses behind answers that cost none.
        if matches!(reason, Reason::WrongCode) || self.may_log() {
            self.log(Kind::Refused, Some(reason), None);
        }
        let ledger_key = LedgerKey::of(Some(self.account), &self.account.name);
        // As after a proven first factor: of many refusals of one kind the last is kept, so that guesses at a locker do
        // not displace what refused a login.
        let request = Request {
            service: self.service.into(),
            typed_user: Some(self.account.name.clone()),
            source: Source::Agent(self.account.uid),
            claim: Claim::Stack,
            public_key: PublicKey::Absent,
            keys: None,
        };
        refusal_log::keep(&self.ports, &ledger_key, &request, reason);
    }

    fn may_log(&self) -> bool {
        let now = self.ports.clock.now().ok();
        let taken = now.map(|now| LOGGED.take(self.user_ledger, now.boot));
        !matches!(taken, Some(Ok(Taken::No { .. })))
    }

    fn log(&self, kind: Kind, reason: Option<Reason>, accepted: Option<Accepted>) {
        self.ports.journal.note(&Event {
            kind,
            user: Some(self.account.name.clone()),
            service: self.service.into(),
            source: self.source(),
            // The agent knows of no first factor.
            first_factor: Claim::Follows.word(),
            accepted,
            reason,
        });
    }

    fn source(&self) -> SourceLabel {
        Source::Agent(self.account.uid).label()
    }
}
