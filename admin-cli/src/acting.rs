//! The acting person of a grave verb: who it is, and whether a code of their own is due.

use twinlock_core::{
    account::Account,
    beside::Trace,
    letter::{Letter, LetterKind},
    policy::OwnCodeNeed,
    ports::{Outbox, Records, Snapshot},
    record::State,
    request::{Source, SourceLabel},
    time::UnixTime,
};
use twinlock_host::journal::Severity;

use crate::{
    actor::{self, Who},
    desk::Desk,
    exit::{Exit, Failure},
    keyboard::Keyboard,
    own_code::{self, Question, Ways},
    verbs::Deed,
    wording::plain,
};

/// Bytes of a reason: as long as a value in the log may be.
const REASON_MAX: usize = 128;

/// Somebody who may act, once their code is right.
pub struct Acting {
    who: Who,
    /// Whose code is asked for, and what it is held against.
    due: Option<(Account, Snapshot)>,
    /// Why none is, for the log.
    instead: &'static str,
    /// The name in records.
    name: String,
    reason: Option<String>,
    break_glass: Option<String>,
}

/// Somebody who acts: there is none without a code that was right, or a reason why none is asked for.
pub struct Proven(Acting);

impl Acting {
    /// Finds out who acts; everybody who may not is refused here, before anything else is looked at.
    pub fn of(desk: &Desk, deed: &Deed) -> Result<Self, Failure> {
        let who = Who::acts();
        let reason = deed.reason.as_deref().map(|text| sentence("--reason", text)).transpose()?;
        let glass = deed.break_glass.as_deref();
        let break_glass = glass.map(|text| sentence("--break-glass", text)).transpose()?;
        let acting = |instead, name: &str, due| Self {
            who,
            due,
            instead,
            name: name.to_owned(),
            reason,
            break_glass: break_glass.clone(),
        };
        let account = account_of(desk, who)?;
        let name = account.as_ref().map_or("root", |account| account.name.as_str());
        let own_code = &desk.policy.own_code;
        match (who, &break_glass) {
            (Who::Person(_) | Who::Root, Some(_)) => Err(nothing_to_break(name)),
            _ if own_code.need == OwnCodeNeed::NotAsked => Ok(acting("off", name, None)),
            (Who::Console, _) => Ok(acting("console", name, None)),
            (Who::Nobody, Some(_)) => Ok(acting("break_glass", name, None)),
            (Who::Nobody, None) => Err(nobody_acts()),
            (Who::Person(_) | Who::Root, None) => {
                let Some(account) = account.clone() else { return Err(no_account(who)) };
                if own_code.exempt.contains(&account.name) {
                    return Ok(acting("exempt", name, None));
                }
                match desk.machine.records.newest(&account)? {
                    Some(found) if found.record.state == State::Active => {
                        Ok(acting("given", name, Some((account, found))))
                    }
                    _ if who == Who::Root => Ok(acting("none", name, None)),
                    _ => Err(no_second_factor(&account.name)),
                }
            }
        }
    }

    /// The acting person's own record, where a code of theirs is due and it is about them.
    pub fn oneself(&mut self, target: &str) -> Option<(Account, Snapshot)> {
        self.due.take_if(|(account, _)| account.name == target)
    }

    /// Asks for the code, or for two where it is about the acting person: one must not be enough to take an account over.
    pub fn prove(
        mut self,
        desk: &Desk,
        keyboard: &mut Keyboard,
        target: &str,
    ) -> Result<Proven, Failure> {
        if let Some((account, found)) = self.due.take() {
            let codes = if account.name == target { 2 } else { 1 };
            let question = Question { codes, ways: Ways::All, then: &mut |_, _| Ok(()) };
            own_code::ask(desk, keyboard, (&account, found), question)?;
        }
        Ok(Proven(self))
    }
}

impl Proven {
    /// Whether it is about the acting person.
    pub fn is(&self, user: &str) -> bool {
        matches!(self.0.who, Who::Person(_) | Who::Root) && self.0.name == user
    }

