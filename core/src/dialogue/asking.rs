//! The questions of a login: prompts, what is said after a wrong answer, and how the asking ends.

use alloc::string::String;
use core::cell::Cell;

use crate::{
    account::Folder,
    answer::{self, Answer, Code},
    attempt::Outcome,
    backup_code,
    beside::Ticket,
    code_set::Shape,
    dialogue::{
        other_ways::{self, Chosen},
        parting::Parting,
    },
    event::{Accepted, Reason},
    message::{Message, Ways},
    policy::{Field, Policy, Questions},
    ports::{Codes, Conversation},
    record::SetId,
    request::Standing,
    spend::LastCode,
    text,
};

/// How the asking ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// A code was right.
    Granted(Accepted),
    /// The last code of a set was right: another set is shown before anybody gets in.
    LastCode(LastCode),
    /// A ticket was right.
    Ticket(Ticket),
    /// No answer was; the reason of the last.
    Denied(Reason),
    /// The person stopped.
    Stopped,
    /// The conversation failed.
    CutOff,
    /// Something is broken, and no further answer would help.
    Broken(Reason),
}

/// Who is asked, and what may be said.
pub struct Asking<'a> {
    /// The settings.
    pub policy: &'a Policy,
    /// The person.
    pub conversation: &'a dyn Conversation,
    /// What may be said.
    pub standing: Standing,
    /// The account's name, for what is said behind a proven first factor.
    pub user: String,
    /// The person's backup codes, where there are any.
    pub backup: Option<Backup<'a>>,
    /// Whether a ticket for new backup codes works for this person.
    pub has_ticket: bool,
    /// What is wanted besides, once a code is right.
    pub wish: Cell<Wish>,
    /// What is said at the end.
    pub parting: &'a Parting,
}

/// What is wanted besides getting in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wish {
    /// Nothing.
    #[default]
    Nothing,
    /// New backup codes, or a new authenticator.
    Change,
}

/// A set of backup codes that is on file for somebody.
pub struct Backup<'a> {
    /// Where sets lie.
    pub codes: &'a dyn Codes,
    /// Whose it is.
    pub folder: Folder,
    /// Its name.
    pub id: SetId,
}

/// What an answer, or a choice from the menu, came to.
enum Said {
    Answer(Answer),
    /// None of the choices.
    NoSuchWay(Ways),
}

impl Backup<'_> {
    fn has_unspent(&self) -> bool {
        let set = self.codes.set(&self.folder, self.id);
        let spent = self.codes.spent(&self.folder, self.id);
        matches!((set, spent), (Ok(set), Ok(spent)) if backup_code::left(&set, &spent) > 0)
    }
}

/// What a wrong answer leads to.
struct Rebuff {
    message: Message,
    reason: Reason,
}

