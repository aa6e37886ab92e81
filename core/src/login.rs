//! A login, from the request to the verdict.

mod asked;
mod beyond;
mod code_only;
mod remembered;
mod told;

use crate::{
    account::Account,
    admission::{AccountState, Admission, Known, admit},
    dialogue::{asking::End, parting::Parting},
    event::{Kind, Reason},
    fault::LookupFault,
    policy::{Action, Field, Policy, Questions},
    ports::{Part, Ports, Snapshot},
    record::State,
    request::{Claim, Request, SourceLabel, Standing},
    rules::{self, Decided, Subject},
    throttle::Familiarity,
    time::UnixTime,
    verdict::Verdict,
};

/// Decides one login. Denies everything that is not proven, and logs the reason.
pub fn login(request: &Request, policy: &Policy, ports: Ports<'_>) -> Verdict {
    let visit = Visit {
        request,
        policy,
        ports,
        standing: request.standing(),
        source: request.source.label(),
        parting: Parting::default(),
    };
    let account = visit.look_up();
    match visit.standing {
        Standing::Decoy => visit.decoy(&account),
        Standing::Ahead | Standing::Proven => visit.admit(&account),
    }
}

/// One login in progress.
struct Visit<'a> {
    request: &'a Request,
    policy: &'a Policy,
    ports: Ports<'a>,
    standing: Standing,
    source: SourceLabel,
    parting: Parting,
}

/// Record to verify against; a dummy makes unknown users cost the same time.
struct Held {
    record: Option<Snapshot>,
    stand_in: Option<Snapshot>,
    /// What to log for each code, if not its own result.
    noted_as: Option<(Kind, Reason)>,
}

impl Held {
    /// Returns the same candidate with every code refused, at the same cost.
    fn in_vain(self, noted_as: (Kind, Reason)) -> Self {
        let stand_in = self.stand_in.or(self.record);
        Self { stand_in, record: None, noted_as: Some(noted_as) }
    }
}

type LookedUp = Result<Option<Account>, LookupFault>;

