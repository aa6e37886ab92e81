//! A login, from the request to the verdict.
//!
//! The steps in order, each with the file that does it (paths from `core/src`):
//!
//! 1. Look up the account of the typed name: this file, `look_up`.
//! 2. After a failed first factor, ask as usual and refuse: this file, `decoy`.
//! 3. Find the rule that applies: `policy/rules.rs`.
//! 4. Read the newest record; if the first factor is not proven, with the same reads for every name: this file,
//!    `admit`.
//! 5. Refuse, exempt, ask for a code or offer set-up, by rule and record: `policy/admission.rs`.
//! 6. Offer set-up to a user who is not enrolled: `login/after_code.rs`, `dialogue/set_up.rs`.
//! 7. Accept a remembered device in place of a code: `login/remembered.rs`.
//! 8. Open the user's ledger and ask for a code: `login/challenge.rs`, `dialogue/asking.rs`. Distinguish codes of an
//!    app from backup codes, tickets and bypass codes: `answer.rs`.
//! 9. Charge the attempt before the code is compared: `verify/charge.rs`, by the limits of `ledger/throttle.rs`.
//! 10. Compare the code, with a dummy record if there is none: `verify/judge.rs` for apps, `verify/code_set_verify.rs`
//!     for backup codes, `verify/voucher_verify.rs` for tickets and bypass codes.
//! 11. Refuse a code that was used or is older than the epoch: `verify/replay.rs`. Claim every other code:
//!     `verify/claimant.rs`.
//! 12. Read the record again, and commit a moved counter or a learned drift: `verify/commit_match.rs`.
//! 13. Refund the charge unless the code was wrong: `verify/attempt.rs`, which runs steps 9 to 13 in this order.
//! 14. Log a refused code at once: `login/challenge.rs`. If the user enters another code, go back to step 9.
//! 15. After a correct code, replace a key that others have seen, show backup codes that are due and make the changes
//!     that the user asks for: `login/after_code.rs`. If the login may ask only for a code, postpone all of these:
//!     `login/code_only.rs`.
//! 16. Offer to remember the device: `login/remembered.rs`.
//! 17. Log the end, write the mail, tell the user and return the verdict: `login/outcome.rs`.
//!
//! For a program that is not root, the agent does steps 4 and 9 to 13: `login/by_agent.rs`.
//!
//! `LoginFlow` has an `impl` block in this file and in each file of `login/`.
//!
//! May use every folder but `authorization`, `format` and `otp`.

mod after_code;
mod by_agent;
mod challenge;
mod code_only;
mod outcome;
mod remembered;

pub use by_agent::login_by_agent;

use crate::{
    base::{
        account::Account,
        error::LookupError,
        request::{Claim, FirstFactor, Request, SourceLabel},
        time::UnixTime,
    },
    dialogue::{asking::AskingEnd, final_message::FinalMessage},
    event::{Kind, Reason, verdict::Verdict},
    ledger::throttle::Familiarity,
    policy::{
        Action, Field, Policy, Questions,
        admission::{AccountState, Admission, AdmissionInput, admit},
        rules::{self, Decided, Subject},
    },
    ports::{Part, Ports, Snapshot},
    record::State,
};

/// Decides one login and logs the reason. Denies access unless a code is correct or an exemption is proven.
pub fn login(request: &Request, policy: &Policy, ports: Ports<'_>) -> Verdict {
    let flow = LoginFlow {
        request,
        policy,
        ports,
        first_factor: request.first_factor(),
        source: request.source.label(),
        final_message: FinalMessage::default(),
    };
    let account = flow.look_up();
    match flow.first_factor {
        FirstFactor::Decoy => flow.decoy(&account),
        FirstFactor::Ahead | FirstFactor::Proven => flow.admit(&account),
    }
}

/// One login in progress.
struct LoginFlow<'a> {
    request: &'a Request,
    policy: &'a Policy,
    ports: Ports<'a>,
    first_factor: FirstFactor,
    source: SourceLabel,
    final_message: FinalMessage,
}

/// The records with which the codes of a login are compared. `record` is that of an enrolled user. For other users,
/// `stand_in` is a dummy record, with which a comparison takes the same time.
struct LoginCandidate {
    record: Option<Snapshot>,
    stand_in: Option<Snapshot>,
    /// The kind and reason to log for each code, whatever the comparison gives; `None` to log the result of the
    /// comparison.
    noted_as: Option<(Kind, Reason)>,
}

impl LoginCandidate {
    /// Returns records with which every code is refused, at the same cost as with `self`. `kind` and `reason` are
    /// logged for each code.
    fn verify_dummy(self, kind: Kind, reason: Reason) -> Self {
        let stand_in = self.stand_in.or(self.record);
        Self { stand_in, record: None, noted_as: Some((kind, reason)) }
    }
}

type LookedUp = Result<Option<Account>, LookupError>;

