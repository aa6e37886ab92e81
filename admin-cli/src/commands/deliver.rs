//! `twinlock deliver`: sends the notifications that wait in the outbox.

mod renewal;

use std::time::Duration;

use twinlock_core::{
    delivery::Fate,
    letter::{Letter, LetterKind, Topic},
    ports::{Accounts, Records},
    text::mail::Blanks,
    time::UnixTime,
};
use twinlock_host::post::{Claimed, Post, standing};

use crate::{
    actor,
    desk::Desk,
    exit::{Exit, Failure},
    mail::{Address, MailFault, Office, Sheet},
    wording::count,
};

/// Consecutive failures after which the run ends, since the others would fail too.
const STRIKES: u32 = 5;
/// Weight of a mail program that times out: each one costs a minute.
const SLOW: u32 = 2;

/// Totals of a run.
#[derive(Default)]
struct Report {
    sent: usize,
    unaddressed: usize,
    dead: usize,
    strikes: u32,
    failure: Option<Failure>,
}

/// Sends the notifications that are due.
pub fn run(desk: &Desk, patience: u64) -> Result<(), Failure> {
    desk.need_root("send the outbox")?;
    let post = Post::open(&desk.machine.records)?;
    let mut report = Report::default();
    let gathered = post.gather(desk.now()?.unix);
    report.dead = gathered.dead;
    report.failure = gathered.fault.map(Failure::from);
    let run = Run { desk, post: &post, seconds: patience.max(1) };
    for due in post.due(desk.now()?.unix)? {
        if report.strikes >= STRIKES {
            break;
        }
        if let Some(claimed) = post.claim(due, desk.now()?.unix, run.seconds)? {
            run.deliver(&claimed, &mut report)?;
        }
    }
    report.tell(desk)
}

struct Run<'a> {
    desk: &'a Desk,
    post: &'a Post,
    seconds: u64,
}

impl Run<'_> {
    fn deliver(&self, claimed: &Claimed, report: &mut Report) -> Result<(), Failure> {
        let now = self.desk.now()?.unix;
        let outcome = match self.send(claimed, now) {
            Err(Hindrance::Elsewhere(failure)) => Err((failure, None)),
            Err(Hindrance::Mail(fault)) => Err((Failure::from(fault.clone()), Some(fault))),
            Ok(sending) => Ok(sending),
        };
        match outcome {
            Ok(Sending::NotNeeded) => Ok(self.post.discard(claimed)?),
            Ok(Sending::Sent) => {
                report.sent += 1;
                report.strikes = 0;
                self.log("mail_sent", &claimed.letter);
                Ok(self.post.sent(claimed, self.desk.now()?.unix)?)
            }
            Err((_, Some(MailFault::NoAddress))) => {
                report.unaddressed += 1;
                Ok(self.post.discard(claimed)?)
            }
            Err((failure, Some(MailFault::OddAddress(_)))) => {
                report.failed(failure, 0);
                self.bury(claimed, report)
            }
            Err((failure, fault)) => {
                report.failed(failure, fault.map_or(1, |fault| strikes(&fault)));
                match self.post.failed(claimed, self.desk.now()?.unix)? {
                    Fate::Waits(_) => self.log("mail_failed", &claimed.letter),
                    Fate::Dead => self.died(claimed, report),
                }
                Ok(())
            }
        }
    }

    fn send(&self, claimed: &Claimed, now: UnixTime) -> Result<Sending, Hindrance> {
        let letter = &claimed.letter;
        if letter.kind == LetterKind::TicketExpired {
            return self.renew(claimed);
        }
        let to = self.address(letter)?;
        let office = Office::open(self.desk, Duration::from_secs(self.seconds))?;
        let blanks = Blanks::of_letter(self.desk.policy.language, letter, &office.host);
        // The same for every attempt, so that a mail reader shows a repeated mail once.
        let name = letter.kind.word();
        let sheet =
            Sheet { topic: Topic::Event(letter.kind), blanks: &blanks, at: letter.at, name };
        if !Post::has_time(claimed, self.desk.now()?.unix.max(now), self.seconds) {
            return Err(Hindrance::Elsewhere(late()));
        }
        office.send(&to, &letter.user, &sheet)?;
        Ok(Sending::Sent)
    }

    fn address(&self, letter: &Letter) -> Result<Address, Hindrance> {
        if let Some(to) = &letter.to {
            return Ok(Address::read(to).ok_or_else(|| MailFault::OddAddress(to.clone()))?);
        }
        let user = letter.user.as_str();
        let Some(account) = self.desk.machine.accounts.by_name(user).map_err(Failure::from)? else {
            return Err(MailFault::NoAddress.into());
        };
        let found = self.desk.machine.records.newest(&account).map_err(Failure::from)?;
        let on_record = found.and_then(|found| found.record.beside.mail);
        Ok(Address::of(user, on_record.as_deref(), &self.desk.policy.mail)?)
    }

    fn bury(&self, claimed: &Claimed, report: &mut Report) -> Result<(), Failure> {
        self.died(claimed, report);
        Ok(self.post.give_up(claimed)?)
    }

    fn died(&self, claimed: &Claimed, report: &mut Report) {
        report.dead += 1;
        self.log("mail_given_up", &claimed.letter);
    }

    fn log(&self, event: &str, letter: &Letter) {
        actor::log(self.desk, event, &[("user", &letter.user), ("kind", letter.kind.word())]);
    }
}

/// Result of a delivery attempt.
enum Sending {
    Sent,
    /// Not needed any more: the user is enrolled, or has a valid ticket.
    NotNeeded,
}

/// Why a notification was not sent.
enum Hindrance {
    Mail(MailFault),
    /// Accounts, records or the clock failed.
    Elsewhere(Failure),
}

impl From<MailFault> for Hindrance {
    fn from(fault: MailFault) -> Self {
        Self::Mail(fault)
    }
}

impl From<Failure> for Hindrance {
    fn from(failure: Failure) -> Self {
        Self::Elsewhere(failure)
    }
}

fn late() -> Failure {
    Failure::new(
        Exit::StoreUnreachable,
        "looking an account up took too long to send a letter in time",
        "Look at the name service (getent passwd NAME).",
    )
}

fn strikes(fault: &MailFault) -> u32 {
    match fault {
        MailFault::OddSender(_) | MailFault::NotStarted { .. } => STRIKES,
        MailFault::Slow { .. } => SLOW,
        MailFault::Refused { .. } => 1,
        MailFault::NoAddress | MailFault::OddAddress(_) => 0,
    }
}

impl Report {
    fn failed(&mut self, failure: Failure, strikes: u32) {
        self.strikes += strikes;
        self.failure.get_or_insert(failure);
    }

    fn tell(self, desk: &Desk) -> Result<(), Failure> {
        let waiting = standing(&desk.machine.records).waiting;
        let mut parts = vec![format!("{} sent", count(self.sent, "letter"))];
        for (number, what) in [
            (waiting, "waiting"),
            (self.unaddressed, "for people without an address dropped"),
            (self.dead, "given up (see outbox/dead)"),
        ] {
            if number > 0 {
                parts.push(format!("{number} {what}"));
            }
        }
        let object = serde_json::json!({
            "sent": self.sent, "waiting": waiting,
            "without_address": self.unaddressed, "given_up": self.dead,
        });
        match self.failure {
            None => {
                desk.say(&format!("{}.", parts.join(", ")), object);
                Ok(())
            }
            Some(failure) if desk.json => Err(failure),
            Some(failure) => {
                desk.say(&format!("{}.", parts.join(", ")), object);
                Err(failure)
            }
        }
    }
}
