//! A login, from the request to the verdict: the whole story on a page.

use alloc::string::String;

use crate::{
    account::{Account, Folder},
    admission::{AccountState, Admission, Known, admit},
    answer::{self, Answer},
    attempt::{Outcome, Trial},
    dialogue::other_ways::{self, Chosen},
    event::{Accepted, Event, Kind, Reason},
    fault::{LookupFault, StoreFault},
    ledger::Budget,
    message::Message,
    policy::{Action, Policy},
    ports::{Ports, Seat, Snapshot},
    refusals,
    request::{Claim, Request, Standing},
    rules::{self, Decided, Subject},
    text,
    time::UnixTime,
    verdict::Verdict,
};

/// How a dialogue ended.
enum End {
    Granted(Accepted),
    Denied(Reason),
    Stopped(Reason),
    CutOff,
    Broken(Reason),
}

/// Decides one login. Everything that is not proven refuses, and says why in the log.
pub fn login(request: &Request, policy: &Policy, ports: Ports<'_>) -> Verdict {
    let visit = Visit { request, policy, ports, standing: request.standing() };
    let account = visit.look_up();
    match visit.standing {
        Standing::Decoy => visit.decoy(&account),
        Standing::Ahead | Standing::Proven => visit.admit(&account),
    }
}

/// One login under way.
struct Visit<'a> {
    request: &'a Request,
    policy: &'a Policy,
    ports: Ports<'a>,
    standing: Standing,
}

type LookedUp = Result<Option<Account>, LookupFault>;