impl LoginFlow<'_> {
    fn look_up(&self) -> LookedUp {
        match &self.request.typed_user {
            Some(name) => self.ports.accounts.by_name(name),
            None => Ok(None),
        }
    }

    /// Reads the rules and the newest record, and continues as [`admission`](crate::policy::admission) decides.
    fn admit(&self, looked_up: &LookedUp) -> Verdict {
        let account = looked_up.as_ref().ok().and_then(Option::as_ref);
        let Ok(now) = self.ports.clock.now() else {
            return self.refuse(account, Reason::Clock);
        };
        let decided = account.map_or(Err(LookupError), |account| self.decide(account, now.unix));
        let exempt = matches!(decided, Ok(Decided { action: Action::Exempt, .. }));
        let (snapshot, stand_in) = match (self.first_factor, account) {
            // If the first factor is not proven, the same files are read for every user name.
            (FirstFactor::Ahead | FirstFactor::Decoy, account) => {
                self.ports.records.newest_uniform(account)
            }
            (FirstFactor::Proven, Some(account)) if !exempt => {
                (self.ports.records.newest(account), None)
            }
            (FirstFactor::Proven, _) => (Ok(None), None),
        };
        let known = AdmissionInput {
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
        let held = LoginCandidate { record: snapshot.ok().flatten(), stand_in, noted_as: None };
        match admission {
            admission if self.can_talk() => self.follow(admission, account, held),
            admission if self.asks_code_only() => {
                self.follow(admission.with_code_only(), account, held)
            }
            admission => self.follow(admission.without_set_up(), account, held),
        }
    }

    fn decide(&self, account: &Account, now: UnixTime) -> Result<Decided, LookupError> {
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

    /// Returns whether a dialogue is possible: the first factor is proven, and questions besides the code may be asked.
    fn can_talk(&self) -> bool {
        self.first_factor == FirstFactor::Proven && self.policy.questions() == Questions::All
    }

    /// Returns whether the first factor is proven and the login may ask only for a code.
    fn asks_code_only(&self) -> bool {
        self.first_factor == FirstFactor::Proven
            && self.policy.field == Field::Code
            && !self.can_talk()
    }

    fn follow(
        &self,
        admission: Admission,
        account: Option<&Account>,
        held: LoginCandidate,
    ) -> Verdict {
        match (admission, self.first_factor) {
            (Admission::Exempt(reason), FirstFactor::Proven) => {
                self.note(account, Kind::Exempt, reason);
                Verdict::Exempt
            }
            (Admission::Refuse(Reason::NotSetUp), FirstFactor::Proven) => {
                self.leave_for_another_login();
                self.conclude(account, AskingEnd::Denied(Reason::NotSetUp))
            }
            (Admission::Refuse(reason), FirstFactor::Proven) => self.refuse(account, reason),
            (Admission::SetUp(offer), _) => self.set_up(account, held, offer),
            (Admission::Exempt(reason), _) => {
                // If the first factor is not proven, exempt users see the same questions as all others.
                let end = self.ask_and_judge(account, self.of_exempt(held, reason));
                self.ports.conversation.hand_on(match &end {
                    AskingEnd::Granted(accepted) => Part::AllBut(accepted.length()),
                    AskingEnd::LastCode(_)
                    | AskingEnd::Ticket(_)
                    | AskingEnd::Denied(_)
                    | AskingEnd::Stopped
                    | AskingEnd::CutOff
                    | AskingEnd::Broken(_) => Part::Whole,
                });
                if !matches!(end, AskingEnd::Denied(last) if last.is_told_at_once()) {
                    self.note(account, Kind::Exempt, reason);
                }
                self.say_last();
                Verdict::Exempt
            }
            (Admission::Refuse(reason), _) => {
                let end = self.ask_and_judge(account, held.verify_dummy(Kind::Refused, reason));
                self.conclude(account, outcome::with_reason(end, reason))
            }
            (Admission::Ask, _) => self.ask(account, held),
        }
    }

    /// Handles an enrolled user: accepts a remembered device, or asks for a code.
    fn ask(&self, account: Option<&Account>, held: LoginCandidate) -> Verdict {
        let familiarity = Familiarity::of(held.record.as_ref(), &self.source);
        let end = match self.of_remembered_device(account, &held) {
            Some(accepted) => AskingEnd::Granted(accepted),
            None => self.ask_and_judge(account, held),
        };
        if let AskingEnd::Granted(accepted) = &end {
            self.afterwards(account, familiarity);
            self.ports.conversation.hand_on(Part::AllBut(accepted.length()));
        }
        self.conclude(account, end)
    }

    /// Returns the records to compare with at a login of an exempt user. If one answer contains the password and a
    /// code, the code is compared although none is needed: a correct code is cut off, and only the password is passed
    /// on.
    fn of_exempt(&self, held: LoginCandidate, reason: Reason) -> LoginCandidate {
        let noted_as = (Kind::Exempt, reason);
        match &held.record {
            Some(found)
                if self.policy.field != Field::Code && found.record.state == State::Active =>
            {
                LoginCandidate { noted_as: Some(noted_as), ..held }
            }
            Some(_) | None => held.verify_dummy(noted_as.0, noted_as.1),
        }
    }

    /// Returns [`Reason::CallerNotRoot`] if the calling program is not root, and `reason` says that a file cannot be
    /// read; otherwise `reason`.
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
        self.log(account, Kind::Refused, Some(reason), None);
        self.say_last();
        outcome::verdict_of(&end)
    }

    /// Refuses a login for which no code would be accepted. If the first factor is proven, the user is told why. Other
    /// users are asked for a code as usual. `account` is `None` for a name that NSS does not know.
    fn refuse(&self, account: Option<&Account>, reason: Reason) -> Verdict {
        let reason = self.blamed(reason);
        let end = match self.first_factor {
            FirstFactor::Proven => AskingEnd::Broken(reason),
            FirstFactor::Ahead | FirstFactor::Decoy => {
                outcome::unjudged(self.asking(account).ask(&mut |_| None), reason)
            }
        };
        self.conclude(account, end)
    }
}

fn state_of(looked_up: &LookedUp) -> AccountState {
    match looked_up {
        Ok(Some(account)) => AccountState::Exists { uid: account.uid },
        Ok(None) => AccountState::Unknown,
        Err(LookupError) => AccountState::Failed,
    }
}
