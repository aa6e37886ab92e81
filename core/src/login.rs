//! A login, from the request to the verdict: the whole story on a page.

use alloc::{boxed::Box, string::String};

use crate::{
    account::{Account, Folder},
    admission::{AccountState, Admission, Known, admit},
    attempt::Trial,
    dialogue::asking::{Asking, Backup, End},
    event::{Accepted, Event, Kind, Reason},
    fault::{CodesFault, LedgerFault, LookupFault, StoreFault},
    ledger::Budget,
    message::Message,
    policy::{Action, Field, Policy},
    ports::{Part, Ports, Seat, Shelf, Snapshot},
    record::State,
    refusals,
    request::{Claim, Request, Source, SourceLabel, Standing},
    resync::Memory,
    rules::{self, Decided, Subject},
    throttle::Familiarity,
    time::UnixTime,
    verdict::Verdict,
};

/// Decides one login. Everything that is not proven refuses, and says why in the log.
pub fn login(request: &Request, policy: &Policy, ports: Ports<'_>) -> Verdict {
    let visit = Visit {
        request,
        policy,
        ports,
        standing: request.standing(),
        source: request.source.label(),
    };
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
    source: SourceLabel,
}

/// What a code is held against: somebody's record, or in vain nobody's.
struct Held {
    record: Option<Snapshot>,
    stand_in: Option<Snapshot>,
    /// What each code is noted as, where not the code is what it is about.
    noted_as: Option<(Kind, Reason)>,
}

impl Held {
    /// The same work, and no code is right.
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

    /// Asks the rules, then the records, and goes where that leads.
    fn admit(&self, looked_up: &LookedUp) -> Verdict {
        let account = looked_up.as_ref().ok().and_then(Option::as_ref);
        let Ok(now) = self.ports.clock.now() else {
            return self.refuse(account, Reason::Clock);
        };
        let decided = account.map_or(Err(LookupFault), |account| self.decide(account, now.unix));
        let exempt = matches!(decided, Ok(Decided { action: Action::Exempt, .. }));
        let (snapshot, stand_in) = match (self.standing, account) {
            // Before a first factor the same is read for everybody, needed or not.
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
            now: now.unix,
        };
        let admission = admit(&known).without_set_up();
        self.follow(
            admission,
            account,
            Held { record: snapshot.ok().flatten(), stand_in, noted_as: None },
        )
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

    fn follow(&self, admission: Admission, account: Option<&Account>, held: Held) -> Verdict {
        match (admission, self.standing) {
            (Admission::Exempt(reason), Standing::Proven) => {
                self.note(account, Kind::Exempt, reason);
                Verdict::Exempt
            }
            (Admission::SetUp(_), _) => self.refuse(account, Reason::NotEnrolled),
            (Admission::Refuse(reason), Standing::Proven) => self.refuse(account, reason),
            (Admission::Exempt(reason), _) => {
                // Whoever asks before the first factor sees the same questions, exempt or not.
                let end = self.ask_and_judge(account, self.of_exempt(held, reason));
                self.ports.conversation.hand_on(match &end {
                    End::Granted(accepted) => Part::AllBut(accepted.length()),
                    _ => Part::Whole,
                });
                if !matches!(end, End::Denied(last) if last.is_told_at_once()) {
                    self.note(account, Kind::Exempt, reason);
                }
                Verdict::Exempt
            }
            (Admission::Refuse(reason), _) => {
                let end = self.ask_and_judge(account, held.in_vain((Kind::Refused, reason)));
                self.conclude(account, with_reason(end, reason))
            }
            (Admission::Ask, _) => {
                let familiarity = Familiarity::of(held.record.as_ref(), &self.source);
                let end = self.ask_and_judge(account, held);
                if let End::Granted(accepted) = &end {
                    self.afterwards(account, familiarity);
                    self.ports.conversation.hand_on(Part::AllBut(accepted.length()));
                }
                self.conclude(account, end)
            }
        }
    }

    /// A code that somebody types with a password although none is asked for is no part of the password.
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

    /// Asks for codes and has each judged.
    fn ask_and_judge(&self, account: Option<&Account>, held: Held) -> End {
        let asking = Asking { backup: self.backup(account, &held), ..self.asking(account) };
        let shelf = match self.open_shelf(account) {
            Ok(shelf) => shelf,
            Err(fault) if self.standing == Standing::Proven => {
                return End::Broken(Reason::Ledger(fault));
            }
            Err(fault) => return unjudged(asking.ask(&mut |_| None), Reason::Ledger(fault)),
        };
        let mut trial = Trial {
            policy: self.policy,
            ports: self.ports,
            shelf: shelf.as_ref(),
            person: account.zip(held.record),
            stand_in: held.stand_in,
            broken: held.noted_as.map(|(_, reason)| reason).filter(|it| it.is_machines_fault()),
            source: &self.source,
            budget: match (self.standing, held.noted_as) {
                (Standing::Proven, _) => Budget::Proven,
                (Standing::Ahead | Standing::Decoy, Some((Kind::Exempt, _))) => Budget::Exempt,
                (Standing::Ahead | Standing::Decoy, _) => Budget::Unproven,
            },
            memory: Memory::new(self.policy.resync),
        };
        asking.ask(&mut |code| {
            let outcome = trial.attempt(code);
            // At once: whoever hangs up after a wrong code, or kills this process, has left a trace by then.
            if let Some(reason) = outcome.rebuff() {
                let (kind, reason) = held.noted_as.unwrap_or((Kind::Refused, reason));
                self.note(account, kind, reason);
            }
            Some(outcome)
        })
    }

    fn open_shelf(&self, account: Option<&Account>) -> Result<Box<dyn Shelf + '_>, LedgerFault> {
        let seat = seat_of(self.request, account);
        match self.standing {
            Standing::Proven => self.ports.ledger.open(&seat),
            Standing::Ahead | Standing::Decoy => self.ports.ledger.open_alike(&seat),
        }
    }