impl Visit<'_> {
    fn look_up(&self) -> LookedUp {
        match &self.request.typed_user {
            Some(name) => self.ports.accounts.by_name(name),
            None => Ok(None),
        }
    }

    /// Asks the rules, then the records, and goes where that leads.
    fn admit(&self, looked_up: &LookedUp) -> Verdict {
        let account = looked_up.as_ref().ok().and_then(Option::as_ref);
        let Ok(now) = self.ports.clock.now() else {
            return self.refuse(account, Reason::Clock);
        };
        let decided = account.map_or(Err(LookupFault), |account| self.decide(account, now.unix));
        let exempt = matches!(decided, Ok(Decided { action: Action::Exempt, .. }));
        let snapshot = match account {
            Some(account) if !exempt => self.ports.records.newest(account),
            _ => Ok(None),
        };
        let known = Known {
            account: state_of(looked_up),
            decided,
            record: snapshot
                .as_ref()
                .map(|found| found.as_ref().map(|found| &found.record))
                .map_err(|fault| *fault),
            not_enrolled: self.policy.not_enrolled,
        };
        let admission = admit(&known);
        self.follow(admission, account, snapshot.ok().flatten())
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

    fn follow(
        &self,
        admission: Admission,
        account: Option<&Account>,
        snapshot: Option<Snapshot>,
    ) -> Verdict {
        match (admission, self.standing) {
            (Admission::Exempt(reason), Standing::Proven) => {
                self.note(account, Kind::Exempt, reason);
                Verdict::Exempt
            }
            (Admission::Refuse(reason), Standing::Proven) => self.refuse(account, reason),
            (Admission::Exempt(reason), _) => {
                // Whoever asks before the first factor sees the same questions, exempt or not.
                let _ = self.ask_and_judge(account, None);
                self.note(account, Kind::Exempt, reason);
                Verdict::Exempt
            }
            (Admission::Refuse(reason), _) => {
                let end = self.ask_and_judge(account, None);
                self.conclude(account, with_reason(end, reason))
            }
            (Admission::Ask, _) => {
                let end = self.ask_and_judge(account, snapshot);
                if matches!(end, End::Granted(_)) {
                    self.afterwards(account);
                }
                self.conclude(account, end)
            }
        }
    }

    /// Asks for codes and has each judged.
    fn ask_and_judge(&self, account: Option<&Account>, snapshot: Option<Snapshot>) -> End {
        let shelf = match self.ports.ledger.open(&seat_of(self.request, account)) {
            Ok(shelf) => shelf,
            Err(fault) => return self.broken(account, Reason::Ledger(fault)),
        };
        let source = self.request.source.label();
        let mut trial = Trial {
            policy: self.policy,
            ports: self.ports,
            shelf: shelf.as_ref(),
            person: account.zip(snapshot),
            source: &source,
            budget: match self.standing {
                Standing::Proven => Budget::Proven,
                Standing::Ahead | Standing::Decoy => Budget::Unproven,
            },
        };
        self.ask(account, &mut |code| Some(trial.attempt(code)))
    }

    /// Asks up to `tries` times; without a judge every answer is wrong.
    fn ask(
        &self,
        account: Option<&Account>,
        judge: &mut dyn FnMut(&answer::Code) -> Option<Outcome>,
    ) -> End {
        let mut last: Option<(Message, Reason)> = None;
        for left in (0..self.policy.tries).rev() {
            let answer = match self.ask_once(last.as_ref().map(|(message, _)| message)) {
                Ok(answer) => answer,
                Err(end) => return end,
            };
            let (message, reason) = match answer {
                Answer::Code(code) => match self.weigh(judge(&code), account, left) {
                    Ok(said) => said,
                    Err(end) => return end,
                },
                Answer::Stop => return End::Stopped(Reason::Stopped),
                Answer::Help | Answer::Other => (Message::NotACode, Reason::NotACode),
            };
            last = Some((message, reason));
        }
        let reason = last.map_or(Reason::NotACode, |(message, reason)| {
            self.ports.conversation.tell(&self.words(&self.sayable(message)));
            reason
        });
        End::Denied(reason)
    }

    /// One prompt, and the menu of other ways as often as it is asked for within the same turn.
    fn ask_once(&self, before: Option<&Message>) -> Result<Answer, End> {
        let said = before.map(|message| self.words(&self.sayable(message.clone())));
        let prompt = self.prompt(said.as_deref());
        let typed =
            self.ports.conversation.ask(&prompt, self.policy.echo).map_err(|_| End::CutOff)?;
        let Answer::Help = answer::read(&typed) else {
            return Ok(answer::read(&typed));
        };
        match other_ways::choose(self.policy, self.ports.conversation, self.standing) {
            Ok(Chosen::App) => {
                let typed = self.ports.conversation.ask(&self.prompt(None), self.policy.echo);
                Ok(answer::read(&typed.map_err(|_| End::CutOff)?))
            }
            Ok(Chosen::Stop) => Ok(Answer::Stop),
            Ok(Chosen::Nothing) => Ok(Answer::Other),
            Err(_) => Err(End::CutOff),
        }
    }

    fn weigh(
        &self,
        outcome: Option<Outcome>,
        account: Option<&Account>,
        left: u8,
    ) -> Result<(Message, Reason), End> {
        match outcome {
            None => Ok((Message::NotAccepted, Reason::WrongCode)),
            Some(Outcome::Granted(accepted)) => Err(End::Granted(accepted)),
            Some(Outcome::Faulty(reason)) => Err(self.broken(account, reason)),
            Some(Outcome::Wrong) => Ok((Message::Wrong { left }, Reason::WrongCode)),
            Some(Outcome::Replayed { wait }) => Ok((Message::Replayed { wait }, Reason::Replayed)),
            Some(Outcome::BeforeEpoch { wait }) => {
                Ok((Message::BeforeEpoch { wait }, Reason::BeforeEpoch))
            }
            Some(Outcome::Throttled { until, wait }) => {
                Ok((Message::Throttled { until, wait }, Reason::Throttled))
            }
            Some(Outcome::Locked) => {
                Ok((Message::Locked { user: name_of(account) }, Reason::Locked))
            }
        }
    }

    /// What is broken is told behind a proven first factor; before one, the questions go on as for everybody.
    fn broken(&self, account: Option<&Account>, reason: Reason) -> End {
        if self.standing == Standing::Proven {
            return End::Broken(reason);
        }
        with_reason(self.ask(account, &mut |_| None), reason)
    }

    fn decoy(&self, looked_up: &LookedUp) -> Verdict {
        let account = looked_up.as_ref().ok().and_then(Option::as_ref);
        let reason = match self.request.claim {
            Claim::Publickey => Reason::NoPublicKey,
            Claim::Stack | Claim::Follows | Claim::Failed => Reason::FirstFactorFailed,
        };
        let end = self.ask(account, &mut |_| None);
        self.log(account, Kind::Refused, Some(reason), None);
        verdict_of(&end)
    }

    /// Tells somebody behind a proven first factor why no code would help.
    fn refuse(&self, account: Option<&Account>, reason: Reason) -> Verdict {
        if self.standing != Standing::Proven {
            let end = with_reason(self.ask(account, &mut |_| None), reason);
            return self.conclude(account, end);
        }
        self.conclude(account, End::Broken(reason))
    }

    /// Notes the end in the log and for `twinlock why`, and makes it a verdict.
    fn conclude(&self, account: Option<&Account>, end: End) -> Verdict {
        match &end {
            End::Granted(accepted) => {
                self.log(account, Kind::Accepted, None, Some(accepted.clone()))
            }
            End::Denied(reason) | End::Stopped(reason) => {
                self.note(account, Kind::Refused, *reason)
            }
            End::CutOff => self.note(account, Kind::Refused, Reason::Conversation),
            End::Broken(reason) => {
                self.note(account, Kind::Refused, *reason);
                let said = self.words(&fault_message(*reason, name_of(account)));
                // Only a prompt is sure to be seen; whatever is answered changes nothing.
                let _ = self.ports.conversation.ask(&said, self.policy.echo);
            }
        }
        verdict_of(&end)
    }

    fn afterwards(&self, account: Option<&Account>) {
        let Ok(now) = self.ports.clock.now() else {
            return;
        };
        self.ports.records.mark_clock(now.unix);
        if let Some(folder) = account.and_then(|account| Folder::of(&account.name).ok()) {
            self.ports.records.remember_source(&folder, &self.request.source.label(), now.unix);
        }
    }

    /// Notes a refusal or an exemption in the log, and a refusal in the ledger.
    fn note(&self, account: Option<&Account>, kind: Kind, reason: Reason) {
        self.log(account, kind, Some(reason), None);
        if kind == Kind::Refused {
            refusals::keep(&self.ports, &seat_of(self.request, account), self.request, reason);
        }
    }

    fn log(
        &self,
        account: Option<&Account>,
        kind: Kind,
        reason: Option<Reason>,
        accepted: Option<Accepted>,
    ) {
        self.ports.journal.note(&Event {
            kind,
            user: account.map(|account| account.name.clone()),
            service: self.request.service.clone(),
            source: self.request.source.label(),
            first_factor: self.request.claim.word(),
            accepted,
            reason,
        });
    }

    /// Before a proven first factor all is said in one sentence.
    fn sayable(&self, message: Message) -> Message {
        if self.standing == Standing::Proven { message } else { Message::NotAccepted }
    }

    fn words(&self, message: &Message) -> String {
        text::login(self.policy.language, message)
    }

    fn prompt(&self, said: Option<&str>) -> String {
        let built_in = || self.words(&Message::AskCode);
        let asked = self.policy.prompt.clone().unwrap_or_else(built_in);
        match said {
            Some(said) => alloc::format!("\n{said}\n{asked}"),
            None => asked,
        }
    }
}