    /// What records keep of it.
    pub fn trace(&self, at: UnixTime) -> Trace {
        Trace { by: self.0.name.clone(), at }
    }

    /// Logs what was done: what and whom it is about, why, whether a code was given, and by whom it was done.
    pub fn log(&self, desk: &Desk, event: &str, pairs: &[(&str, &str)]) {
        let mut pairs = pairs.to_vec();
        if let Some(reason) = &self.0.reason {
            pairs.push(("reason", reason));
        }
        if let Some(reason) = &self.0.break_glass {
            pairs.push(("break_glass", reason));
        }
        pairs.push(("own_code", self.0.instead));
        let severity =
            if self.0.break_glass.is_some() { Severity::Warning } else { Severity::Notice };
        actor::log_as(desk, severity, (event, &pairs), self.0.who);
    }

    /// Tells the person whom it is about, who may not have asked for it.
    pub fn write_to(&self, desk: &Desk, user: &str, kind: LetterKind, at: UnixTime) {
        let by = (!self.is(user)).then(|| self.0.name.clone());
        desk.machine.outbox.put(&Letter {
            user: user.to_owned(),
            kind,
            at,
            service: "twinlock".into(),
            source: source_of(self.0.who),
            by,
            left: None,
        });
    }
}

/// Where the acting person counts as sitting.
pub fn source_of(who: Who) -> SourceLabel {
    match who {
        Who::Person(uid) => Source::Uid(uid).label(),
        Who::Root => Source::Uid(0).label(),
        Who::Console => Source::Tty("console".into()).label(),
        Who::Nobody => Source::Unknown.label(),
    }
}

/// The name in records of whoever acts without being asked for a code.
pub fn name_of(desk: &Desk, who: Who) -> String {
    account_of(desk, who).ok().flatten().map_or_else(|| "root".into(), |account| account.name)
}

fn account_of(desk: &Desk, who: Who) -> Result<Option<Account>, Failure> {
    match who {
        Who::Person(uid) => Ok(desk.machine.accounts.by_uid(uid)?),
        Who::Root => Ok(desk.machine.accounts.by_uid(0)?),
        Who::Console | Who::Nobody => Ok(None),
    }
}

/// A reason as the log can hold it whole.
pub fn sentence(option: &str, text: &str) -> Result<String, Failure> {
    let text = text.trim();
    if text.is_empty() || text.len() > REASON_MAX || text.contains(char::is_control) {
        return Err(Failure::new(
            Exit::Usage,
            format!("{option} must be a line of 1 to {REASON_MAX} letters"),
            "It stands in the log: a few words, or the number of a ticket.",
        ));
    }
    Ok(text.to_owned())
}

fn nothing_to_break(name: &str) -> Failure {
    let name = plain(name);
    Failure::new(
        Exit::NotAllowed,
        format!("--break-glass is for where nobody has logged in, and {name} has"),
        "Leave it out, and give a code of your own.",
    )
}

fn nobody_acts() -> Failure {
    Failure::new(
        Exit::NotAllowed,
        "nobody has logged in here, so nobody's own code can be asked for",
        "Log in and use sudo, or sit down at the machine's console. Where neither can be (a service, a container), give --break-glass REASON: it is logged. A robot that logs in can be named in own_code_exempt.",
    )
}

fn no_account(who: Who) -> Failure {
    Failure::new(
        Exit::NotAllowed,
        format!("whoever has logged in here has no account any more ({})", who.word()),
        "Log in by an account that exists (getent passwd), and try again.",
    )
}

fn no_second_factor(name: &str) -> Failure {
    let name = plain(name);
    Failure::new(
        Exit::NotAllowed,
        format!("this takes a code of your own, and {name} has no second factor"),
        format!(
            "Have one set up first: twinlock enroll {name}. A robot can be named in own_code_exempt."
        ),
    )
}