    fn asking(&self, account: Option<&Account>) -> Asking<'_> {
        Asking {
            policy: self.policy,
            conversation: self.ports.conversation,
            standing: self.standing,
            user: name_of(account),
            backup: None,
        }
    }

    fn backup(&self, account: Option<&Account>, held: &Held) -> Option<Backup<'_>> {
        let id = held.record.as_ref()?.record.codes?;
        let folder = Folder::of(&account?.name).ok()?;
        Some(Backup { codes: self.ports.codes, folder, id })
    }

    fn decoy(&self, looked_up: &LookedUp) -> Verdict {
        let account = looked_up.as_ref().ok().and_then(Option::as_ref);
        let reason = match self.request.claim {
            Claim::Publickey => Reason::NoPublicKey,
            Claim::Stack | Claim::Follows | Claim::Failed => Reason::FirstFactorFailed,
        };
        let end = self.asking(account).ask(&mut |_| None);
        self.log(account, Kind::Refused, (Some(reason), None));
        verdict_of(&end)
    }

    /// No code would help: who stands behind a proven first factor is told why, others are asked all the same.
    fn refuse(&self, account: Option<&Account>, reason: Reason) -> Verdict {
        let end = match self.standing {
            Standing::Proven => End::Broken(reason),
            Standing::Ahead | Standing::Decoy => {
                unjudged(self.asking(account).ask(&mut |_| None), reason)
            }
        };
        self.conclude(account, end)
    }

    /// Notes the end in the log and for `twinlock why`, and makes it a verdict.
    fn conclude(&self, account: Option<&Account>, end: End) -> Verdict {
        match &end {
            End::Granted(accepted) => {
                self.log(account, Kind::Accepted, (None, Some(accepted.clone())));
                self.asking(account).tell_accepted(accepted);
            }
            End::Denied(reason) if reason.is_told_at_once() => {}
            End::Denied(reason) => self.note(account, Kind::Refused, *reason),
            End::Stopped => self.note(account, Kind::Refused, Reason::Stopped),
            End::CutOff => self.note(account, Kind::Refused, Reason::Conversation),
            End::LastCode(_) | End::Ticket(_) => {
                self.note(account, Kind::Refused, Reason::Unconfirmed);
            }
            End::Broken(reason) => {
                if !reason.is_told_at_once() {
                    self.note(account, Kind::Refused, *reason);
                }
                self.asking(account).explain(&fault_message(*reason, name_of(account)));
            }
        }
        verdict_of(&end)
    }

    /// What a success leaves behind, as well as it goes: the clock mark, and a source that was new.
    fn afterwards(&self, account: Option<&Account>, familiarity: Familiarity) {
        let Ok(now) = self.ports.clock.now() else { return };
        self.ports.records.mark_clock(now.unix);
        let folder = account.and_then(|account| Folder::of(&account.name).ok());
        // A code without its first factor is no login, and nobody in particular sits at no place.
        let lasting = self.standing == Standing::Proven && self.request.source != Source::Unknown;
        let new = lasting && familiarity == Familiarity::Stranger;
        if let Some(folder) = folder.filter(|_| new) {
            self.ports.records.remember_source(&folder, &self.source, now.unix);
        }
    }

    /// Notes a refusal or an exemption in the log, and in the ledger a refusal; before a first factor nobody may see
    /// which of the two it is.
    fn note(&self, account: Option<&Account>, kind: Kind, reason: Reason) {
        self.log(account, kind, (Some(reason), None));
        if kind == Kind::Refused || self.standing != Standing::Proven {
            refusals::keep(&self.ports, &seat_of(self.request, account), self.request, reason);
        }
    }

    fn log(
        &self,
        account: Option<&Account>,
        kind: Kind,
        (reason, accepted): (Option<Reason>, Option<Accepted>),
    ) {
        self.ports.journal.note(&Event {
            kind,
            user: account.map(|account| account.name.clone()),
            service: self.request.service.clone(),
            source: self.source.clone(),
            first_factor: self.request.claim.word(),
            accepted,
            reason,
        });
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
    let plain = |name: &String| name.chars().filter(|letter| !letter.is_control()).collect();
    account.map_or_else(String::new, |account| plain(&account.name))
}