fn state_of(looked_up: &LookedUp) -> AccountState {
    match looked_up {
        Ok(Some(account)) => AccountState::Exists { uid: account.uid },
        Ok(None) => AccountState::Unknown,
        Err(LookupFault) => AccountState::Failed,
    }
}

fn name_of(account: Option<&Account>) -> String {
    account.map_or_else(String::new, |account| account.name.clone())
}

fn seat_of(request: &Request, account: Option<&Account>) -> Seat {
    Seat::of(account, request.typed_user.as_deref().unwrap_or_default())
}

fn with_reason(end: End, reason: Reason) -> End {
    match end {
        End::Granted(_) | End::Denied(_) | End::Broken(_) => End::Denied(reason),
        End::Stopped(_) => End::Stopped(reason),
        End::CutOff => End::CutOff,
    }
}

fn verdict_of(end: &End) -> Verdict {
    match end {
        End::Granted(_) => Verdict::Granted,
        End::Denied(_) | End::Stopped(_) => Verdict::Denied,
        End::CutOff => Verdict::NoConversation,
        End::Broken(_) => Verdict::Unavailable,
    }
}

fn fault_message(reason: Reason, user: String) -> Message {
    match reason {
        Reason::NotEnrolled => Message::NotEnrolled { user },
        Reason::Store(StoreFault::NameTooLong) => Message::MachineFault { user },
        Reason::Store(_) => Message::RecordUnreadable { user },
        Reason::WrongCode
        | Reason::Replayed
        | Reason::BeforeEpoch
        | Reason::Throttled
        | Reason::Locked
        | Reason::NotACode
        | Reason::Stopped
        | Reason::Conversation
        | Reason::UnknownUser
        | Reason::NoPublicKey
        | Reason::FirstFactorFailed
        | Reason::LookupFailed
        | Reason::Clock
        | Reason::Rule(_)
        | Reason::Ledger(_)
        | Reason::RecordChanging => Message::MachineFault { user },
    }
}