impl Visit<'_> {
    fn look_up(&self) -> LookedUp {
        match &self.request.typed_user {
            Some(name) => self.ports.accounts.by_name(name),
            None => Ok(None),
        }
    }

    /// Applies the rules, then the records, and continues accordingly.
    fn admit(&self, looked_up: &LookedUp) -> Verdict {
        let account = looked_up.as_ref().ok().and_then(Option::as_ref);
        let Ok(now) = self.ports.clock.now() else {
            return self.refuse(account, Reason::Clock);
        };
        let decided = account.map_or(Err(LookupFault), |account| self.decide(account, now.unix));
        let exempt = matches!(decided, Ok(Decided { action: Action::Exempt, .. }));
        let (snapshot, stand_in) = match (self.standing, account) {
            // Before a first factor, the same files are read for every user name.
            (Standing::Ahead | Standing::Decoy, account) => {
                self.ports.records.newest_alike(account)
            }
            (Standing::Proven, Some(account)) if !exempt => {
                (self.ports.records.newest(account), None)
            }
            (Standing::Proven, _) => (Ok(None), None),
        };
        let known = Known {
            account: state_of(looked_up),
            decided,
            record: snapshot
                .as_ref()
                .map(|found| found.as_ref().map(|found| &found.record))
                .map_err(|fault| *fault),
            policy: self.policy,
            public_key: self.request.public_key,
            now,
        };
        let admission = match admit(&known) {
            Admission::Refuse(reason) => Admission::Refuse(self.blamed(reason)),
            admission @ (Admission::Exempt(_) | Admission::Ask | Admission::SetUp(_)) => admission,
        };
        let held = Held { record: snapshot.ok().flatten(), stand_in, noted_as: None };
        match admission {
            admission if self.can_talk() => self.follow(admission, account, held),
            admission if self.asks_code_only() => {
                self.follow(admission.with_code_only(), account, held)
            }
            admission => self.follow(admission.without_set_up(), account, held),
        }
    }

    fn decide(&self, account: &Account, now: UnixTime) -> Result<Decided, LookupFault> {
        let subject = Subject {
            account,
            service: &self.request.service,
            address: self.request.source.ip(),
            now,
        };
        let mut membership =
            |account: &Account, group: &str| self.ports.accounts.membership(account, group);
        rules::decide(&self.policy.rules, &subject, &mut membership)
    }

    /// Returns whether a dialogue is possible: at a prompt, behind a proven first factor.
    fn can_talk(&self) -> bool {
        self.standing == Standing::Proven && self.policy.questions() == Questions::All
    }

    /// Returns whether only a code is asked for, behind a proven first factor.
    fn asks_code_only(&self) -> bool {
        self.standing == Standing::Proven && self.policy.field == Field::Code && !self.can_talk()
    }

    fn follow(&self, admission: Admission, account: Option<&Account>, held: Held) -> Verdict {
        match (admission, self.standing) {
            (Admission::Exempt(reason), Standing::Proven) => {
                self.note(account, Kind::Exempt, reason);
                Verdict::Exempt
            }
            (Admission::Refuse(Reason::NotSetUp), Standing::Proven) => {
                self.leave_for_another_login();
                self.conclude(account, End::Denied(Reason::NotSetUp))
            }
            (Admission::Refuse(reason), Standing::Proven) => self.refuse(account, reason),
            (Admission::SetUp(offer), _) => self.set_up(account, held, offer),
            (Admission::Exempt(reason), _) => {
                // Before the first factor, exempt users see the same questions as all others.
                let end = self.ask_and_judge(account, self.of_exempt(held, reason));
                self.ports.conversation.hand_on(match &end {
                    End::Granted(accepted) => Part::AllBut(accepted.length()),
                    End::LastCode(_)
                    | End::Ticket(_)
                    | End::Denied(_)
                    | End::Stopped
                    | End::CutOff
                    | End::Broken(_) => Part::Whole,
                });
                if !matches!(end, End::Denied(last) if last.is_told_at_once()) {
                    self.note(account, Kind::Exempt, reason);
                }
                self.say_last();
                Verdict::Exempt
            }
            (Admission::Refuse(reason), _) => {
                let end = self.ask_and_judge(account, held.in_vain((Kind::Refused, reason)));
                self.conclude(account, told::with_reason(end, reason))
            }
            (Admission::Ask, _) => self.ask(account, held),
        }
    }

    /// Handles an enrolled user: accepts a remembered device or asks for a code.
    fn ask(&self, account: Option<&Account>, held: Held) -> Verdict {
        let familiarity = Familiarity::of(held.record.as_ref(), &self.source);
        let end = match self.of_remembered_device(account, &held) {
            Some(accepted) => End::Granted(accepted),
            None => self.ask_and_judge(account, held),
        };
        if let End::Granted(accepted) = &end {
            self.afterwards(account, familiarity);
            self.ports.conversation.hand_on(Part::AllBut(accepted.length()));
        }
        self.conclude(account, end)
    }

    /// Prepares for a code that an exempt user may type after the password, so that the code is not taken as part of
    /// the password.
    fn of_exempt(&self, held: Held, reason: Reason) -> Held {
        let noted_as = (Kind::Exempt, reason);
        match &held.record {
            Some(found)
                if self.policy.field != Field::Code && found.record.state == State::Active =>
            {
                Held { noted_as: Some(noted_as), ..held }
            }
            Some(_) | None => held.in_vain(noted_as),
        }
    }

    /// Returns the reason to report for a fault: a file that only root can read is not broken if the caller is not
    /// root.
    fn blamed(&self, reason: Reason) -> Reason {
        let unreadable = matches!(reason, Reason::Store(_) | Reason::Ledger(_));
        let caller = if unreadable { self.ports.accounts.caller() } else { 0 };
        if caller == 0 { reason } else { Reason::CallerNotRoot { uid: caller } }
    }

    fn decoy(&self, looked_up: &LookedUp) -> Verdict {
        let account = looked_up.as_ref().ok().and_then(Option::as_ref);
        let reason = match self.request.claim {
            Claim::Publickey => Reason::NoPublicKey,
            Claim::Stack | Claim::Follows | Claim::Failed => Reason::FirstFactorFailed,
        };
        let end = self.asking(account).ask(&mut |_| None);
        self.log(account, Kind::Refused, (Some(reason), None));
        self.say_last();
        told::verdict_of(&end)
    }

    /// Refuses a login that no code can help. Behind a proven first factor the user is told why; other users are
    /// asked for a code as usual.
    fn refuse(&self, account: Option<&Account>, reason: Reason) -> Verdict {
        let reason = self.blamed(reason);
        let end = match self.standing {
            Standing::Proven => End::Broken(reason),
            Standing::Ahead | Standing::Decoy => {
                told::unjudged(self.asking(account).ask(&mut |_| None), reason)
            }
        };
        self.conclude(account, end)
    }
}

fn state_of(looked_up: &LookedUp) -> AccountState {
    match looked_up {
        Ok(Some(account)) => AccountState::Exists { uid: account.uid },
        Ok(None) => AccountState::Unknown,
        Err(LookupFault) => AccountState::Failed,
    }
}