fn seat_of(request: &Request, account: Option<&Account>) -> Seat {
    Seat::of(account, request.typed_user.as_deref().unwrap_or_default())
}

/// The end of a dialogue in which no code could be right, with what kept it from being.
fn with_reason(end: End, reason: Reason) -> End {
    match end {
        // Each code has been noted with the reason already.
        End::Denied(last) if last.is_told_at_once() => end,
        End::Granted(_) | End::LastCode(_) | End::Ticket(_) | End::Denied(_) | End::Broken(_) => {
            End::Denied(reason)
        }
        End::Stopped | End::CutOff => end,
    }
}

/// The end of a dialogue in which no code was held against anything, and so none was noted.
fn unjudged(end: End, reason: Reason) -> End {
    match end {
        End::Denied(_) => End::Denied(reason),
        End::Granted(_)
        | End::LastCode(_)
        | End::Ticket(_)
        | End::Stopped
        | End::CutOff
        | End::Broken(_) => end,
    }
}

fn verdict_of(end: &End) -> Verdict {
    match end {
        End::Granted(_) => Verdict::Granted,
        End::LastCode(_) | End::Ticket(_) | End::Denied(_) | End::Stopped => Verdict::Denied,
        End::CutOff => Verdict::NoConversation,
        End::Broken(_) => Verdict::Unavailable,
    }
}

fn fault_message(reason: Reason, user: String) -> Message {
    match reason {
        Reason::NotEnrolled => Message::NotEnrolled { user },
        Reason::NotSetUp
        | Reason::NoTicket
        | Reason::NotHandedOver
        | Reason::Unconfirmed
        | Reason::Reminded => Message::MachineFault { user },
        Reason::Store(StoreFault::NameTooLong) => Message::MachineFault { user },
        Reason::Store(_) | Reason::Codes(CodesFault::Record(_)) => {
            Message::RecordUnreadable { user }
        }
        Reason::Unwritten(_) => Message::RecordUnwritable { user },
        Reason::WrongCode
        | Reason::Replayed
        | Reason::Spent
        | Reason::BeforeEpoch
        | Reason::ClockOff
        | Reason::Throttled
        | Reason::Locked
        | Reason::NotACode
        | Reason::Stopped
        | Reason::Conversation
        | Reason::NoFirstPass
        | Reason::UnknownUser
        | Reason::NoPublicKey
        | Reason::FirstFactorFailed
        | Reason::LookupFailed
        | Reason::Clock
        | Reason::Rule(_)
        | Reason::Ledger(_)
        | Reason::Codes(_)
        | Reason::RecordChanging => Message::MachineFault { user },
    }
}