impl Asking<'_> {
    /// Asks up to `tries` times, once where no first factor is proven; where the judge gives nothing, a code is wrong.
    pub fn ask(&self, judge: &mut dyn FnMut(&Code) -> Option<Outcome>) -> End {
        match self.policy.field {
            Field::Code => self.ask_for_a_code(judge),
            Field::Missing => End::Denied(Reason::NoFirstPass),
            Field::Given | Field::PasswordAndCode => self.take_one_answer(judge),
        }
    }

    /// One answer, and no word after it: a program that answers every question with the same text is charged once, and
    /// a right code in front of a wrong password looks like a wrong one.
    fn take_one_answer(&self, judge: &mut dyn FnMut(&Code) -> Option<Outcome>) -> End {
        match self.prompt(None) {
            Err(end) => end,
            Ok(Answer::Stop) => End::Stopped,
            Ok(Answer::Help | Answer::Other) => End::Denied(Reason::NotACode),
            Ok(Answer::Code(code)) => match self.weigh(judge(&code), 0) {
                Err(end) => end,
                Ok(rebuff) => End::Denied(rebuff.reason),
            },
        }
    }

    fn ask_for_a_code(&self, judge: &mut dyn FnMut(&Code) -> Option<Outcome>) -> End {
        let mut last: Option<Rebuff> = None;
        // No code helps where the first factor failed: one question, and sshd asks for the password again.
        let tries = if self.standing == Standing::Decoy { 1 } else { self.policy.tries };
        for left in (0..tries).rev() {
            let answer = match self.ask_once(last.as_ref()) {
                Ok(answer) => answer,
                Err(end) => return end,
            };
            let rebuff = match answer {
                Said::Answer(Answer::Code(code)) => self.weigh(judge(&code), left),
                Said::Answer(Answer::Stop) => return End::Stopped,
                Said::Answer(Answer::Help | Answer::Other) => {
                    Ok(Rebuff { message: Message::NotACode, reason: Reason::NotACode })
                }
                Said::NoSuchWay(ways) => {
                    Ok(Rebuff { message: Message::NoSuchWay(ways), reason: Reason::NotACode })
                }
            };
            match rebuff {
                Ok(rebuff) => last = Some(rebuff),
                Err(end) => return end,
            }
        }
        let reason = last.map_or(Reason::NotACode, |rebuff| {
            self.parting.leave(self.sayable(&rebuff.message));
            rebuff.reason
        });
        End::Denied(reason)
    }

    /// Says what no code would help against. Only a prompt is sure to be seen; whatever is answered changes nothing.
    pub fn explain(&self, message: &Message) {
        let _ =
            self.conversation.ask(&text::login(self.policy.language, message), self.policy.echo);
    }

    /// Says what a success has changed. Nothing more is asked, so this may not be seen: `twinlock status` says it as
    /// well. Nobody is told before a proven first factor.
    pub fn tell_accepted(&self, accepted: &Accepted) {
        let codes = self.policy.backup_codes;
        let message = match *accepted {
            // A whole new set was shown just now.
            Accepted::BackupCode { shape: Shape::Letters20, left: Some(left) }
                if left >= codes.count =>
            {
                return;
            }
            Accepted::BackupCode { left: Some(left), .. } if left <= codes.warn_below => {
                Message::FewCodesLeft { left }
            }
            Accepted::BackupCode { left: Some(left), .. } => Message::CodesLeft { left },
            Accepted::App { resynced: Some(resynced), .. } => Message::Resynced(resynced),
            Accepted::BackupCode { left: None, .. }
            | Accepted::App { resynced: None, .. }
            | Accepted::Bypass { .. }
            | Accepted::Ticket
            | Accepted::Device => return,
        };
        if self.standing == Standing::Proven {
            self.conversation.tell(&text::login(self.policy.language, &message));
        }
    }

    /// One prompt, and the menu of other ways where it is asked for.
    fn ask_once(&self, before: Option<&Rebuff>) -> Result<Said, End> {
        match self.prompt(before)? {
            Answer::Help => {}
            other @ (Answer::Stop | Answer::Code(_) | Answer::Other) => {
                return Ok(Said::Answer(other));
            }
        }
        let ways = self.ways();
        match other_ways::choose(self.policy, self.conversation, ways) {
            Ok(Chosen::App) => self.prompt(None).map(Said::Answer),
            Ok(Chosen::Change) => {
                self.wish.set(Wish::Change);
                self.prompt(None).map(Said::Answer)
            }
            Ok(Chosen::Backup(answer) | Chosen::Ticket(answer)) => {
                Ok(Said::Answer(self.worth_judging(answer)))
            }
            Ok(Chosen::Stop) => Ok(Said::Answer(Answer::Stop)),
            Ok(Chosen::Nothing) => Ok(Said::NoSuchWay(ways)),
            Err(_) => Err(End::CutOff),
        }
    }

    /// Before a first factor is proven all ways are offered to everybody, and nothing is read for it.
    fn ways(&self) -> Ways {
        match (self.standing, &self.backup) {
            // A change is nothing that can be offered where nothing but a code is asked for.
            _ if self.policy.questions() != Questions::All => Ways::Everybodys,
            (Standing::Proven, _) if self.has_ticket => Ways::WithTicket,
            (Standing::Proven, Some(backup)) if backup.has_unspent() => Ways::WithCodes,
            (Standing::Proven, _) => Ways::AppOnly,
            (Standing::Ahead | Standing::Decoy, _) => Ways::Everybodys,
        }
    }

    fn prompt(&self, before: Option<&Rebuff>) -> Result<Answer, End> {
        let question = match self.policy.field {
            Field::PasswordAndCode => Message::AskPasswordAndCode,
            Field::Code if self.has_ticket => Message::AskCodeOrTicket,
            Field::Code | Field::Given | Field::Missing => Message::AskCode,
        };
        let built_in = || text::login(self.policy.language, &question);
        let mut prompt = self.policy.prompt.clone().unwrap_or_else(built_in);
        if let Some(rebuff) = before {
            prompt = alloc::format!("\n{}\n{prompt}", self.sayable(&rebuff.message));
        }
        let typed = self.conversation.ask(&prompt, self.policy.echo);
        let answer = typed.map(|typed| answer::read_field(self.policy.field, &typed));
        answer.map(|answer| self.worth_judging(answer)).map_err(|_| End::CutOff)
    }

    /// Before a first factor nobody has a voucher: one is no code, throttled or not.
    fn worth_judging(&self, answer: Answer) -> Answer {
        match answer {
            Answer::Code(code) if self.standing != Standing::Proven && code.is_voucher() => {
                Answer::Other
            }
            other @ (Answer::Stop | Answer::Code(_) | Answer::Help | Answer::Other) => other,
        }
    }

    fn weigh(&self, outcome: Option<Outcome>, left: u8) -> Result<Rebuff, End> {
        let (message, reason) = match outcome {
            None => (Message::NotAccepted, Reason::WrongCode),
            Some(Outcome::Granted(accepted)) => return Err(End::Granted(accepted)),
            Some(Outcome::LastCode(last)) => return Err(End::LastCode(last)),
            Some(Outcome::Ticket(ticket)) => return Err(End::Ticket(ticket)),
            Some(Outcome::NoBypass) => (Message::NoBypass, Reason::NotACode),
            Some(Outcome::NoTicket) => (Message::NoTicket, Reason::NotACode),
            Some(Outcome::HalfJudged(fault)) => {
                return self.weigh(Some(Outcome::Faulty(Reason::Codes(fault))), left);
            }
            Some(Outcome::Faulty(reason)) if self.standing == Standing::Proven => {
                return Err(End::Broken(reason));
            }
            // Before a proven first factor the questions go on as for everybody.
            Some(Outcome::Faulty(reason)) => (Message::NotAccepted, reason),
            Some(Outcome::Wrong) => (Message::Wrong { left }, Reason::WrongCode),
            Some(Outcome::Replayed { wait } | Outcome::Repeated { wait }) => {
                (Message::Replayed { wait }, Reason::Replayed)
            }
            Some(Outcome::Spent) => (Message::Spent, Reason::Spent),
            Some(Outcome::BeforeEpoch { wait, ahead }) => {
                (Message::BeforeEpoch { wait, ahead }, Reason::BeforeEpoch)
            }
            Some(Outcome::ClockOff { ahead, wait }) => {
                (Message::ClockOff { ahead, wait }, Reason::ClockOff)
            }
            Some(Outcome::Throttled { until, wait }) => {
                (Message::Throttled { until, wait }, Reason::Throttled)
            }
            Some(Outcome::Locked) => (Message::Locked { user: self.user.clone() }, Reason::Locked),
        };
        Ok(Rebuff { message, reason })
    }

    /// Before a proven first factor all is said in one sentence.
    fn sayable(&self, message: &Message) -> String {
        let said = if self.standing == Standing::Proven { message } else { &Message::NotAccepted };
        text::login(self.policy.language, said)
    }
}
